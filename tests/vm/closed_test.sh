#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# snpnv-boot fails closed, under every shell that an initramfs may have: whatever keeps it from attesting
# the boot, or kills the part that does, it halts with onfail=halt and ends with that failure otherwise. Its
# root is a folder in which /proc/sysrq-trigger is a plain file and /proc/kmsg a pipe, at which it stands still.
#   tests/vm/closed_test.sh SNPNV-BOOT
if [ -z "${SNPNV_NAMESPACE:-}" ]; then
  # Mounts of its own, and processes that end with it.
  if unshare --mount --pid --fork true 2>/dev/null; then
    SNPNV_NAMESPACE=yes exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
  fi
  echo "SKIPPED: no namespaces can be made here" >&2
  exit 77
fi
. "$(dirname "$0")/lib.sh"
cp -al "$dir/root" "$work/root" || skip "no links in $dir"
root=$work/root
mkdir -p "$root"/{etc/snpnv,usr/lib/snpnv,proc,dev,run,pause}
cp "$1" "$root/usr/lib/snpnv/snpnv-boot"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || skip "no device nodes can be made here"
mkfifo "$root"/pause/{here,go} "$work/pipe"
mount -t tmpfs none "$root/proc" || skip "nothing can be mounted here"
trap 'umount -l "$root/run" "$root/proc"; finish' EXIT

