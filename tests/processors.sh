#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# processors.sh BUILD_DIR [ARCHITECTURE...]: the project on other processors, under QEMU's user emulation: unit tests,
# the corpora of the fuzz targets, and the static tool on captures of real machines. Architectures are Debian's
# names; by default all that are listed here. Libraries for them are unpacked into BUILD_DIR.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
shift

# Debian's name, GNU's, CMake's and QEMU's, the suite that has its libraries, what the compiler is told beside.
# armhf has 64-bit times where glibc offers them: a 32-bit time_t ends in 2038, before AMD's roots do. Its GCC notes at
# each class that older ones passed it otherwise. Debian 12 has no libraries for riscv64, and those of 13 want its C library.
architectures() {
  cat <<'LIST'
arm64   aarch64-linux-gnu    aarch64 aarch64 bookworm
armhf   arm-linux-gnueabihf  arm     arm     bookworm -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Wno-psabi
s390x   s390x-linux-gnu      s390x   s390x   bookworm
LIST
}

configure() { # FOLDER OPTION...
  cmake -G Ninja -S "$source_dir" -B "$@" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$processor" \
    -DCMAKE_C_COMPILER="$gnu-gcc" -DCMAKE_CXX_COMPILER="$gnu-g++" -DCMAKE_C_FLAGS="$flags" \
    -DCMAKE_CXX_FLAGS="$flags -isystem $root/usr/include -isystem $root/usr/include/$gnu" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator" -DSNPNV_WERROR=ON $launcher \
    -DMBEDTLS_INCLUDE_DIR="$root/usr/include" -DMBEDTLS_LIBRARY="$libraries/libmbedtls.a" \
    -DMBEDX509_LIBRARY="$libraries/libmbedx509.a" -DMBEDCRYPTO_LIBRARY="$libraries/libmbedcrypto.a" \
    -DNETTLE_INCLUDE_DIR="$root/usr/include" -DHOGWEED_LIBRARY="$libraries/libhogweed.a" \
    -DNETTLE_LIBRARY="$libraries/libnettle.a" -DGMP_LIBRARY="$libraries/libgmp.a" \
    -DOPENSSL_INCLUDE_DIR="$root/usr/include" -DOPENSSL_CRYPTO_LIBRARY="$libraries/libcrypto.a" \
    -DOPENSSL_SSL_LIBRARY="$libraries/libssl.a" >"$work/log" || { cat "$work/log"; return 1; }
}

# The linker warns of what a static libcrypto would load; it does not.
build_all() { # FOLDER TARGET...
  cmake --build "$1" --target "${@:2}" -- --quiet >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
}

# Emulated, these take minutes: every bit of a report, and the making of hundreds of chains. Other processors differ in the
# order of octets and the sizes of types, which the other tests meet.
tests='^((core|wire|tpm|collect|verify|fetch|transports|paravisor)_|by_.*_(provider|vectors)|fuzz_replay_)'
long='^verify_(bit_flips|mutated_chains|openssl)$'

launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
wanted=" ${*:-$(architectures | cut -d' ' -f1 | tr '\n' ' ')} "
while read -r debian gnu processor qemu suite flags; do
  [[ $wanted == *" $debian "* ]] || continue
  work=$build/$debian
  root=$work/libraries/root
  libraries=$root/usr/lib/$gnu
  emulator=qemu-$qemu-static
  "$source_dir/tests/from_debian.sh" "$work/libraries" "$suite" "$debian" libmbedtls-dev libssl-dev nettle-dev libgmp-dev

  configure "$work/tests" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DCMAKE_EXE_LINKER_FLAGS=-static \
    -DSNPNV_TOOLS=OFF -DSNPNV_TCTI=OFF -DSNPNV_INSTALL=OFF
  mapfile -t names < <(ctest --test-dir "$work/tests" -N -R "$tests" -E "$long" | sed -n 's/^ *Test *#[0-9]*: //p')
  targets=("${names[@]/#/test_}")
  build_all "$work/tests" "${targets[@]/#test_fuzz_replay_/fuzz_}"
  ctest --test-dir "$work/tests" --output-on-failure --parallel "$(nproc)" -R "$tests" -E "$long" >"$work/log" ||
    { cat "$work/log"; exit 1; }
  echo "$debian: $(grep 'tests passed' "$work/log")"

  configure "$work/static" -DSNPNV_STATIC=ON
  build_all "$work/static" all
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$emulator" "$work/static/tools/snpnv" >"$work/snpnv"
  chmod +x "$work/snpnv"
  echo "$debian: the static tool: $("$source_dir/tests/tools/vectors_test.sh" "$work/snpnv" none)"
done < <(architectures)
