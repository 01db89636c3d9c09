#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine of OVMF starts a unified kernel image, with secure boot off and on, and Debian's shim, GRUB and kernel, on the
# emulated paravisor; the guest's kernel hands over the firmware's event log, and the host judges it by a quote of the
# same TPM.
#   tests/vm/firmware_test.sh BUILD-DIR
. "$(dirname "$0")/lib.sh"
build=$(cd "$1" && pwd)
snpnv=$build/tools/snpnv
root=$dir/root
ovmf=$root/usr/share/OVMF
export XDG_RUNTIME_DIR=$work
for needed in openssl objcopy python3 tpm2_eventlog tpm2_pcrread jq; do command -v $needed >/dev/null || skip "no $needed"; done
cd "$work" || exit 1

# --- the image ---

# What the kernel starts with: busybox, and a script that hands the log to the second serial port.
cat >init <<'EOF'
#!/bin/busybox sh
b=/bin/busybox
$b mkdir /sys
$b mount -t devtmpfs dev /dev
$b mount -t sysfs sys /sys
$b mount -t securityfs security /sys/kernel/security
{ echo BEGIN; $b base64 /sys/kernel/security/tpm0/binary_bios_measurements; echo END; } > /dev/ttyS1
while :; do $b sleep 3600; done
EOF
python3 - "$root/bin/busybox" >initrd <<'EOF'
import stat, sys
def put(number, name, mode, data=b"", device=(0, 0)):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    for part in head, data:
        sys.stdout.buffer.write(part + b"\0" * (-len(part) % 4))
