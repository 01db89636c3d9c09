#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--write]: builds what is measured, measures it beside its references, and prints the table. With
# --write, docs/performance.md and docs/performance.svg show this run. Some five minutes where the
# programs are built. What is missing is installed as for the tests. Another directory of builds than build/gcc:
# $SNPNV_BUILD.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${SNPNV_BUILD:-build/gcc}
bash tools/setup.sh all
if [ "$build" = build/gcc ]; then
  launcher=
  command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  cmake --preset gcc $launcher >/dev/null
fi
# The linker warns of what a static libcrypto would load; it does not.
cmake --build "$build" --target snpnv snpnv-paravisor bench_verify bench_flow bench_processes bench_hand_flow \
  bench_esapi_flow bench_openssl_verify >"$build/bench.log" 2>&1 || { cat "$build/bench.log"; exit 1; }
# The static tool, as users build it; with Nettle; with Mbed TLS 3.6; and the smallest collector, with musl.
static() { # FOLDER OPTION...
  { cmake -G Ninja -S . -B "$1" -DSNPNV_STATIC=ON "${@:2}" && cmake --build "$1"; } >"$build/bench.log" 2>&1 ||
    { cat "$build/bench.log"; exit 1; }
}
static "$build/bench/static"
static "$build/bench/static-nettle" -DSNPNV_NETTLE=ON
tools/from_debian.sh "$build/bench/debian13" trixie "$(dpkg --print-architecture)" libmbedtls-dev
newer=$(cd "$build/bench/debian13/root/usr" && pwd)
static "$build/bench/static-3.6" -DCMAKE_INCLUDE_PATH="$newer/include" -DCMAKE_LIBRARY_PATH="$(echo "$newer"/lib/*/)"
packaging/smallest/build.sh "$build/bench/smallest" >"$build/bench.log" 2>&1 || { cat "$build/bench.log"; exit 1; }

# The parsers' fuzz targets without sanitizers, as clang++ -O2 makes them.
mkdir -p "$build/bench/fuzz"
for target in $(python3 bench/measure.py --fuzz-targets); do
  program=$build/bench/fuzz/$target
  if [ ! -e "$program" ] || [ -n "$(find include transports paravisor fuzz -name '*.?pp' -newer "$program" -print -quit)" ]; then
    echo "$target"
  fi
done | xargs -r -P "$(nproc)" -I{} clang++-19 -std=c++23 -O2 -fsanitize=fuzzer -Iinclude -I. "fuzz/fuzz_{}.cpp" \
  -lmbedx509 -lmbedcrypto -o "$build/bench/fuzz/{}"

python3 bench/measure.py "$build" "$@"
