#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh BUILD_DIR: the smallest snpnv, BUILD_DIR/snpnv, and the smallest that only collects reports,
# BUILD_DIR/snpnv-collector. Mbed TLS is compiled from Debian's source package, which is loaded once
# into BUILD_DIR; nothing is installed. Needs cmake, dpkg-dev, gcc, g++, musl-tools, ninja-build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
source=$build/debian/root

# One archive with the trimmed configuration in the place of mbedtls/config.h.
compile_mbedtls() {
  local prefix=$build/mbedtls
  rm -rf "$prefix"
  mkdir -p "$prefix/objects"
  cp -r "$source/include" "$prefix/include"
  cp "$here/mbedtls_config.h" "$prefix/include/mbedtls/config.h"
  for file in "$source"/library/*.c "$here/random.c"; do
    echo "-o $prefix/objects/$(basename "$file" .c).o $file"
  done | xargs -P "$(nproc)" -L 1 musl-gcc -c -Oz -flto -fno-pie -ffunction-sections -fdata-sections \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -ffile-prefix-map="$build"=. \
    -I"$prefix/include" -I"$source/library"
  gcc-ar rcD "$prefix/libmbedcrypto.a" "$prefix"/objects/*.o
}

# configure_and_build NAME OPTION...
configure_and_build() {
  local name=$1
  shift
  cmake -G Ninja -S "$here/../.." -B "$build/cmake-$name" --toolchain "$here/musl.cmake" -DSNPNV_STATIC=ON \
    -DSNPNV_WERROR=ON -DMBEDTLS_INCLUDE_DIR="$build/mbedtls/include" \
    -DMBEDCRYPTO_LIBRARY="$build/mbedtls/libmbedcrypto.a" \
    -DMBEDX509_LIBRARY="$build/mbedtls/libmbedcrypto.a" \
    -DMBEDTLS_LIBRARY="$build/mbedtls/libmbedcrypto.a" "$@" >"$build/$name.log"
  cmake --build "$build/cmake-$name" -- --quiet
  strip --strip-all --remove-section=.comment "$build/cmake-$name/tools/snpnv" -o "$build/$name"
}

"$here/../../tools/from_debian.sh" "$build/debian" bookworm source mbedtls
compile_mbedtls
configure_and_build snpnv
configure_and_build snpnv-collector -DSNPNV_VERIFY=OFF
