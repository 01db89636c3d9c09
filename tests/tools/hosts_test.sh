#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A stream spread over two hosts by GNU parallel and ssh, one of which dies on the way: each line has one verdict. The
# hosts are network namespaces with an sshd each. Leaves with 77 where these cannot be made.
. "$(dirname "$0")/lib.sh"
leave() { echo "SKIPPED: two hosts need $*" >&2; exit 77; }
[ "$(id -u)" -eq 0 ] || leave "root"
for program in ip /usr/sbin/sshd ssh ssh-keygen; do
  command -v "$program" >/dev/null || leave "$program"
done
! grep -q '^root:!' /etc/shadow || leave "a root who may log in"

# Names that nobody else has at the same time; addresses of documentation (RFC 5737), in a namespace of their own.
net=snpnv-$$
# kill_host HOST: all of its processes, also those that begin while others are being ended.
kill_host() {
  local processes
  while processes=$(ip netns pids "$net-$1") && [ -n "$processes" ]; do
    kill -KILL $processes
    sleep 0.02
  done 2>/dev/null
}
remove_hosts() { for host in 0 1 2; do kill_host $host; ip netns del $net-$host; done 2>/dev/null; }
trap 'remove_hosts; finish' EXIT
ip netns add $net-0 2>/dev/null || leave "network namespaces"
ip -n $net-0 link add bridge type bridge && ip -n $net-0 link set bridge up || leave "a network"
ip -n $net-0 address add 192.0.2.10/24 dev bridge

ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -f host_key
mkdir -p /run/sshd
# A login there runs nothing of what this machine's users run at theirs.
for host in 1 2; do
  ip netns add $net-$host
  ip -n $net-$host link add eth0 type veth peer name port$host netns $net-0
  ip -n $net-$host address add 192.0.2.$host/24 dev eth0
  ip -n $net-$host link set eth0 up
  ip -n $net-0 link set port$host master bridge up
  ip netns exec $net-$host /usr/sbin/sshd -D -f /dev/null -h "$work/host_key" -o "AuthorizedKeysFile=\"$work/key.pub\"" \
    -o StrictModes=no -o "SetEnv=\"HOME=$work\"" -o PidFile=none -o UsePAM=no -o PermitRootLogin=yes -o MaxStartups=100 2>sshd.$host &
  disown  # remove_hosts ends it, without a word
  echo "192.0.2.$host $(cat host_key.pub)" >>known_hosts
done
cat >ssh_config <<CONFIG
IdentityFile "$work/key"
UserKnownHostsFile "$work/known_hosts"
ConnectTimeout 60
BatchMode yes
CONFIG
on() { ip netns exec $net-0 ssh -F ssh_config "192.0.2.$1" "${@:2}"; }
for host in 1 2; do await "the sshd of host $host" eval "on $host true 2>ssh.$host"; done

# 400 documents, every tenth of another nonce.
start_paravisor
exits 0 "$snpnv" evidence good.json --nonce 5a --vcek "$state/vcek.pem"
exits 0 "$snpnv" evidence other.json --nonce 5b --vcek "$state/vcek.pem"
for ((i = 0; i < 400; ++i)); do [ $((i % 10)) -eq 3 ] && cat other.json || cat good.json; done >evidence.ndjson

# Each block is a file, so that another host can be given it again. A block in which a line is rejected is done: only what
# ends otherwise than by a verdict is tried again. Host 2 takes a block and comes to nothing with it.
cat >snpnv <<PROGRAM
#!/bin/sh
if ip -br address show eth0 | grep -q 192.0.2.2/; then
  echo >>on-2
  sleep 3600
fi
exec '$snpnv' "\$@"
PROGRAM
chmod +x snpnv
split -l 20 -d -a 3 evidence.ndjson block.
ip netns exec $net-0 parallel --will-cite --workdir . --keep-order --retries 3 -j 2 --ssh "ssh -F ssh_config" \
  --sshlogin 192.0.2.1,192.0.2.2 \
  "./snpnv verify evidence --stream --certs '$state' --root '$state/ark.pem' --nonce 5a <{}; [ \$? -le 1 ]" \
  ::: block.* >verdicts 2>parallel.err &
spread=$!
await "blocks on host 2" test -s on-2
kill_host 2
await_exit $spread
check "all blocks were judged" [ $? -eq 0 ]
check "a verdict a line" [ "$(wc -l <verdicts)" -eq 400 ]
check "in order, each its own" [ "$(jq -r .verified verdicts | uniq -c | awk '{ print $1 $2 }' | sort | uniq -c | tr -s ' \n' ' ')" = \
  " 40 1false 1 3true 1 6true 39 9true " ]
check "lines of each block in order" [ "$(jq -r .line verdicts | sort -n | uniq -c | awk '$1 == 20' | wc -l)" -eq 20 ]
summary
