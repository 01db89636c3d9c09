#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Downloads what the tests with virtual machines need from this Debian release into a folder, and
# unpacks it there; installs nothing. About 90 MB are loaded, about 300 MB stay.
#   tests/vm/fetch.sh [DIR]       DIR: $SNPNV_VM_DIR, or build/vm
# DIR/qemu runs QEMU, DIR/vmlinuz is the kernel, DIR/root a Debian that makes initramfs images in a
# chroot, with dracut and with initramfs-tools. Does nothing where that is there already.
set -euo pipefail
dir=${1:-${SNPNV_VM_DIR:-$(dirname "$0")/../../build/vm}}

# All that these packages need, the essential ones included, as if nothing were installed.
wanted="qemu-system-x86 linux-image-cloud-amd64 dracut-core dracut-network initramfs-tools-core busybox-static
  systemd cryptsetup-initramfs
  bash coreutils dash findutils gawk grep gzip libc-bin procps sed util-linux
  libmbedtls14 libstdc++6 libtss2-tctildr0 ovmf sbsigntool systemd-boot-efi"
# Boot loaders that are signed: these files alone, without what would install them.
loaders="shim-signed grub-efi-amd64-signed"
[ "$(cat "$dir/complete" 2>/dev/null)" != "$wanted $loaders" ] || exit 0
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
rm -rf "$dir/debs" "$dir/root" "$dir/complete"
mkdir -p "$dir/debs" "$dir/root"
cd "$dir/debs"

update() { flock /var/lib/dpkg apt-get update > /dev/null; }  # in turn with tools/setup.sh
list() {
  # shellcheck disable=SC2086 # a list of names
  apt-get -o Dir::State::status=/dev/null -s --no-install-recommends install $wanted |
    awk '/^Inst/ { print $2 }' | grep -v -x -e iso-codes -e debconf -e initramfs-tools
}
if ! list > /dev/null 2>&1; then update; fi
# shellcheck disable=SC2086 # a list of names
{ list; printf '%s\n' $loaders; } > "$dir/packages"
xargs apt-get download < "$dir/packages" > "$dir/log" 2>&1 || {
  update
  xargs apt-get download < "$dir/packages"
}
for folder in bin sbin lib lib64; do  # as Debian has them since 12
  mkdir -p "$dir/root/usr/$folder"
  ln -s "usr/$folder" "$dir/root/$folder"
done
for deb in *.deb; do
  dpkg-deb --fsys-tarfile "$deb" |
    tar -x -C "$dir/root" --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale
done
rm -r "$dir/debs"
cd "$dir"
ln -s gawk root/usr/bin/awk  # which its installation would do
cp root/boot/vmlinuz-* vmlinuz

# QEMU with the libraries that belong to it, whatever this machine has.
cat > qemu <<EOF
#!/bin/sh
root="$dir/root"
QEMU_MODULE_DIR="\$root/usr/lib/x86_64-linux-gnu/qemu" exec "\$root/lib64/ld-linux-x86-64.so.2" \\
  --library-path "\$root/lib/x86_64-linux-gnu:\$root/usr/lib/x86_64-linux-gnu" \\
  "\$root/usr/bin/qemu-system-x86_64" -L "\$root/usr/share/qemu" -L "\$root/usr/share/seabios" "\$@"
EOF
chmod +x qemu
./qemu --version
echo "$wanted $loaders" >complete
