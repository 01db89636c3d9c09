#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# needs.sh SOURCE_DIR COMPILER: a machine without packages, or with an old compiler, is told so in whole sentences,
# and what it is told to do helps.
set -uo pipefail
source_dir=$1
compiler=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
  failures=$((failures + 1))
  echo "FAILED: $1"
  tail -15 "$work/log"
}
configure() { # OPTION...
  rm -rf "$work/build"
  cmake -S "$source_dir" -B "$work/build" -DCMAKE_CXX_COMPILER="$compiler" "$@" >"$work/log" 2>&1
}
# What is not below a root that is empty is not found; nor by pkg-config.
bare=(-DCMAKE_C_COMPILER="$(command -v cc)" -DCMAKE_FIND_ROOT_PATH="$work" -DCMAKE_MAKE_PROGRAM="$(command -v make)" -G "Unix Makefiles")
for what in LIBRARY INCLUDE PACKAGE PROGRAM; do bare+=(-DCMAKE_FIND_ROOT_PATH_MODE_$what=ONLY); done
said() { grep -qxF "  $1" "$work/log" || fail "does not say: $1"; }
# Where there is no Mbed TLS at all, its TLS library is not asked for.
all=$(($(grep -c '^ *need(' "$source_dir/cmake/snpnv-needs.cmake") - 1))

! configure "${bare[@]}" -DSNPNV_OPENSSL=ON -DSNPNV_NETTLE=ON || fail "a machine without packages will do"
said "Mbed TLS: package libmbedtls-dev; without it -DSNPNV_TOOLS=OFF -DSNPNV_TESTS=OFF, headers alone"
said "pkg-config: package pkg-config; without it -DSNPNV_TCTI=OFF"
said "tpm2-tss: package libtss2-dev; without it -DSNPNV_TCTI=OFF"
said "OpenSSL: package libssl-dev; without it -DSNPNV_OPENSSL=OFF"
said "Nettle with Hogweed, and GMP: package nettle-dev libgmp-dev; without it -DSNPNV_NETTLE=OFF"
for what in doctest:doctest-dev "OpenSSL, for the tests:libssl-dev" "Ninja, for the tests:ninja-build" \
  "Nettle with Hogweed, and GMP, for the tests:nettle-dev libgmp-dev"; do
  said "${what%:*}: package ${what#*:}; without it -DSNPNV_TESTS=OFF"
done
grep -q '^Tests fail for want of:.* jq .* python3 swtpm ' "$work/log" || fail "does not say what tests call"
[ "$(grep -c '^  .*; without it ' "$work/log")" -eq "$all" ] || fail "says more, or less, than $all things"
install=$(sed -n 's/^All of it: apt-get install //p' "$work/log")
for package in $install; do
  grep -qwF -- "$package" "$source_dir/tools/setup.sh" || fail "tools/setup.sh installs no $package"
done
[ "$(wc -w <<<"$install")" -eq 8 ] || fail "not all packages: $install"
configure "${bare[@]}" -DSNPNV_TOOLS=OFF -DSNPNV_TESTS=OFF -DSNPNV_TCTI=OFF || fail "the headers alone need packages"
configure -DSNPNV_TESTS=OFF -DSNPNV_TCTI=OFF -DSNPNV_FETCH=OFF -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON ||
  fail "without tests and tpm2-tss something is missing"

# One line about a compiler that is too old: by CMake, and by the headers for who has no CMake.
printf '#!/bin/sh\nexec "%s" -w -U__clang__ -U__GNUC__ -D__GNUC__=11 "$@"\n' "$compiler" >"$work/old"
chmod +x "$work/old"
! cmake -S "$source_dir" -B "$work/old-build" -DCMAKE_CXX_COMPILER="$work/old" >"$work/log" 2>&1 || fail "an old compiler will do"
grep -q 'snpnv needs GCC 12 or Clang 19, not GNU 11' "$work/log" || fail "does not say which compiler is needed"
! "$compiler" -std=c++20 -fsyntax-only -I"$source_dir/include" -x c++ "$source_dir/include/snpnv/snpnv.hpp" \
  >"$work/log" 2>&1 || fail "C++20 will do"
grep -q 'snpnv needs C++23' < <(grep -m1 'error' "$work/log") || fail "the first error is not that C++23 is needed"
[ "$(grep -c 'error: ' "$work/log")" -eq 2 ] || fail "more follows than the end of the compilation"
[ $failures -eq 0 ] && echo "needs: said"
