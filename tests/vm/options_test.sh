#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# snpnv-boot by itself, under every shell that an initramfs may have: which options it takes from its
# file and the kernel command line, which it refuses, and what it then asks snpnv for. Here /proc holds
# plain files, and snpnv writes down its arguments.
#   tests/vm/options_test.sh SNPNV-BOOT
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "chroot needs root"
cp -al "$dir/root" "$work/root" || skip "no links in $dir"
root=$work/root
mkdir -p "$root"/{etc/snpnv,usr/lib/snpnv,proc,dev,run}
cp "$1" "$root/usr/lib/snpnv/snpnv-boot"
mkdir "$root/store"
touch "$root/vcek.pem" "$root/junk"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || skip "no device nodes can be made here"
mknod -m 666 "$root/dev/tpmrm0" c 1 3
cat >"$root/usr/bin/snpnv" <<'EOF'
#!/bin/sh
echo "$*" > /arguments
echo "$*" >> /all-arguments
case $* in
  *fd:3*) echo "the key" >&3 ;;
  'display cert /junk') echo 'snpnv: /junk: no certificate' >&2; exit 3 ;;
esac
EOF
chmod +x "$root/usr/bin/snpnv"
echo "8.07 1.00" >"$root/proc/uptime"

# given COMMAND-LINE [FILE-LINE...]
given() {
  echo "quiet $1 root=/dev/vda" >"$root/proc/cmdline"
  printf '%s\n' "${@:2}" >"$root/etc/snpnv/initramfs.conf"
  rm -rf "$root/run"/* "$root"/{,all-}arguments "$root/proc/sysrq-trigger"
}
# run COMMAND-LINE [FILE-LINE...]: sets $status and $asked; with the arguments in `arguments`.
arguments=()
run() {
  given "$@"
  timeout -k 1 "$patience" chroot "$root" "${shell[@]}" /usr/lib/snpnv/snpnv-boot "${arguments[@]}" >"$work/out" 2>&1
  status=$?
  asked=$(cat "$root/arguments" 2>/dev/null)
}
# asks ARGUMENTS COMMAND-LINE [FILE-LINE...]
asks() {
  run "${@:2}"
  check "${shell[*]}: ${*:2}: status $status, not 0" [ "$status" -eq 0 ]
  check "${shell[*]}: ${*:2}: asked: $asked" [ "$asked" = "--tcti device:/dev/tpmrm0 $1" ]
}
# fetches SOURCE: so it did before.
fetches() {
  check "${shell[*]}: fetches from $1: $(head -n 2 "$root/all-arguments")" [ "$(head -n 2 "$root/all-arguments")" = \
    "--tcti device:/dev/tpmrm0 report /run/snpnv/.report --boot --timeout 7
--tcti device:/dev/tpmrm0 fetch vcek pem /run/snpnv/.certificates /run/snpnv/.report $1 --timeout 7" ]
}
# refuses COMMAND-LINE [FILE-LINE...]
refuses() {
  run "$@"
  check "${shell[*]}: $*: status $status, not 2" [ "$status" -eq 2 ]
  check "${shell[*]}: $*: nothing is run" [ -z "$asked" ]
  check "${shell[*]}: $*: says so" grep -q 'not acceptable' "$root/run/snpnv/log"
  check "${shell[*]}: $*: status file" [ "$(cat "$root/run/snpnv/"*status)" = 2 ]
}

is_over() { [ -s "$root/proc/sysrq-trigger" ] || has_ended "$1"; }
zeros() { printf "%0$1d" 0; }
parts="/run/snpnv/evidence --random --format dir"
options() {
  asks "evidence $parts --timeout 7" ""
  asks "evidence $parts --timeout 9" "" "# a comment" "" timeout=12
  asks "evidence $parts --timeout 5" snpnv.timeout=07 timeout=12
  asks "evidence /run/a.b/c_d-e/evidence --nonce $(zeros 100) --format dir --timeout 7" \
    "snpnv.out=/run/a.b/c_d-e snpnv.nonce=$(zeros 100)"
  files="--envelope /run/snpnv/envelope.bin --claims /run/snpnv/claims.json --timeout 7"
  asks "report /run/snpnv/report.bin /run/snpnv/user-data.bin --random $files" snpnv.mode=report
  asks "report /run/snpnv/report.bin /run/snpnv/user-data.bin $files" snpnv.nonce=00017fFF80a5 mode=report
  check "${shell[*]}: the nonce is the user data" \
    [ "$(od -An -v -tx1 "$root/run/snpnv/user-data.bin" | tr -d ' \n')" = "00017fff80a5$(zeros 116)" ]
  for value in snpnv.mode=reports snpnv.mode= snpnv.nonce= snpnv.nonce=0 snpnv.nonce=0g snpnv.nonce=randomly \
    "snpnv.nonce=$(zeros 102)" 'snpnv.nonce=00;id' 'snpnv.nonce=$(id)' 'snpnv.nonce=*' snpnv.out=/etc \
    snpnv.out=/run snpnv.out=/run/ snpnv.out=/run/../etc snpnv.out=/run/a/.. snpnv.out=/run//a snpnv.out=run/a \
    'snpnv.out=/run/a;b' snpnv.timeout=0 snpnv.timeout=3601 snpnv.timeout=99999999999999999999 snpnv.timeout=-1 \
    snpnv.vcek= snpnv.vcek=Platform snpnv.vcek=ftp://x "snpnv.vcek=http://x?y" snpnv.vcek=/a/../b snpnv.vcek=vcek.pem \
    snpnv.timeout=1.5 snpnv.timeout=0x10 snpnv.timeout= snpnv.hook=sh 'snpnv.hook=/bin/sh;id' \
    snpnv.hook=/bin/../sbin/x snpnv.unknown=1 snpnv.mode snpnv.=; do
    refuses "$value"
  done
  for value in SNPNV.mode=report rd.snpnv.mode=report "'snpnv.mode=report'" 'x="a snpnv.mode=report b"' \
    'x="a"b"c snpnv.mode=report d"' snpnv_mode=report snpnv:mode=report snpnv=report; do
    refuses "$value"
  done
  # Blanks, as isspace() of the kernel's lib/ctype.c has them.
  for blank in '\t' '\v' '\f' '\r' '\240'; do
    asks "evidence $parts --timeout 5" "$(printf "x${blank}snpnv.timeout=7$blank${blank}y")"
    refuses "$(printf "snpnv.timeout=7 x=\"a${blank}snpnv.mode=report${blank}b\"")"
  done
  asks "evidence $parts --timeout 7" 'x="a b" y="snpnv" root=/dev/mapper/snpnv.root BOOT_IMAGE=/snpnv-1 /boot/snpnv.efi \EFI\snpnv-1.efi snpnvx=1'
  asks "evidence $parts --timeout 5" 'x="a b" snpnv.timeout=7'
  asks "evidence $parts --timeout 5" 'x="a"b"c d" y="" snpnv.timeout=7'
  refuses "" "mode = report"
  refuses "" "nonce=00 # a comment behind"
  refuses "snpnv.timeout=5" "timeout=0"
  asks "evidence $parts --timeout 5" "" "$(printf '# a comment\r')" timeout=7
  refuses "" "$(printf '# a comment\rtimeout=7\r')"
}
# Where the VCEK comes from.
vcek_options() {
  # The first two need a network, and what was asked for last is what is kept.
  trustee="evidence /run/snpnv/evidence.json --random --vcek"
  fetched="$trustee /run/snpnv/.certificates/vcek.pem --timeout 7"
  asks "$trustee /vcek.pem --timeout 7" snpnv.vcek=/vcek.pem vcek=platform
  asks "$fetched" "snpnv.vcek=platform ip=dhcp"
  fetches "--source platform"
  asks "$fetched" "ip=::::::dhcp snpnv.vcek=https://[fd00::1]:8443/kds" vcek=platform
  fetches "--source kds --kds-url https://[fd00::1]:8443/kds"
  asks "$fetched" snpnv.vcek=/store
  fetches "--source store --store /store"
  for value in snpnv.vcek=platform 'snpnv.vcek=http://mirror ip=off'; do
    run "$value"
    check "${shell[*]}: $value: status $status, not 2" [ "$status" -eq 2 ]
    check "${shell[*]}: $value: says so" grep -q 'needs a network' "$root/run/snpnv/log"
    check "${shell[*]}: $value: nobody is asked" [ -z "$asked" ]
  done
}
# The key of a disk, which goes to standard output alone.
key_options() {
  arguments=(--key)
  broker="ip=dhcp snpnv.kbs=https://kbs.example:8080 snpnv.resource=default/key/disk"
  key="kbs default/key/disk --url https://kbs.example:8080 --ca-file"
  asks "$key /etc/snpnv/kbs-ca.pem --source platform --out fd:3 --timeout 7" "$broker"
  check "${shell[*]}: the key is what is printed: $(cat "$work/out")" [ "$(cat "$work/out")" = "the key" ]
  check "${shell[*]}: and is in no file" eval '! grep -rqs "the key" "$root/run"'
  check "${shell[*]}: it says nothing of the attestation" [ "$(cd "$root/run/snpnv" && echo *)" = "key-status log" ]
  asks "$key /ca.pem --source store --store /store --out fd:3 --timeout 7" "$broker snpnv.vcek=/store" ca=/ca.pem hook=/bin/no
  asks "$key /etc/snpnv/kbs-ca.pem --vcek /vcek.pem --out fd:3 --timeout 7" "$broker snpnv.vcek=/vcek.pem"
  asks "$key /etc/snpnv/kbs-ca.pem --source kds --kds-url http://mirror --out fd:3 --timeout 7" "$broker snpnv.vcek=http://mirror"
  for value in snpnv.kbs=http://kbs.example snpnv.kbs= 'snpnv.kbs=https://x;id' snpnv.resource=a/b snpnv.resource=a/b/c/d \
    snpnv.resource=/a/b/c snpnv.resource=a//c 'snpnv.resource=a/b/$(id)' snpnv.ca=ca.pem snpnv.ca=/a/../b; do
    refuses "$broker $value"
  done
  for value in "ip=dhcp snpnv.kbs=https://kbs.example" "ip=dhcp snpnv.resource=a/b/c" "${broker#ip=dhcp }"; do
    run "$value"
    check "${shell[*]}: $value: status $status, not 2" [ "$status" -eq 2 ]
    check "${shell[*]}: $value: says so" grep -q 'needs' "$root/run/snpnv/log"
    check "${shell[*]}: $value: nobody is asked, nothing printed" [ -z "$asked$(cat "$work/out")" ]
  done
  arguments=()
}
# Who reads the key waits for snpnv, not for who brings up the network, nor for a driver that waits for its device.
nobody_else_has_the_key() {
  printf '%s\n' '#!/bin/sh' 'echo $$ >> /stays' "exec sleep $patience" >"$root/usr/bin/stays"
  chmod +x "$root/usr/bin/stays"
  mv "$root/usr/sbin/modprobe" "$root/modprobe"
  ln -s ../bin/stays "$root/usr/sbin/modprobe"
  given "$broker"
  asked=$(chroot "$root" "${shell[@]}" /usr/lib/snpnv/snpnv-boot --key stays 2>/dev/null)
  check "${shell[*]}: the key has an end: $asked" [ "$asked" = "the key" ]
  await "who stays" [ -s "$root/stays" ]
  check "${shell[*]}: before all others end" kill $(cat "$root/stays")
  mv "$root/modprobe" "$root/usr/sbin/modprobe"
  rm "$root/stays"
}
# While the key of one disk is asked for, that of another is: each log line is of the run that it belongs to.
two_keys_at_once() {
  mv "$root/usr/bin/snpnv" "$root/usr/bin/snpnv.one"
  cat >"$root/usr/bin/snpnv" <<EOF
#!/bin/sh
[ ! -e /inner ] || { echo 'snpnv: the inner one got it' >&2; exit 0; }
: > /inner
echo 'snpnv: the outer one was refused' >&2
echo 'the outer step' > "\$SNPNV_STEP_FILE"
${shell[*]} /usr/lib/snpnv/snpnv-boot --key > /inner 2>&1
[ "\$(cat "\$SNPNV_STEP_FILE")" = 'the outer step' ] || exit 100
exit 3
EOF
  chmod +x "$root/usr/bin/snpnv"
  arguments=(--key)
  run "$broker"
  check "${shell[*]}: two keys at once: status $status, not 3" [ "$status" -eq 3 ]
  check "${shell[*]}: each says its own, once: $(cat "$root/run/snpnv/log")" \
    [ "$(grep -o 'the [a-z]* one .*' "$root/run/snpnv/log")" = "the inner one got it
the outer one was refused" ]
  arguments=()
  rm "$root/inner"
  mv "$root/usr/bin/snpnv.one" "$root/usr/bin/snpnv"
}
words_of_others() {
  # What comes from outside is one line of printable ASCII in the log, whatever it says.
  run 'snpnv.mode=x\nattested\033[2J\c' "hook=$(printf '/a\033[2J\rb\303\251')"
  check "${shell[*]}: one line: $(cat -A "$root/run/snpnv/log")" \
    [ "$(cat "$root/run/snpnv/log")" = 'kernel command line: not acceptable: mode=x\nattested\033[2J\c (mode is report or evidence) after 0.00 s (status 2, onfail=continue)' ]
  run '' "hook=$(printf '/a\033[2J\rb\303\251')"
  check "${shell[*]}: plain: $(cat -A "$root/run/snpnv/log")" grep -q 'not acceptable: hook=/a?\[2J?b?? (hook is the path of a program) after' "$root/run/snpnv/log"
  # A line of any length is said at once, as far as the kernel's log takes one, and with what would be right.
  run '' "hook=/$(zeros 1000000 | tr 0 '\303')"
  check "${shell[*]}: long: status $status, not 2" [ "$status" -eq 2 ]
  check "${shell[*]}: long: says: $(head -c 100 "$root/run/snpnv/log")" \
    grep -qx "$conf:1: not acceptable: hook=/?\{394\}\.\.\. (hook is .*" "$root/run/snpnv/log"
  # Who misspells halt means halt.
  for value in snpnv.onfail=Halt snpnv.onfail= "snpnv.onfail=halt snpnv.mode=x"; do
    given "$value"
    chroot "$root" "${shell[@]}" /usr/lib/snpnv/snpnv-boot >"$work/out" 2>&1 &
    local process=$!
    await "the end, or that it switches off" is_over "$process"
    check "${shell[*]}: $value: switches off" [ "$(cat "$root/proc/sysrq-trigger")" = o ]
    check "${shell[*]}: $value: does not go on" kill -KILL $process
    wait $process 2>/dev/null
  done
}
# checked STATUS OUTPUT FILE-LINE...: what --check ends with and says, of standard output first. It asks, writes and halts
# nothing, whatever the command line says.
checked() {
  run "snpnv.onfail=halt snpnv.mode=x" "${@:3}"
  check "${shell[*]}: --check: ${*:3}: status $status, not $1" [ "$status" -eq "$1" ]
  check "${shell[*]}: --check: ${*:3}: says: $(cat "$work/out")" [ "$(cat "$work/out")" = "$2" ]
  check "${shell[*]}: --check: ${*:3}: nothing is done: $asked" \
    [ -z "${asked##display cert *}$(ls "$root/run")" -a ! -e "$root/proc/sysrq-trigger" ]
}
conf=/etc/snpnv/initramfs.conf
defaults="mode=evidence nonce=random vcek= out=/run/snpnv timeout=10 onfail=continue hook= kbs= resource= ca=/etc/snpnv/kbs-ca.pem"
# holds DEFAULT OPTION...: the default options, with these in the place of those.
holds() {
  local options=" $defaults "
  while [ $# -gt 0 ]; do
    options=${options/ $1 / $2 }
    shift 2
  done
  tr -s ' ' '\n' <<<"$options" | sed '/^$/d'
}
checks_of_file() {
  arguments=(--check)
  checked 0 "$(holds)"
  checked 0 "$(holds)" "# timout=60" "  " ""
  checked 0 "$(holds vcek= vcek=/vcek.pem timeout=10 timeout=60 onfail=continue onfail=halt hook= hook=/bin/sh)" \
    timeout=7 " timeout=060 " onfail=halt hook=/bin/sh vcek=/vcek.pem
  checked 0 "$(holds vcek= vcek=/store)" vcek=/store
  # Each wrong line by its number, with what would be right.
  checked 2 "snpnv-boot: $conf:2: not acceptable: timout=60 (no such option)" "# a comment" timout=60
  checked 2 "snpnv-boot: $conf:1: not acceptable: mode = report (NAME=VALUE, without blanks)
snpnv-boot: $conf:3: not acceptable: halt (NAME=VALUE)
snpnv-boot: $conf:4: not acceptable: timeout=0 (timeout is 1 to 3600)
snpnv-boot: $conf:5: not acceptable: onfail=Halt?[2J (onfail is continue or halt)" \
    "mode = report" "" halt timeout=0 "$(printf 'onfail=Halt\033[2J')"
  # What is named and would not be in the image.
  checked 2 "snpnv-boot: $conf:1: no such program: hook=/vcek.pem
snpnv-boot: $conf:2: no such file: vcek=/nowhere
snpnv-boot: $conf:3: no such file: ca=/nowhere.pem" hook=/vcek.pem vcek=/nowhere ca=/nowhere.pem
  checked 2 "snpnv-boot: $conf: no such file: ca=/etc/snpnv/kbs-ca.pem, which kbs= needs" kbs=https://kbs.example
  checked 0 "$(holds kbs= kbs=https://kbs.example ca=/etc/snpnv/kbs-ca.pem ca=/vcek.pem)" ca=/vcek.pem kbs=https://kbs.example
  checked 2 "snpnv: /junk: no certificate" vcek=/junk
  checked 0 "$(holds mode=evidence mode=report vcek= vcek=/junk)" vcek=/junk mode=report
  # Below another root, and where there is no file.
  mkdir -p "$root/other/etc/snpnv"
  echo vcek=/vcek.pem >"$root/other$conf"
  arguments=(--check /other)
  checked 2 "snpnv-boot: /other$conf:1: no such file: vcek=/vcek.pem"
  rm "$root/other$conf"
  checked 0 "$(holds)"
  mkdir "$root/other$conf"
  checked 2 "snpnv-boot: /other$conf: cannot be read"
  arguments=(--check /nowhere)
  checked 2 "snpnv-boot: /nowhere: no such folder"
  rm -r "$root/other"
  # Nor does another option.
  arguments=(--help)
  checked 126 "usage: snpnv-boot [--key] [COMMAND...] | --check [ROOT]" onfail=halt
  arguments=()
}
# dracut without systemd: each who reads crypttab's key file is given the key and then its end, and nobody in the root.
dracut=$(cd "$(dirname "$1")/../dracut/90snpnv" && pwd)
cp "$dracut"/snpnv-{hook,cleanup}.sh "$root/"
cat >"$root/init" <<'EOF'
getargbool() { :; }
. /snpnv-hook.sh
if [ -n "$snpnv_server" ]; then
  stat -c %a /run/snpnv-key
  cat /run/snpnv-key
  cat /run/snpnv-key
fi
server=$snpnv_server
. /snpnv-cleanup.sh
[ -z "$server" ] || ! kill -0 "$server" 2> /dev/null || echo "somebody is there"
ls /run
EOF
key_file() {
  given "$broker"
  echo "root UUID=0 none luks" >"$root/etc/crypttab"
  check "$shell: nobody waits for a reader" [ -z "$(timeout -k 1 "$patience" chroot "$root" "$shell" /init 2>&1)" ]
  echo "root UUID=0 /run/snpnv-key luks" >"$root/etc/crypttab"
  timeout -k 1 "$patience" chroot "$root" "$shell" /init >"$work/out" 2>&1
  check "$shell: the key, twice: $(cat "$work/out")" [ "$(cat "$work/out")" = "600
the key
the key
snpnv" ]
  given "ip=dhcp snpnv.kbs=https://kbs.example"
  timeout -k 1 "$patience" chroot "$root" "$shell" /init >"$work/out" 2>&1
  check "$shell: where there is none, an end: $(cat "$work/out")" [ "$(cat "$work/out")" = "600
snpnv" ]
  check "$shell: which is said, twice" [ "$(grep -c 'needs both' "$root/run/snpnv/log")" -eq 2 ]
}
# dash is initramfs-tools' with busybox=n too, built against klibc.
for shell in /bin/dash "/bin/busybox sh" /usr/lib/klibc/bin/sh /bin/bash; do
  read -r -a shell <<<"$shell"
  options
  vcek_options
  key_options
  nobody_else_has_the_key
  two_keys_at_once
  words_of_others
  checks_of_file
done
for shell in /bin/dash /bin/bash; do key_file; done
summary
