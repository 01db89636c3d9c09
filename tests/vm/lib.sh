# SPDX-License-Identifier: Apache-2.0
# What the tests with virtual machines share: . "$(dirname "$0")/lib.sh". Leaves with 77, and says why,
# where something is missing. $SNPNV_VM_DIR is the folder that fetch.sh made, build/vm by default.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
dir=${SNPNV_VM_DIR:-$(dirname "$0")/../../build/vm}

skip() {
  echo "SKIPPED: $1" >&2
  exit 77
}
[ -e "$dir/complete" ] || skip "no QEMU and no kernel in $dir; tests/vm/fetch.sh gets them"
command -v swtpm >/dev/null || skip "no swtpm"
dir=$(cd "$dir" && pwd)

work=$(mktemp -d "$dir/work.XXXXXX")
finish() {
  local process
  # Those that still run: the number of one that has ended may be another's by now.
  for process in $(jobs -rp); do kill -KILL "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

network=(-nic none)
# machine ARGUMENT... &: QEMU without anything that is not asked for, in the place of a background
# shell. Software emulation, unless $SNPNV_QEMU_ACCEL says otherwise. The processor has random numbers, as each that
# has SEV-SNP: the kernel would make guests wait for them.
machine() {
  exec "$dir/qemu" -machine "q35,accel=${SNPNV_QEMU_ACCEL:-tcg}" -cpu qemu64,+rdrand -m 256 -smp "${cpus:-1}" -display none -vga none "${network[@]}" \
    -monitor none -kernel "$dir/vmlinuz" "$@" </dev/null
}
# A TPM for it: tpm SOCKET INTERFACE; the arguments are in $tpm.
tpm() {
  tpm=(-chardev "socket,id=control,path=$1" -tpmdev "emulator,id=tpm,chardev=control" -device "$2,tpmdev=tpm")
}
# ahead PROCESS: the TPM goes before all else, where we may say so: this one, and what it started.
ahead() { renice -n -10 -p "$1" $(pgrep -P "$1") >/dev/null 2>&1 || true; }
# All the same the guest's driver gives up a TPM that does not answer its first commands within 0.75 s. Such a boot
# shows nothing and is tried again, so many times. Commands of snpnv's have two minutes.
given_up='\[ *[0-9]\{1,2\}\.[0-9]*\] tpm tpm0: Operation Timed out'
tries=20
gave_up() { LC_ALL=C grep -a -q -e "$given_up" "$1"; }  # CONSOLE
# measure_boot: $reference is the number of seconds that this machine, as busy as it is, takes for the kernel alone,
# which finds no root and gives up; $limit that after which a boot hangs: for each of those, thirty more than a minute.
measure_boot() {
  local start=$SECONDS
  machine -no-reboot -append "panic=-1 quiet" &
  await_exit "$!"
  reference=$((1 + SECONDS - start))
  limit=$((60 + 30 * reference))
  echo "== the kernel alone: $reference s on the host; a boot may take $limit s"
}