put(1, b"dev", stat.S_IFDIR | 0o755)
put(2, b"dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
put(3, b"bin", stat.S_IFDIR | 0o755)
put(4, b"bin/busybox", stat.S_IFREG | 0o755, open(sys.argv[1], "rb").read())
put(5, b"init", stat.S_IFREG | 0o755, open("init", "rb").read())
put(0, b"TRAILER!!!", 0)
EOF
line='console=ttyS0 quiet panic=-1'
printf '%s' "$line" >cmdline
# Where the sections stand in memory: systemd-stub(7) of Debian 12.
objcopy --add-section .osrel="$root/usr/lib/os-release" --change-section-vma .osrel=0x20000 \
  --add-section .cmdline=cmdline --change-section-vma .cmdline=0x30000 \
  --add-section .linux="$dir/vmlinuz" --change-section-vma .linux=0x2000000 \
  --add-section .initrd=initrd --change-section-vma .initrd=0x3000000 \
  "$root/usr/lib/systemd/boot/efi/linuxx64.efi.stub" unsigned.efi || exit 1
# The key that is in PK, KEK and db of Debian's example; its package's README.Debian says the password.
snakeoil=$root/usr/share/ovmf/PkKek-1-snakeoil
openssl rsa -in "$snakeoil.key" -passin pass:snakeoil -out key.pem 2>/dev/null || exit 1
of_debian() { "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/$1" "${@:2}"; }
of_debian sbsign --key key.pem --cert "$snakeoil.pem" --output signed.efi unsigned.efi >/dev/null 2>&1 || exit 1
fingerprint() { openssl x509 "$@" -outform DER | sha256sum | cut -d' ' -f1; }
example=$(fingerprint -in "$snakeoil.pem")

# --- the machines ---

"$build/tools/snpnv-paravisor" --state state --qemu "$work/socket" >ready &
paravisor=$!
await_line ready ^ready
ahead "$paravisor"
tcti=$(sed 's/.* tcti=\([^ ]*\).*/\1/' ready)
tpm "$work/socket" tpm-crb

# boot NAME IMAGE VARIABLES: until the guest has handed over NAME.log; the machine then stays.
boot() {
  mkdir -p "$1/EFI/BOOT"
  cp "$2" "$1/EFI/BOOT/BOOTX64.EFI"
  until start "$1" "$3"; do
    power_off
    if [ $((tries -= 1)) -eq 0 ] || ! gave_up "$1.console"; then
      tail -c 2000 "$1.console"
      exit 1
    fi
    echo "== $1: the guest gave up its TPM; again"
  done
}
start() {  # start NAME VARIABLES
  cp "$ovmf/$2" variables
  : >log.txt
  "$dir/qemu" -machine "q35,accel=${SNPNV_QEMU_ACCEL:-tcg}" -cpu qemu64,+rdrand -m 256 -display none -vga none \
    -nic none -monitor none -serial "file:$1.console" -serial file:log.txt \
    -drive "if=pflash,format=raw,unit=0,readonly=on,file=$ovmf/OVMF_CODE_4M.fd" \
    -drive if=pflash,format=raw,unit=1,file=variables \
    -drive "file=fat:rw:$1,format=raw,if=none,id=esp" -device virtio-blk-pci,drive=esp "${tpm[@]}" </dev/null &
  machine=$!
  patience=3600 await "the guest's log" said_or_gone
  tr -d '\r' <log.txt | sed -n '/BEGIN$/,/^END/{//!p}' | base64 -d >"$1.log"
  [ -s "$1.log" ]
}
said_or_gone() { grep -qas '^END' log.txt || has_ended "$machine"; }
power_off() {
  kill -KILL "$machine"
  await_exit "$machine" 2>/dev/null
}
judge() { "$snpnv" verify evidence evidence.json --certs state --root state/ark.pem "$@" >out 2>err; }
shows() { grep -q -e "$1" out || { cat out; return 1; }; }
not() { ! "$@"; }
# refused CHECK DETAIL OPTION...: it, and it alone, rejects.
refused() {
  check "$name: $1 rejects" not judge "${@:3}"
  check "$name: $1 says why" [ "$(grep ^FAIL out)" = "FAIL $1 — $2" ]
}
# held: what the TPM holds in the PCRs that were replayed.
held() {
  for bank in sha256 sha384; do
    tpm2_pcrread -T "$tcti" "$bank:$(sed -n "s/^$bank \([0-9]*\) .*/\1/p" replayed | paste -sd,)" |
      awk -v bank=$bank '/0x/ { sub(":", "", $1); print bank, $1, tolower($NF) }'
  done
}
# collected NAME: evidence of the machine, with its log, and what an independent tool says of that.
collected() {
  name=$1
  cp "$name.log" log
  check "$name: evidence" "$snpnv" -q -T "$tcti" evidence evidence.json --random --event-log=log --vcek state/vcek.pem
  tpm2_eventlog log >theirs 2>/dev/null
  "$snpnv" display eventlog log --json >ours
  jq -r '.pcrs | to_entries[] | .key as $bank | .value | to_entries[] | "\($bank) \(.key) 0x\(.value)"' ours >replayed
  check "$name: PCRs of two banks" [ "$(cut -d' ' -f1 replayed | uniq | paste -sd,)" = sha256,sha384 ]
  check "$name: the same as by tpm2_eventlog" cmp replayed <(
    awk '/^pcrs:/ { on = 1 } on && /^  sha/ { bank = substr($1, 1, 6) } on && /0x/ && bank != "sha1:" { print bank, $1, $3 }' theirs)
  check "$name: the same as the TPM's" cmp replayed <(held)
}
# changed EVENT FIELD: the log with the last bit of a digest, or of the data, of that event changed.
changed() {
  python3 - "$1" "$2" <<'EOF'
import json, sys
log = bytearray(open("log", "rb").read())
event = json.load(open("ours"))["events"][int(sys.argv[1])]
what = bytes.fromhex(event["data"] if sys.argv[2] == "data" else event["digests"]["sha256"])
at = log.index(what, event["offset"]) + len(what) - 1
log[at] ^= 1
open("changed", "wb").write(log)
EOF
}
number_of() { jq -r --arg says "$1" 'first(.events[] | select(.says == $says)).number' ours; }

# Linux's IMA extends PCR 10 by itself.
explained='PCRs 0-7,9,11; not explained 10; zero 8,12-16,23'
boot off unsigned.efi OVMF_VARS_4M.fd
collected off
check "off: every PCR is explained, or zero" judge --secure-boot-log false --kernel-command-line "$line"
check "off: but what the kernel extends" shows "^PASS eventlog.replay — $explained\$"
check "off: by their checks" [ "$(grep -c '^PASS policy.\(secure_boot_log\|kernel_command_line\) ' out)" -eq 2 ]
check "off: in words" [ "$(jq .secure_boot ours)" = false ]
refused policy.secure_boot_log 'SecureBoot: has another value; expected true, found false' --secure-boot-log true
section=$(($(number_of .cmdline) + 1))
refused policy.kernel_command_line "PCR 11: has another command line, by number; found $section" \
  --kernel-command-line "$line init=/bin/sh"
variable=$(number_of 'SecureBoot = 00')
changed "$variable" digest
refused eventlog.replay "PCR 7: the digest of an event is not that of what it says, by number; found $variable" \
  --event-log changed
changed "$variable" data
refused policy.secure_boot_log 'SecureBoot: no proven event says it; expected true' --event-log changed --secure-boot-log true
"$snpnv" display eventlog log --allow-list >allowed.json
check "off: its own log is allowed" judge --boot-events allowed.json
power_off

boot on signed.efi OVMF_VARS_4M.snakeoil.fd
collected on
check "on: every PCR is explained, or zero" judge --secure-boot-log true --kernel-command-line "$line" \
  --secure-boot-pk "$example" --secure-boot-kek "$example" --secure-boot-db "$example" \
  --secure-boot-authority "$example"
check "on: but what the kernel extends" shows "^PASS eventlog.replay — $explained\$"
check "on: by their checks" [ "$(grep -c '^PASS policy.\(secure_boot_log\|kernel_command_line\) ' out)" -eq 2 ]
check "on: in words" [ "$(jq .secure_boot ours)" = true ]
refused policy.secure_boot_log "PCR 7: what is not allowed let an image in, by number; found $(
  jq 'first(.events[] | select(.type == "EV_EFI_VARIABLE_AUTHORITY")).number' ours)" \
  --secure-boot-authority "$(printf '0%.0s' {1..64})"
