#!/usr/bin/env bash
# Installs what is needed, builds in every configuration and runs everything: the one command of the
# README and of CI. Builds go to build/. Exits with 0 only if all of it passed.
set -euo pipefail
cd "$(dirname "$0")/.."
summary=
started=$SECONDS
current=

# stage NAME COMMAND...: says when it begins, ends the run when it fails, keeps the time it took.
stage() {
  local start=$SECONDS
  current=$1
  shift
  echo "== $current"
  "$@"
  summary+=$(printf '%5d s  %s' $((SECONDS - start)) "$current")$'\n'
  current=
}
report() {
  printf '\n%s' "$summary"
  [ -z "$current" ] || printf '        FAILED: %s\n' "$current"
  printf '%5d s  in all\n' $((SECONDS - started))
  [ -z "$skipped" ] || echo "$skipped"
}
trap report EXIT

configure_and_build() { # PRESET [TARGET...]
  cmake --preset "$1" $launcher >/dev/null
  cmake --build --preset "$1" --target "${@:2}" -- --quiet
}
# Twice as many at once as there are processors: half of them wait for TPMs, servers and deadlines.
run_tests() { ctest --preset "$1" --parallel $((2 * $(nproc))); }

without_tss_and_fetch() {
  configure_and_build no-tss all
  local programs=("$PWD"/build/gcc/tools/snpnv{,-paravisor} "$PWD/build/no-tss/tools/snpnv")
  tests/without_tss.sh "${programs[@]}"
  tests/without_fetch.sh "${programs[@]}"
  tests/other_provider.sh "${programs[@]}" "$PWD/build/no-tss" openssl
  configure_and_build nettle all
  tests/other_provider.sh "${programs[@]::2}" "$PWD/build/nettle/tools/snpnv" "$PWD/build/nettle" nettle
}

static_builds() { tests/size/measure.sh "$PWD"/build/gcc/tools/snpnv{,-paravisor} build/size; }
debian_packages() {
  local status=0
  tests/packaging/deb.sh . build/gcc build/deb || status=$?
  [ $status -ne 0 ] || tests/packaging/mkosi.sh . build/deb/one build/mkosi || status=$?
  [ $status -eq 0 ] || [ $status -eq 77 ]
}

# Each target for a fixed number of inputs, from its seeds.
fuzz_smoke() {
  configure_and_build fuzz all
  local source target runs
  for source in fuzz/fuzz_*.cpp; do
    target=$(basename "$source" .cpp)
    target=${target#fuzz_}
    case $target in fresh_report | verify*) runs=5000 ;; *) runs=50000 ;; esac
    mkdir -p "build/fuzz/corpus/$target"
    "build/fuzz/fuzz/fuzz_$target" -runs=$runs -max_total_time=60 -dict="fuzz/dict/$target.dict" \
      -artifact_prefix=build/fuzz/ "build/fuzz/corpus/$target" "fuzz/corpus/$target" \
      >"build/fuzz/$target.log" 2>&1 || { tail -50 "build/fuzz/$target.log"; return 1; }
    grep '^Done' "build/fuzz/$target.log" | sed "s/^/$target: /"
  done
}

# What the tests with virtual machines need. Without it they say that they are skipped.
fetch_vm() {
  tests/vm/fetch.sh build/vm && return
  skipped+="${skipped:+$'\n'}SKIPPED: no QEMU or kernel could be fetched for tests/vm"
  echo "$skipped"
}

launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
skipped=
[ -d "${SNPNV_VECTORS:-../shared/vectors}" ] ||
  skipped="SKIPPED: no captures of real machines in ${SNPNV_VECTORS:-../shared/vectors}"
[ -z "$skipped" ] || echo "$skipped"

stage "packages" bash tools/setup.sh test
stage "QEMU and a kernel" fetch_vm
stage "GCC: build" configure_and_build gcc all all_verify_interface_header_sets
stage "without tpm2-tss and fetch, by OpenSSL and Nettle" without_tss_and_fetch
stage "static builds and their sizes" static_builds
stage "Debian packages" debian_packages
stage "Mbed TLS 3.6" tests/mbedtls36.sh build/mbedtls36
stage "libFuzzer" fuzz_smoke
stage "Clang, ASan and UBSan: build" configure_and_build clang-sanitize all
stage "clang-tidy" tests/gate/tidy.sh . build/clang-sanitize
stage "Clang, ASan and UBSan: tests" run_tests clang-sanitize
stage "GCC: tests" run_tests gcc
