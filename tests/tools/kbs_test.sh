#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A secret from a key broker: that it comes, to where it is wanted alone, and what is said where it does not.
. "$(dirname "$0")/services.sh"

printf 'the key of the disk' >key
secret=$(<key)
head -c 65536 /dev/urandom >large
printf '{"vm_configuration":{"secure-boot":true}}' >policy
resources=(--resource default/key/disk=key --resource default/key/large=large --kbs-policy policy)

# broker NAME OPTION...: a paravisor with a broker and the platform's endpoint; $tcti, $kbs and $platform are its.
broker() {
  local line
  start_server line "$paravisor_program" --state "$1" --listen 127.0.0.1:0 --http 127.0.0.1:0 --kbs 127.0.0.1:0 \
    --interval-ms 200 "${resources[@]}" "${@:2}"
  pid[$1]=$server
  tcti=$(sed -n 's/^ready tcti=\([^ ]*\) .*/\1/p' <<<"$line")
  kbs=$(sed -n 's/.* kbs=\([^ ]*\).*/\1/p' <<<"$line")
  platform=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' <<<"$line")
  [ -n "$kbs" ] || { echo "FAILED: $1 did not get ready" >&2; exit 1; }
  ask=("$snpnv" -T "$tcti" kbs default/key/disk --url "$kbs" --ca-file "$1/https-ca.pem" --source platform
    --platform-url "$platform" "${root[@]}")
}
asked() { grep -c -- "$2" "$1/kbs.log"; } # NAME PATTERN
tells_nothing() { ! grep -qF "$secret" "$@"; }

broker good
check "a secret on standard output" exits 0 "${ask[@]}"
check "is the secret, and nothing else" cmp -s out key
check "and nothing is said" [ ! -s err ]
check "a file" exits 0 "${ask[@]}" --out file
check "has it" cmp -s file key
check "has mode 0600" [ "$(stat -c %a file)" = 600 ]
check "nothing is left beside" [ -z "$(find . -name '*.snpnv-*')" ]
check "what is said has nothing of it" tells_nothing out err
printf old >there
chmod 0644 there
check "a file that was there" exits 0 "${ask[@]}" --out there
check "gets the mode of a secret" [ "$(stat -c %a there)" = 600 ]
check "JSON" exits 0 "${ask[@]}" --json --out file
check "is one object" jq -e '.resource == "default/key/disk"' out >/dev/null
check "without the secret" tells_nothing out err
check "a descriptor" exits 0 bash -c '"$@" 7>seven' - "${ask[@]}" --out fd:7
check "has it, too" cmp -s seven key
mkfifo fifo
cat fifo >from.fifo &
reader=$!
check "a FIFO" exits 0 "${ask[@]}" --out fifo
await_exit "$reader"
check "gives it" cmp -s from.fifo key
late=
if [ "$(id -u)" = 0 ]; then # who alone may look
  late="./from.late "
  mkfifo late
  "${ask[@]}" --out late 2>late.err &
  holder=$!
  locked=locked
  ! grep -q __asan_init "$snpnv" || locked='not locked' # where locks do nothing
  check "a secret that waits for its reader stands in one place, locked and in no dump" \
    [ "$("$tools/memory.py" "$holder" key)" = "$locked, not dumped" ]
  check "its process leaves no core" grep -q '^Max core file size  *0  *0 ' "/proc/$holder/limits"
  if (ulimit -l unlimited) 2>/dev/null && [ "$locked" = locked ]; then
    check "and all of its memory is locked" [ -z "$(grep '^VmFlags: rd wr' "/proc/$holder/smaps" | grep -v ' lo')" ]
  fi
  cat late >from.late
  await_exit "$holder"
  check "and it is given" cmp -s from.late key
fi
start_server ready python3 -uc '
import socket
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(1)
print("ready")
peer = listener.accept()[0]
data = b""
while part := peer.recv(100): data += part
open("from.socket", "wb").write(data)
print("done")'
check "a socket" exits 0 "${ask[@]}" --out unix:socket
await_line ready.lines done
check "is given it until the end" cmp -s from.socket key
check "a full device" exits 3 bash -c '"$@" >/dev/full' - "${ask[@]}"
check "is the failure" says 'standard output: No space left on device'
check "a large one" exits 0 "${ask[@]/disk/large}"
check "is whole" cmp -s out large
check "each had its challenge, evidence and secret" eval '[ "$(asked good auth)" = "$(asked good " /kbs/v0/resource")" ] &&
  [ "$(asked good auth)" = "$(asked good attest)" ]'
"$tools/event_log.py" boot >boot
check "an event log of another boot" exits 1 "${ask[@]}" --event-log=boot --out another
check "is refused" grep -q 'refused the evidence: .*eventlog.replay' err
check "and nothing is given" [ ! -e another ]
while read -r extension; do TPM2TOOLS_TCTI=$tcti tpm2_pcrextend "$extension"; done < <(
  "$snpnv" display eventlog boot --json |
    jq -r '.events[] | select(.type != "EV_NO_ACTION") | "\(.pcr):sha256=\(.digests.sha256)"')