refused policy.boot_events "PCR 7: what is not allowed was measured, by number; found $(number_of 'SecureBoot = 01')" \
  --boot-events <(jq -c '{boot_events: {"7": .boot_events["7"]}}' allowed.json)
power_off

# Debian's shim, GRUB and kernel, all signed, with the keys that machines are sold with. Firmware lets shim in by the
# authority that shim's signature holds, shim GRUB and GRUB the kernel by the certificate in shim itself, which stands
# there behind four numbers.
shim=$root/usr/lib/shim/shimx64.efi.signed
of_debian sbattach --detach signature "$shim" 2>/dev/null
microsoft=$(openssl pkcs7 -inform DER -in signature -print_certs | sed -n '/^subject=.*UEFI CA/,$p' | fingerprint)
objcopy -O binary --only-section=.vendor_cert "$shim" vendor
debian=$(tail -c +17 vendor | fingerprint -inform DER)
mkdir -p shim/EFI/BOOT shim/EFI/debian
cp "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" shim/EFI/BOOT/grubx64.efi
cp "$dir/vmlinuz" initrd shim
printf '%s\n' "linux /vmlinuz $line" 'initrd /initrd' boot >shim/EFI/debian/grub.cfg
boot shim "$shim" OVMF_VARS_4M.ms.fd
collected shim
line="/vmlinuz $line"
check "shim: every PCR is explained, or zero" judge --secure-boot-log true --kernel-command-line "$line" \
  --secure-boot-authority "$microsoft" --secure-boot-authority "$debian"
check "shim: but what the kernel extends" shows '^PASS eventlog.replay — PCRs 0-9,14; not explained 10; zero 11-13,15-16,23$'
check "shim: by their checks" [ "$(grep -c '^PASS policy.\(secure_boot_log\|kernel_command_line\) ' out)" -eq 2 ]
check "shim: in words" cmp - <(jq -r '.secure_boot, (.authorities[] | sub("^SbatLevel.*"; "SbatLevel"; "m")), .images[:2][],
  .kernel_commands[], .command_lines[], .surprises[]' ours) <<EOF
true
db = Microsoft Corporation UEFI CA 2011
SbatLevel
MokListRT = Debian Secure Boot CA
\\EFI\\BOOT\\BOOTX64.EFI, $(stat -c %s "$shim") octets
\\EFI\\BOOT\\grubx64.efi, $(stat -c %s shim/EFI/BOOT/grubx64.efi) octets
linux $line
$line
EOF
vendor=$(number_of 'MokListRT = Debian Secure Boot CA')
refused policy.secure_boot_log "PCR 7: what is not allowed let an image in, by number; found $vendor" \
  --secure-boot-authority "$microsoft"
changed "$vendor" digest
refused eventlog.replay "PCR 7: the digest of an event is not that of what it says, by number; found $vendor" --event-log changed
refused policy.kernel_command_line "PCR 8: has another command line, by number; found $(number_of "grub_cmd: linux $line")" \
  --kernel-command-line "$line init=/bin/sh"
command=$(number_of "kernel_cmdline: $line")
changed "$command" data
refused policy.kernel_command_line "PCR 8: has an event that does not prove what it says, by number; found $command" \
  --event-log changed --kernel-command-line "$line"
power_off
stop "$paravisor"
summary
