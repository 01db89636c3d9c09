#!/bin/sh
# Downloads QEMU and a kernel of this Debian release into a folder for run.sh and unpacks them
# there; installs nothing. About 45 MB are loaded, about 150 MB stay.
#   tests/qemu/fetch.sh [DIR]
set -eu
dir=${1:-${SNPNV_QEMU_DIR:-$HOME/.cache/snpnv/qemu}}
mkdir -p "$dir/debs" "$dir/root"
cd "$dir/debs"
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
needs=$(apt-get install -s --no-install-recommends qemu-system-x86 | awk '/^Inst/ { print $2 }')
# shellcheck disable=SC2086 # a list of names
apt-get download $needs "$kernel"
for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/root" --exclude=./lib/modules; done
rm -r "$dir/debs"
cp "$dir"/root/boot/vmlinuz-* "$dir/vmlinuz"
cat > "$dir/qemu" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/lib/x86_64-linux-gnu" \\
exec "$dir/root/usr/bin/qemu-system-x86_64" \\
  -L "$dir/root/usr/share/qemu" -L "$dir/root/usr/share/seabios" "\$@"
EOF
chmod +x "$dir/qemu"
du -sm "$dir"