check "that of this boot" exits 0 "${ask[@]}" --event-log=boot --out file
check "gets the secret" cmp -s file key
check "an event log that is not there" exits 3 "${ask[@]}" --event-log=absent
check "the log of the broker has nothing of it" tells_nothing good/kbs.log good/http.log
check "a recording" exits 0 "${ask[@]/$tcti/record:recording=$tcti}"
check "has nothing of it" tells_nothing recording
check "the VCEK from a file" exits 0 "$snpnv" -T "$tcti" kbs default/key/disk --url "$kbs" --ca-file good/https-ca.pem \
  --vcek good/vcek.pem "${root[@]}"

check "no such resource" exits 1 "${ask[@]/disk/none}"
check "is said so" says 'PluginInternalError'
check "with its likely cause" says 'hint: it has no such resource'
check "a policy of PCRs" eval 'printf "{\"vm_configuration\":{\"secure-boot\":false}}" >policy'
check "nothing that is left has it, but where it was wanted" [ "$(grep -rlF "$secret" . | sort | tr '\n' ' ')" = \
  "./file ./from.fifo $late./from.socket ./key ./seven ./there " ]
end good
broker picky
check "evidence that the policy refuses" exits 1 "${ask[@]}"
check "is refused by the check's name" says 'refused the evidence: AttestationError: .*policy.secure_boot'
check "nothing was released" [ "$(asked picky resource)" -eq 0 ]
end picky
printf '{}' >policy

# Wrong usage is said before anything is asked.
wrong() { # WHAT WORDS ARGUMENT...
  check "$1" exits 2 "$snpnv" -T "$tcti" kbs "${@:3}"
  check "$1: is said" says "$2"
}
trusted=(--url "$kbs" --ca-file picky/https-ca.pem)
wrong "no broker" '--url: missing' a/b/c --ca-file picky/https-ca.pem
wrong "no authority" '--ca-file: missing' a/b/c --url "$kbs"
wrong "a broker without TLS" '--url: needs https' a/b/c --url "${kbs/https/http}" --ca-file picky/https-ca.pem
wrong "a resource of two parts" 'not a resource' a/b "${trusted[@]}"
wrong "a resource that climbs" 'not a resource' a/../c "${trusted[@]}"
wrong "a descriptor that is closed" 'not a descriptor' a/b/c "${trusted[@]}" --out fd:9
wrong "a socket without a name" 'unix: needs' a/b/c "${trusted[@]}" --out unix:
wrong "a VCEK twice" 'not together with --vcek' a/b/c "${trusted[@]}" --vcek x --source kds
check "authorities that are not there" exits 3 "$snpnv" -T "$tcti" kbs a/b/c --url "$kbs" --ca-file absent
check "a secret to a terminal" exits 2 script -qec "${ask[*]}" terminal </dev/null
check "is not printed" grep -q 'standard output is a terminal' terminal

# fault NAME STATUS WORDS
fault() {
  broker "$1" --fault "$1"
  check "$1" exits "$2" "${ask[@]}" --out "$1.out"
  check "$1: is named" says "$3"
  check "$1: gives nothing" [ ! -e "$1.out" ]
  check "$1: tells nothing" tells_nothing out err
  end "$1"
}
fault kbs-wrong-nonce 1 'refused the evidence: AttestationError'
fault kbs-other-key 3 crypto_authentic
fault kbs-other-algorithm 3 'another algorithm than was asked for: alg'
fault kbs-wrong-tag 3 crypto_authentic
fault kbs-off-curve 3 crypto_point
fault kbs-auth-fails 1 'refused a challenge: AttestationError'
fault kbs-policy-deny 1 'refused the secret: PolicyDeny: Access denied by policy'
fault kbs-no-session 3 broker_session
fault kbs-endless 3 wire_too_large
fault kbs-expired 1 'refused the secret: TokenNotFound'
check "an ended session was begun anew once" [ "$(asked kbs-expired auth)" -eq 2 ]
broker once --fault kbs-expired=1
check "a session that ended once" exits 0 "${ask[@]}"
check "was begun anew" [ "$(asked once auth)" -eq 2 ]
check "and gives the secret" cmp -s out key
end once
broker busy --fault kbs-503=2
check "a busy broker" exits 0 "${ask[@]}"
check "is asked again" [ "$(asked busy ' 503$')" -eq 2 ]
end busy
for name in kbs-silence kbs-503; do
  broker $name --fault $name
  check "$name ends in time" given_time 1 3 '' "${ask[@]}" --out $name.out
  check "$name: gives nothing" [ ! -e $name.out ]
  end $name
done
broker stale --fault stale-forever
check "no fresh report" given_time 1 4 fresh_stale "${ask[@]}"
end stale
broker stranger
check "a broker of another certificate" exits 3 "${ask[@]/stranger\/https-ca.pem/$pki/milan/ark.pem}"
check "is not asked" [ ! -s stranger/kbs.log ]
check "and is named" says io_certificate
check "no broker at all" given_time 1 3 'Connection refused' "${ask[@]/$kbs/https://$nobody}"
check "no VCEK" exits 3 "${ask[@]/$platform/http://$nobody}"
check "is the platform's failure" says VCEK
end stranger
summary
