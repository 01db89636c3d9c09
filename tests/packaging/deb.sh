#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deb.sh SOURCE_DIR BUILT_DIR WORK_DIR: lintian has no errors or warnings for the Debian packages of BUILT_DIR; they
# have the same octets when they are made from another folder, at another time; and they can be installed, used and removed in a clean Debian, which debootstrap makes
# once, in WORK_DIR, where both makers of initramfs images follow. Exits with 77 without root.
set -euo pipefail
source_dir=$(cd "$1" && pwd)
built=$(cd "$2" && pwd)
mkdir -p "$3"
build=$(cd "$3" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: chroot needs root"; exit 77; }
unset SOURCE_DATE_EPOCH  # packages have the date of debian/changelog

package() { # BUILT_DIR FOLDER
  rm -rf "${build:?}/$2"
  (cd "$1" && cpack -B "$build/$2") >"$build/cpack.log" 2>&1 || { cat "$build/cpack.log"; exit 1; }
  rm -rf "$build/$2/_CPack_Packages"
}
package "$built" one
lintian --allow-root --fail-on error,warning "$build"/one/*.deb

rm -rf "$build/another-folder"
mkdir -p "$build/another-folder/source"
tar -C "$source_dir" -c --exclude=./build --exclude=./.git . | tar -C "$build/another-folder/source" -x
cmake -G Ninja -S "$build/another-folder/source" -B "$build/another-folder/build" -DSNPNV_TESTS=OFF \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" >"$build/cmake.log"
cmake --build "$build/another-folder/build" -- --quiet
package "$build/another-folder/build" another
for deb in "$build"/one/*.deb; do
  cmp "$deb" "$build/another/$(basename "$deb")"
  echo "$(basename "$deb"): $(stat -c %s "$deb") octets, the same twice"
done
[ "$(find "$build/one" -maxdepth 1 -name '*.deb' | wc -l)" -eq 4 ]
# What they need is what debian/control says; who made them is for the builder to say.
version=$(dpkg-deb -f "$build"/one/snpnv_*.deb Version)
[ "$version" = "$(dpkg-parsechangelog -l "$source_dir/debian/changelog" -S Version)" ]
[ "$(dpkg-deb -f "$build"/one/snpnv-initramfs_*.deb Depends)" = "snpnv (>= $version), snpnv (<< $version.1~)" ]
grep -q '^swtpm, libc6' < <(dpkg-deb -f "$build"/one/snpnv-paravisor_*.deb Depends)
[ "$(dpkg-deb -f "$build"/one/snpnv_*.deb Section Maintainer)" = "$(sed -n '/^Section/p; /^Maintainer/p; /^$/q' \
  "$source_dir/debian/control")" ]

root=$build/root
if [ ! -e "$root.complete" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
    "$root" http://deb.debian.org/debian >"$build/debootstrap.log" || { tail "$build/debootstrap.log"; exit 1; }
  touch "$root.complete"
fi
mkdir -p "$root/debs"
cp "$build"/one/*.deb "$root/debs/"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
files() { inside find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /debs -o -path /var \) -prune -o -print | sort; }
paravisor=
finish() {
  [ -z "$paravisor" ] || kill "$paravisor" 2>/dev/null || true
  rm -rf "$root/debs" "$root/tmp/state"
}
trap finish EXIT

# What the packages need is installed first and stays; then there is only what they bring themselves.
needs=$(dpkg-deb -f "$build"/one/snpnv_*.deb Depends; echo ,; dpkg-deb -f "$build"/one/snpnv-paravisor_*.deb Depends)
needs=$(tr ',' '\n' <<<"$needs" | sed 's/|.*//; s/(.*//; s/ //g' | sort -u | tr '\n' ' ')
# shellcheck disable=SC2086 # a list of names
inside apt-get -qq install --yes --no-install-recommends $needs >"$build/apt.log" 2>&1 || { cat "$build/apt.log"; exit 1; }
before=$(files)
inside sh -c 'dpkg -i /debs/*.deb' >"$build/install.log" 2>&1 || { cat "$build/install.log"; exit 1; }
inside snpnv --version
inside test -e /usr/share/man/man1/snpnv.1.gz
inside test -e /usr/share/man/man8/snpnv-boot.8.gz
inside test -e /usr/share/doc/libsnpnv-dev/copyright
inside test -e /usr/share/bash-completion/completions/snpnv
inside test -e /usr/include/snpnv/snpnv.hpp
inside test -x /usr/lib/dracut/modules.d/90snpnv/module-setup.sh
inside test -x /usr/share/initramfs-tools/hooks/snpnv

mkfifo "$build/ready.$$"
chroot "$root" /usr/bin/snpnv-paravisor --state /tmp/state --listen 127.0.0.1:0 >"$build/ready.$$" &
paravisor=$!
read -r -t 300 line <"$build/ready.$$"
rm "$build/ready.$$"
tcti=${line#ready tcti=}
tcti=${tcti%% *}
inside snpnv -T "$tcti" report /tmp/report /tmp/user --random
inside snpnv verify attestation /tmp/state /tmp/report --root /tmp/state/ark.pem | tail -1
kill "$paravisor"
wait "$paravisor" || true
paravisor=
rm -rf "$root/tmp/report" "$root/tmp/user" "$root/tmp/state"

inside dpkg --purge snpnv-initramfs snpnv snpnv-paravisor libsnpnv-dev >"$build/remove.log" 2>&1
diff <(echo "$before") <(files) || { echo "the packages leave files behind"; exit 1; }
echo "installed, used and removed"

# With each maker of images: that of a kernel without any module has what the package brings once it is there, is
# made anew with an upgrade, and has nothing of it once it is gone.
kernel=6.1.0-test
image=/boot/initrd.img-$kernel
mkdir -p "$root/lib/modules/$kernel"
touch "$root/lib/modules/$kernel"/modules.{order,builtin}
echo CONFIG_RD_GZIP=y >"$root/boot/config-$kernel"
touch "$root/boot/vmlinuz-$kernel"
conf=/etc/snpnv/initramfs.conf
# unmade LINE ERROR: with this line in the configuration there is no new image, and the older one stays.
unmade() {
  mkdir -p "$root/etc/snpnv"
  printf '%s\n' mode=evidence "$1" >"$root$conf"
  touch -d @0 "$root$image"
  ! inside "${remake[@]}" >"$build/maker.log" 2>&1 || { cat "$build/maker.log"; echo "$1: an image is made"; exit 1; }
  grep -qF "$2" "$build/maker.log" || { cat "$build/maker.log"; echo "$1: nobody says why there is no image"; exit 1; }
  [ "$(stat -c %Y "$root$image")" -eq 0 ] || { echo "$1: the older image is gone"; exit 1; }
}
logged() { inside "$@" >"$build/maker.log" 2>&1 || { cat "$build/maker.log"; exit 1; }; }
follows() { # MAKER COMMAND-THAT-LISTS-AN-IMAGE
  image_has() { [ -n "$(inside "$2" "$image" | grep "usr/lib/snpnv/snpnv-boot\$")" ]; }
  logged apt-get -qq install --yes --no-install-recommends "$1"
  [ "$1" = dracut ] || logged update-initramfs -c -k "$kernel"
  logged sh -c 'dpkg -i /debs/snpnv_*.deb'
  logged sh -c 'dpkg -i /debs/snpnv-initramfs_*.deb'
  image_has "$@" || { cat "$build/maker.log"; echo "$1: installing does not make the image anew"; exit 1; }
  touch -d @0 "$root$image"
  logged sh -c 'dpkg -i /debs/snpnv-initramfs_*.deb'
  [ "$(stat -c %Y "$root$image")" -ne 0 ] || { echo "$1: upgrading does not make the image anew"; exit 1; }
  # A mistyped line, or what is no certificate, stops the maker before the boot meets it.
  unmade timout=60 "snpnv-boot: $conf:2: not acceptable: timout=60 (no such option)"
  unmade vcek=/etc/passwd 'snpnv: /etc/passwd: text, neither PEM nor DER'
  # A link is followed to what it names.
  cp "$source_dir/tests/pki/milan/vcek.pem" "$root/etc/snpnv/first.pem"
  ln -s first.pem "$root/etc/snpnv/current.pem"
  echo vcek=/etc/snpnv/current.pem >"$root$conf"
  logged "${remake[@]}"
  [ "$(inside "$2" "$image" | grep -o 'etc/snpnv/[a-z]*\.pem' | sort -u | wc -l)" -eq 2 ] || { echo "$1: no VCEK behind a link"; exit 1; }
  rm -r "$root/etc/snpnv"
  logged dpkg --purge snpnv-initramfs snpnv
  ! image_has "$@" || { cat "$build/maker.log"; echo "$1: removing does not make the image anew"; exit 1; }
  logged apt-get -qq purge --yes "$1"
  rm -f "$root$image"
  echo "$1: the image follows the package"
}
logged apt-get -qq install --yes --no-install-recommends kmod
logged depmod "$kernel"
remake=(update-initramfs -u -k "$kernel")
follows initramfs-tools lsinitramfs
remake=(dracut --force "$image" "$kernel")
follows dracut lsinitrd
