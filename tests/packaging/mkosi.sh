#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mkosi.sh SOURCE_DIR DEBS WORK_DIR: mkosi of Debian 13 makes an image of the example in packaging/mkosi with the
# Debian package in DEBS; snpnv runs in it, and its unit is started at boot. The image is a folder: those of
# disks need a newer systemd than Debian 12 has. Exits with 77 without root, or where nothing can be mounted.
set -euo pipefail
source_dir=$(cd "$1" && pwd)
debs=$(cd "$2" && pwd)
mkdir -p "$3"
build=$(cd "$3" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: chroot needs root"; exit 77; }
unshare --mount mount -t tmpfs none /mnt || { echo "SKIPPED: mkosi needs to mount"; exit 77; }
"$source_dir/tools/from_debian.sh" "$build/debian13" trixie "$(dpkg --print-architecture)" mkosi

example=$build/example
rm -rf "$example" "$build/apt"
cp -r "$source_dir/packaging/mkosi" "$example"
mkdir -p "$example/mkosi.packages" "$build/cache" "$build/work" "$build/apt/etc/apt/trusted.gpg.d"
cp "$debs"/snpnv_*.deb "$example/mkosi.packages/"
# One mirror, whose signatures are checked with the keys of this machine.
cp /usr/share/keyrings/debian-archive-keyring.gpg "$build/apt/etc/apt/trusted.gpg.d/"
PYTHONPATH=$build/debian13/root/usr/lib/python3/dist-packages python3 -m mkosi -C "$example" \
  --format directory --bootable no --local-mirror http://deb.debian.org/debian --sandbox-tree "$build/apt" \
  --workspace-dir "$build/work" --package-cache-dir "$build/cache" build >"$build/mkosi.log" 2>&1 ||
  { tail -50 "$build/mkosi.log"; exit 1; }

image=$example/snpnv-example
chroot "$image" snpnv --version
systemd-analyze verify --root="$image" --man=no snpnv-report.service
wanted=$image/usr/lib/systemd/system/multi-user.target.wants/snpnv-report.service
[ "$(readlink -f "$wanted")" = "$image/usr/lib/systemd/system/snpnv-report.service" ]
rm -rf "$example"
echo "mkosi: an image with snpnv"
