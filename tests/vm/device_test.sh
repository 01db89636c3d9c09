#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proves TpmDevice on the TPM driver of a real kernel: boots one in QEMU with a swtpm behind it, as
# TIS and as CRB, with the statically linked program device_guest.cpp as its only process.
#   tests/vm/device_test.sh GUEST-PROGRAM
. "$(dirname "$0")/lib.sh"
set -e
guest=$1
cpus=2
command -v python3 >/dev/null || skip "no python3"

# An initial RAM file system in the "newc" format: the program, and the console it starts with.
python3 - "$guest" > "$work/initrd" << 'EOF'
import stat, sys
def put(number, name, mode, data=b"", device=(0, 0)):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    for part in head, data:
        sys.stdout.buffer.write(part + b"\0" * (-len(part) % 4))
put(1, b"dev", stat.S_IFDIR | 0o755)
put(2, b"dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
put(3, b"init", stat.S_IFREG | 0o755, open(sys.argv[1], "rb").read())
put(0, b"TRAILER!!!", 0)
EOF

measure_boot
boot() {  # as which interface the guest sees the TPM
  rm -rf "${work:?}/$1"
  mkdir "$work/$1"
  local control=$work/$1/control output=$work/$1/output
  swtpm socket --tpm2 --tpmstate "dir=$work/$1" --ctrl "type=unixio,path=$control" --log level=0 &
  local swtpm=$!
  await "swtpm's socket" [ -S "$control" ]
  ahead "$swtpm"
  mkfifo "$output"
  tpm "$control" "$1"
  machine "${tpm[@]}" -no-reboot -serial stdio -initrd "$work/initrd" \
    -append "console=ttyS0 quiet panic=-1" >"$output" 2>&1 &
  local machine=$! passed=1
  while IFS= read -r -t "$limit" line; do  # the limit is for each line
    printf '%s: %s\n' "$1" "${line%$'\r'}" | tee -a "$work/$1/console"
    case $line in
      *"GUEST PASSED"*) passed=0 && break ;;
      *"GUEST FAILED"*) break ;;
    esac
  done < "$output"
  kill -KILL "$machine" "$swtpm"  # QEMU waits for the TPM before it ends by itself
  wait "$machine" "$swtpm" 2> /dev/null || true
  return $passed
}

status=0
for interface in tpm-tis tpm-crb; do
  start=$SECONDS
  until boot "$interface"; do
    if [ $((tries -= 1)) -eq 0 ] || ! gave_up "$work/$interface/console"; then
      status=1
      break
    fi
    echo "$interface: the guest gave up its TPM; again"
  done
  echo "$interface: $((SECONDS - start)) s"
done
exit $status
