#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the tests of the verifier and of fetch with Mbed TLS 3.6 of Debian 13. Its packages are
# unpacked into the build folder; nothing is installed.
#
# usage: mbedtls36.sh BUILD_DIR
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
root=$build/debian13/root
"$source_dir/tools/from_debian.sh" "$build/debian13" trixie "$(dpkg --print-architecture)" libmbedtls-dev

# The static libraries: what is tested then needs nothing of Debian 13 at run time.
cmake -G Ninja -S "$source_dir" -B "$build/cmake" -DSNPNV_WERROR=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
  -DCMAKE_INCLUDE_PATH="$root/usr/include" -DCMAKE_LIBRARY_PATH="$(echo "$root"/usr/lib/*/)" >"$build/cmake.log"
# The library is what counts here, so its users are compiled quickly.
tests=(provider quote vectors verify)
cmake --build "$build/cmake" -- --quiet "${tests[@]/#/test_verify_}" test_by_psa_provider test_broker_jwe test_fetch_tls snpnv snpnv-paravisor
ctest --test-dir "$build/cmake" --output-on-failure --parallel $((2 * $(nproc))) -R \
  "^(verify_($(IFS='|'; echo "${tests[*]}"))|by_psa_provider|broker_jwe|fetch_tls|tools_verify|tools_fetch|tools_fetch_faults)\$"
