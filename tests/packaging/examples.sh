#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# examples.sh SOURCE_DIR SNPNV: what can be known of the examples without Buildroot and without making an image.
set -euo pipefail
packaging=$1/packaging
# Options of CMake that a package sets are options of this project.
for option in $(grep -rhoE -- '-DSNPNV_[A-Z]+' "$packaging/buildroot" "$packaging/smallest" "$packaging/vcpkg" | sort -u); do
  grep -qE "(option|set)\(${option#-D} " "$1/CMakeLists.txt" || { echo "no such option: $option"; exit 1; }
done
# Buildroot's recipe, with its macro replaced by a target that prints what it would use.
for static in '' y; do
  make -s -f - print 2>&1 <<MAKE | grep -E -- "-DSNPNV_VERIFY=OFF.*(TCTI=OFF|STATIC=ON) .*/CMakeLists.txt" >/dev/null
BR2_EXTERNAL_SNPNV_PATH = $packaging/buildroot
BR2_PACKAGE_SNPNV_STATIC = $static
cmake-package =
include $packaging/buildroot/external.mk
print: ; @echo \$(SNPNV_CONF_OPTS) \$(wildcard \$(SNPNV_SITE)/CMakeLists.txt)
MAKE
done
# The recipes for vcpkg and Conan can be read, and are of this version.
version=$(sed -n 's/^#define SNPNV_VERSION "\(.*\)"/\1/p' "$1/include/snpnv/version.hpp")
[ "$(jq -r .version "$packaging/vcpkg/snpnv/vcpkg.json")" = "$version" ]
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$packaging/conan/conanfile.py"
# The unit's command line is one that the program takes: it fails for want of a file, not of an option.
unit=$packaging/mkosi/mkosi.extra/usr/lib/systemd/system/snpnv-report.service
[ -e "$packaging/mkosi/mkosi.extra/usr/lib/systemd/system/multi-user.target.wants/snpnv-report.service" ]
read -ra words < <(sed -n 's|^ExecStart=/usr/bin/snpnv ||p' "$unit")
[ "${#words[@]}" -gt 3 ]
status=0
SNPNV_TCTI=replay:/nonexistent "$2" "${words[@]}" 2>/dev/null || status=$?
[ "$status" -eq 3 ]
# The unit of the initramfs is one that systemd takes, and stops a boot where it cannot run.
unit=$packaging/systemd/snpnv-initrd.service
warnings=$(systemd-analyze verify --man=no "$unit" 2>&1) && [ -z "$warnings" ] || { echo "$warnings"; exit 1; }
grep -qx FailureAction=poweroff-immediate "$unit"
[ "$(sed -n 's/^ExecStart=-//p' "$unit")" = "" ]
echo "examples: consistent"
