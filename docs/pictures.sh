#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pictures.sh SNPNV SNPNV-PARAVISOR: makes docs/verdict.svg and docs/boot.svg anew, from what the programs print on a
# terminal and what a kernel's console shows. Needs what tests/vm/fetch.sh got.
docs=$(cd "$(dirname "$0")" && pwd)
. "$docs/../tests/tools/lib.sh"
source_dir=$(dirname "$docs")
vm=${SNPNV_VM_DIR:-$source_dir/build/vm}
picture() { # NAME TITLE
  python3 "$docs/terminal.py" "$2" >picture && mv picture "$docs/$1.svg"
}

start_paravisor
cp -r "$state" certs
PATH=$(dirname "$snpnv"):$PATH
typed="snpnv verify attestation certs report.bin --user-data @user-data.bin --claims claims.json --root certs/ark.pem"
"$snpnv" --quiet report report.bin user-data.bin --random --claims claims.json
{
  echo "\$ $typed"
  script -qec "stty cols 110; $typed" /dev/null </dev/null
  typed+=" --min-guest-svn 3"
  echo
  echo "\$ $typed | tail -n 3"
  script -qec "stty cols 110; $typed" /dev/null </dev/null | tail -n 3
} | picture verdict "What a verdict looks like"

# A boot whose root is this script: the kernel, busybox, snpnv with its libraries, and snpnv-boot.
mkdir -p root/{bin,dev,proc,sys,run,etc/snpnv,usr/lib/snpnv,usr/bin}
cp "$vm/root/bin/busybox" root/bin
cp "$source_dir/packaging/initramfs/snpnv-boot" root/usr/lib/snpnv
cp "$state/vcek.pem" root/etc/snpnv
cp --parents "$(readlink -f "$snpnv")" $(ldd "$snpnv" | grep -o '/[^ ]*') root
ln -s "$(readlink -f "$snpnv")" root/usr/bin/snpnv
cat >root/init <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
/usr/lib/snpnv/snpnv-boot
ls /run/snpnv
poweroff -f
INIT
chmod +x root/init
(cd root && find . | "$vm/root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >image
stop_paravisor
"$paravisor_program" --state "$state" --qemu "$work/socket" >ready &
await_line ready '^ready'
"$vm/qemu" -machine q35,accel=tcg -cpu qemu64,+rdrand -m 256 -display none -vga none -nic none -monitor none -no-reboot \
  -kernel "$vm/vmlinuz" -initrd image -serial file:console -chardev "socket,id=c,path=$work/socket" \
  -tpmdev emulator,id=t,chardev=c -device tpm-crb,tpmdev=t </dev/null \
  -append "console=ttyS0 panic=-1 snpnv.onfail=halt snpnv.timeout=600 snpnv.nonce=00112233445566778899aabbccddeeff"
grep -v 'ACPI\|clocksource' console | sed -n '/Run \/init/,$p' | tail -n 25 | picture boot "What a boot that is attested shows on its console"