# tool NAME LINE...: a script in the place of a tool.
tool() {
  rm -f "$root/usr/bin/$1" "$root/usr/sbin/$1"
  printf '%s\n' '#!/bin/busybox sh' "${@:2}" >"$root/usr/bin/$1"
  chmod +x "$root/usr/bin/$1"
}
# pauses NAME PATTERN [LINE...]: it says that it is there and waits, at the arguments that match; otherwise LINEs.
pauses() { tool "$1" "case \" \$* \" in $2) echo > /pause/here; read -r _ < /pause/go ;; esac" "${@:3}"; }
usual() {
  # What earlier boots left behind would stop at this one's pauses. The first process of the namespace is this one.
  [ $$ -ne 1 ] || kill -KILL -1 2>/dev/null
  tool snpnv 'echo "$*" >> /arguments' 'for word; do case $word in /run/*) [ -d "$word" ] || echo > "$word" ;; esac; done'
  tool hook 'exit 0'
  tool mkdir 'exec busybox mkdir "$@"'
  tool sleep 'exec busybox sleep "$@"'
  tool setsid 'exec busybox setsid "$@"'
  tool modprobe 'exit 0'
  umount -l "$root/proc/uptime" 2>/dev/null
  while umount -l "$root/run"; do :; done 2>/dev/null
  mount -t tmpfs none "$root/run"
  rm -rf "$root"/{arguments,proc/{sysrq-trigger,kmsg,uptime,cmdline},dev/tpmrm0,etc/snpnv/*}
  mknod -m 666 "$root/dev/tpmrm0" c 1 3
  mkfifo "$root/proc/kmsg"
  : >"$root/proc/uptime"
  mount --bind /proc/uptime "$root/proc/uptime"
}
start() {  # start COMMAND-LINE
  [ "$1" = none ] || echo "quiet $1" >"$root/proc/cmdline"
  chroot "$root" "${shell[@]}" /usr/lib/snpnv/snpnv-boot >"$work/out" 2>&1 &
  boot=$!
}
decided() { [ -s "$root/proc/sysrq-trigger" ] || ! kill -0 "$boot" 2>/dev/null; }
# Only a reader that comes again and again lets go who opens the pipe for writing again and again.
stands_still() { for _ in 1 2 3; do timeout "$patience" "$BASH" -c ": > '$root/proc/kmsg'" || return 1; done; }
not() { ! "$@" 2>/dev/null; }
# halted NAME: what was started has switched off, and does not go on.
halted() {
  local name="${shell[*]}: $1"
  check "$name: decides" within "$patience" decided
  check "$name: switches off" [ "$(cat "$root/proc/sysrq-trigger" 2>/dev/null)" = o ]
  check "$name: stands still" stands_still
  kill -0 "$boot" || cat "$work/out"
  kill -KILL "$boot" 2>/dev/null
  wait "$boot" 2>/dev/null
}
# halts NAME OPTION...: so it does, where it must; with onfail=continue it goes on and says what failed.
prepare() { :; }
halts() {
  local name=$1
  usual
  prepare
  start "${*:2} snpnv.onfail=halt"
  halted "$name"
  usual
  prepare
  start "${*:2} snpnv.onfail=continue"
  ended
  check "${shell[*]}: $name: onfail=continue: status $status" [ $status -gt 0 -a $status -lt 126 ]
  check "${shell[*]}: $name: onfail=continue: goes on" [ ! -e "$root/proc/sysrq-trigger" ]
}
# ended: so has what was started, with $status.
ended() {
  within "$patience" decided || kill -KILL "$boot"
  [ ! -s "$root/proc/sysrq-trigger" ] || kill -KILL "$boot"
  wait "$boot"
  status=$?
}
# The clock stands, and a tool whose script has $forward sets it behind every deadline: so nothing is late before.
stop_clock() { umount -l "$root/proc/uptime" && echo "8.00 1.00" >"$root/proc/uptime"; }
forward='echo "9999.00 1.00" > /proc/later; busybox mv /proc/later /proc/uptime'
# own TOOL: the shell has it itself, as busybox may; then it cannot be missing.
own() { chroot "$root" "${shell[@]}" -c "PATH=/nowhere; $1 --help" >/dev/null 2>&1; }
worker() { pgrep -P "$boot"; }
# killed NAME OPTION...: the part that works is killed at the pause.
killed() {
  local name="killed at $1"
  usual
  prepare
  start "snpnv.timeout=60 ${*:2} snpnv.onfail=halt"
  check "${shell[*]}: $name: it is there" timeout "$patience" cat "$root/pause/here" >/dev/null
  kill -KILL "$(worker)"
  halted "$name"
  # What the pause held goes on, and ends at its deadline or in pipes that nobody reads.
  timeout 1 "$BASH" -c ": > '$root/pause/go'"
}

# What it needs is not there, or is something else.
closed_without() {
  usual
  start ''
  ended
  check "${shell[*]}: the scene is sound" [ $status -eq 0 -a -s "$root/arguments" ]

  prepare() { mount -o remount,ro "$root/run"; }
  halts "read-only /run"
  prepare() { mount -t tmpfs -o size=4k none "$root/run" && { mkdir "$root/run/snpnv"; yes >"$root/run/full"; } 2>/dev/null; }
  halts "full /run"
  prepare() { mount -t tmpfs -o nr_inodes=1 none "$root/run"; }
  halts "no inode in /run"
  prepare() { mount -t tmpfs -o nr_inodes=2 none "$root/run"; }
  halts "no inode for a file"
  prepare() { echo >"$root/run/snpnv"; }
  halts "a file in the way"
  prepare() { echo >"$root/run/file"; }
  halts "a path below a file" snpnv.out=/run/file/below
  prepare() { umount -l "$root/proc/uptime" && rm "$root/proc/uptime"; }
  halts "no /proc/uptime"
  prepare() { umount -l "$root/proc/uptime" && rm "$root/proc/uptime" && mkdir "$root/proc/uptime"; }
  halts "a folder as /proc/uptime"
  local missing
  for missing in snpnv setsid $(own mkdir || echo mkdir); do
    prepare() { rm "$root/usr/bin/$missing"; }
    halts "no $missing"
  done
  prepare() { rm "$root/usr/bin/sleep" "$root/dev/tpmrm0"; }
  halts "no sleep, nor a TPM" snpnv.timeout=1
  prepare() { tool snpnv 'busybox sleep 1000'; rm "$root/usr/bin/sleep"; }
  halts "no sleep, and no end" snpnv.timeout=1
  prepare() { tool snpnv 'kill -SEGV $$'; }
  halts "snpnv is killed"
  prepare() { rm "$root/usr/bin/hook"; }
  halts "no hook" snpnv.hook=/usr/bin/hook
  prepare() { tool hook 'exit 255'; }
  halts "the hook ends with 255" snpnv.hook=/usr/bin/hook
  prepare() { :; }
}
# Where the script is not whole, behind its first lines, it halts or its caller does.
closed_cut() {
  local whole=$root/usr/lib/snpnv/snpnv-boot size at
  size=$(stat -c %s "$whole")
  mv "$whole" "$work/whole"
  for ((at = 200; at < size - 1; at += size / 30)); do
    usual
    tool snpnv 'exit 3'
    head -c $at "$work/whole" >"$whole"
    start snpnv.onfail=halt
    ended
    check "${shell[*]}: cut at $at: status $status is no leave to go on" [ $status -ge 126 ]
  done
  rm "$whole"
  mv "$work/whole" "$whole"
}
# The configuration says nothing that could be relied on. Who names onfail, however it is written, means halt, unless
# it is exactly onfail=continue that was said last.
closed_unsaid() {
  for text in 'onfail\n' 'onfail=\n' 'onfail=Halt\n' 'onfail=halt\nonfail\n' 'onfail=halt' 'onfail=continue\r\n' 'onfail = halt\n' \
    'ONFAIL=halt\n' '\0357\0273\0277onfail=halt\n' 'snpnv.onfail=halt\n' 'onfail=continue # no\n' \
    'on_fail=halt\n' 'onfial = "Halt"\n' 'halt\n' '\0000\0000' '# a comment\ronfail=halt\rtimeout=1\r' 'timeout=1\ronfail=halt\rmode=report\r'; do
    usual
    rm "$root/dev/tpmrm0"
    printf '%b' "$text" >"$root/etc/snpnv/initramfs.conf"
    start "snpnv.timeout=1"
    halted "file: $text"
  done
  for text in snpnv.onfail snpnv.onfail= '"snpnv.onfail=halt"' 'snpnv.onfail=continue"' 'snpnv.onfail=continue snpnv.onfail=halt' \
    $'\tsnpnv.onfail=halt\t' "'snpnv.onfail=halt'" SNPNV.ONFAIL=halt rd.snpnv.onfail=halt snpnv-onfail=halt \
    'snpnv.onfail=halt other="a snpnv.onfail=continue b"' snpnv:onfail=halt snpnv.on_fail=halt snpnv.onfial=Halt \
    snpnv=halt x=$'\240snpnv.onfail=halt' x=$'\vsnpnv.onfail=halt\f' x=$'\rsnpnv.onfail=halt\r'; do
    usual
    rm "$root/dev/tpmrm0"
    start "snpnv.timeout=1 $text"
    halted "command line: $text"
  done
  usual
  start "snpnv.hook=/$(printf '\303\251%.0s' {1..4000}) snpnv.onfail=halt"
  halted "a long word that is not ASCII"
  # Not who names a host, a folder or a program so.
  usual
  rm "$root/dev/tpmrm0"
  start "snpnv.timeout=1 snpnv.hook=/usr/sbin/halt snpnv.kbs=https://halt.example/halt snpnv.resource=halt/a-halt/halt snpnv.vcek=/halt"
  ended
  check "${shell[*]}: other names: goes on with status $status" [ $status -eq 4 -a ! -e "$root/proc/sysrq-trigger" ]
  usual
  rm "$root/dev/tpmrm0"
  mkdir "$root/etc/snpnv/initramfs.conf"
  start snpnv.timeout=1
  halted "a folder as initramfs.conf"
  usual
  start none
  halted "no /proc/cmdline"
  usual
  mkdir "$root/proc/cmdline"
  start none
  halted "a folder as /proc/cmdline"
  usual
  rm "$root/dev/tpmrm0"
  mkdir "$root/proc/sysrq-trigger"
  start "snpnv.timeout=1 snpnv.onfail=halt"
  check "${shell[*]}: no sysrq: stands still all the same" stands_still
  kill -KILL "$boot"
  wait "$boot" 2>/dev/null
}
# The part that works is killed, wherever it is.
closed_killed() {
  prepare() { pauses mkdir '*'; }
  own mkdir || killed "the first mkdir"
  prepare() { rm "$root/dev/tpmrm0"; pauses modprobe '*'; }
  own modprobe || killed "modprobe"
  prepare() { rm "$root/dev/tpmrm0"; pauses sleep '*'; }
  killed "waiting for the TPM"
  prepare() { tool snpnv 'case $* in *fetch*) exit 3 ;; esac'; pauses sleep '*" 1 "*' 'exec busybox sleep "$@"'; }
  killed "waiting for the network" ip=dhcp snpnv.vcek=platform
  prepare() { pauses mkdir '*evidence*' 'exec busybox mkdir "$@"'; }
  own mkdir || killed "the second mkdir"
  prepare() { pauses setsid '*'; }
  killed "setsid"
  prepare() { pauses snpnv '*' 'exit 0'; }
  killed "snpnv report" snpnv.mode=report
  prepare() { pauses snpnv '*fetch*' 'exit 0'; }
  killed "snpnv fetch" ip=dhcp snpnv.vcek=platform
  prepare() { pauses sleep '*'; tool snpnv 'busybox sleep 1000'; }
  killed "the watchdog's sleep"
  prepare() { pauses hook '*'; }
  killed "the hook" snpnv.hook=/usr/bin/hook
  prepare() { :; }
}
closed_at_the_end() {
  # What a hook started ends with it, and at the deadline.
  local child='busybox sleep 1000 & echo $! > /pause/child'
  usual
  tool hook "$child" 'exit 0'
  start snpnv.hook=/usr/bin/hook
  ended
  check "${shell[*]}: the hook's child: status $status" [ $status -eq 0 ]
  check "${shell[*]}: the hook's child ends with it" within "$patience" not kill -0 "$(cat "$root/pause/child")"
  usual
  stop_clock
  tool hook "$child" "$forward" 'busybox sleep 1000'
  start snpnv.hook=/usr/bin/hook
  ended
  check "${shell[*]}: the endless hook's child: status $status" [ $status -eq 4 ]
  check "${shell[*]}: the endless hook's child ends at the deadline" within "$patience" not kill -0 "$(cat "$root/pause/child")"
  # What snpnv was at when its time was over is in the log.
  usual
  stop_clock
  tool snpnv 'echo "TPM2_Command: waiting for the TPM" > "$SNPNV_STEP_FILE"' "$forward" 'busybox sleep 1000'
  start ''
  ended
  check "${shell[*]}: endless: status $status" [ $status -eq 4 ]
  check "${shell[*]}: endless: the log says why" \
    grep -qx 'snpnv evidence did not end by itself; under way: TPM2_Command: waiting for the TPM' "$root/run/snpnv/log"

  # As much of what it says as can be said in time.
  usual
  tool snpnv 'busybox seq 100000 >&2' 'exit 3'
  start ''
  ended
  check "${shell[*]}: many words: status $status" [ $status -eq 3 ]
  check "${shell[*]}: many words: a hundred lines" [ "$(grep -c '^[0-9]*$' "$root/run/snpnv/log")" -eq 100 ]

  # A signal to the part that decides is no way out either.
  usual
  pauses snpnv '*'
  start snpnv.onfail=halt
  timeout "$patience" cat "$root/pause/here" >/dev/null
  local held
  held=$(worker)
  kill -TERM "$boot"
  kill -KILL "$held"
  within "$patience" decided
  kill -HUP "$boot"
  kill -TERM "$boot"
  halted "SIGTERM, and more when it halts"
  timeout 1 "$BASH" -c ": > '$root/pause/go'"
}
for shell in /bin/dash "/bin/busybox sh" /usr/lib/klibc/bin/sh /bin/bash; do
  read -r -a shell <<<"$shell"
  closed_without
  closed_cut
  closed_unsaid
  closed_killed
  closed_at_the_end
done
summary
