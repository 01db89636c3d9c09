#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# processors.sh BUILD_DIR [ARCHITECTURE...]: the project on other processors, under QEMU's user emulation: unit tests,
# the corpora of the parsers' fuzz targets, and a static tool on captures of real machines. Architectures are Debian's
# names; by default those that differ most from x86-64: armhf has 32 bits, s390x the other order of octets. Their libraries
# are unpacked into BUILD_DIR; arm64 needs the package g++-aarch64-linux-gnu.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- armhf s390x

# Debian's name, GNU's, CMake's and QEMU's, what the compiler is told beside.
# armhf has 64-bit times where glibc offers them: a 32-bit time_t ends in 2038, before AMD's roots do. Its GCC notes at
# each class that older ones passed it otherwise. There is no Debian 12 for riscv64, and the libraries of 13 want its C
# library.
architectures() {
  cat <<'LIST'
arm64   aarch64-linux-gnu    aarch64 aarch64
armhf   arm-linux-gnueabihf  arm     arm     -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Wno-psabi
s390x   s390x-linux-gnu      s390x   s390x
LIST
}

# What the order of octets and the sizes of types could change. Without what takes emulated minutes, or a TPM.
parsers='attest|certificate|encoding|event_log|evidence|hcl_claims|hcl_report|json|policy|snp_report|tpm2_(command|response)|verify'
tests="^((core|wire|tpm|collect)_.*|verify_(boot_facts|checks|event_log|policy_json|provider|vectors)|fuzz_replay_($parsers))\$"

quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }; }
launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
for debian in "$@"; do
  read -r _ gnu processor qemu flags < <(architectures | grep "^$debian ") ||
    { echo "processors.sh: no architecture $debian" >&2; exit 2; }
  work=$build/$debian
  root=$work/libraries/root
  emulator=qemu-$qemu-static
  "$source_dir/tools/from_debian.sh" "$work/libraries" bookworm "$debian" libmbedtls-dev libssl-dev nettle-dev libgmp-dev

  quietly cmake -G Ninja -S "$source_dir" -B "$work" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$processor" \
    -DCMAKE_C_COMPILER="$gnu-gcc" -DCMAKE_CXX_COMPILER="$gnu-g++" -DCMAKE_C_FLAGS="$flags" \
    -DCMAKE_CXX_FLAGS="$flags -isystem $root/usr/include -isystem $root/usr/include/$gnu" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_EXE_LINKER_FLAGS=-static \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator" -DSNPNV_WERROR=ON $launcher \
    -DSNPNV_TESTS_ALL=OFF -DSNPNV_TCTI=OFF -DSNPNV_FETCH=OFF -DSNPNV_INSTALL=OFF \
    -DCMAKE_INCLUDE_PATH="$root/usr/include" -DCMAKE_LIBRARY_PATH="$root/usr/lib/$gnu"
  mapfile -t targets < <(ctest --test-dir "$work" -N -R "$tests" |
    sed -n 's/^ *Test *#[0-9]*: \(.*\)/test_\1/p' | sed 's/^test_fuzz_replay_/fuzz_/')
  quietly cmake --build "$work" --target snpnv "${targets[@]}" -- --quiet
  quietly ctest --test-dir "$work" --output-on-failure --parallel "$(nproc)" -R "$tests"
  echo "$debian: $(grep 'tests passed' "$work/log")"

  printf '#!/bin/sh\nexec %s %s "$@"\n' "$emulator" "$work/tools/snpnv" >"$work/snpnv"
  chmod +x "$work/snpnv"
  status=0
  "$source_dir/tests/tools/vectors_test.sh" "$work/snpnv" none >"$work/log" 2>&1 || status=$?
  sed "s/^/$debian: the static tool: /" "$work/log"
  [ $status -eq 0 ] || [ $status -eq 77 ]
done
