#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# source.sh SOURCE_DIR WORK_DIR: the Debian source package builds by dpkg-buildpackage, with the packages that
# debian/control wants; lintian has no errors or warnings for what comes, and the programs are hardened.
set -euo pipefail
source_dir=$(cd "$1" && pwd)
rm -rf "$2"
mkdir -p "$2/snpnv"
build=$(cd "$2" && pwd)
tar -C "$source_dir" -c --exclude=./build --exclude=./.git . | tar -C "$build/snpnv" -x
[ ! -d /usr/lib/ccache ] || PATH=/usr/lib/ccache:$PATH
(cd "$build/snpnv" && dpkg-buildpackage -us -uc -F) >"$build/log" 2>&1 || { tail -40 "$build/log"; exit 1; }
lintian --allow-root --fail-on error,warning "$build"/*.changes
[ "$(find "$build" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*' | wc -l)" -eq 4 ]
for program in snpnv snpnv-paravisor; do
  dpkg-deb -x "$build"/"$program"_*.deb "$build/root"
  readelf -hd "$build/root/usr/bin/$program" >"$build/elf"
  grep -q 'Flags:.* NOW.* PIE' "$build/elf" || { echo "$program: not bound at its start, or at a fixed place"; exit 1; }
  readelf --dyn-syms --wide "$build/root/usr/bin/$program" >"$build/symbols"
  grep -q '__stack_chk_fail' "$build/symbols" || { echo "$program: unprotected stack"; exit 1; }
done
echo "dpkg-buildpackage: builds"
