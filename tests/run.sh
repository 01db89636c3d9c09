#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh          the quick path: installs what it needs, makes one build, and runs the unit tests, the gates, the
#                 fuzz targets on their seeds, and the tests of the programs that need no virtual machine
# run.sh --all    everything: installs more, builds in every configuration, runs all tests. CI runs this.
# Builds go to build/. Exits with 0 only if all of it passed.
set -euo pipefail
cd "$(dirname "$0")/.."
case $* in
  "") which=quick ;;
  --all) which=all ;;
  *)
    echo "usage: tests/run.sh [--all]" >&2
    exit 2
    ;;
esac
# Two runs in one folder take turns.
mkdir -p build
if [ -z "${SNPNV_TURN:-}" ]; then
  flock --nonblock build/.turn true || echo "waiting for another run in this folder"
  SNPNV_TURN=1 exec flock --close build/.turn bash tests/run.sh "$@"
fi
summary=
skipped=
started=$SECONDS
current=
asides=()

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
# aside NAME COMMAND...: a stage that goes on beside those that follow, for it keeps one processor busy, or waits.
aside() {
  echo "== $1: beside what follows"
  asides+=("$1")
  local log=build/aside.${#asides[@]}
  rm -f "$log.ended"
  (
    start=$SECONDS
    trap 'echo "$? $((SECONDS - start))" >"$log.ended"' EXIT
    "${@:2}" >"$log" 2>&1
  ) &
}
# together: waits for them, and says what they said. Ends the run when one failed.
together() {
  wait
  local i status took
  for i in "${!asides[@]}"; do
    current=${asides[i]}
    echo "== $current: said"
    cat "build/aside.$((i + 1))"
    read -r status took <"build/aside.$((i + 1)).ended"
    [ "$status" -eq 0 ] || exit 1
    summary+=$(printf '%5d s  %s, beside others' "$took" "$current")$'\n'
  done
  current=
}
report() {
  wait
  printf '\n%s' "$summary"
  [ -z "$current" ] || printf '        FAILED: %s\n' "$current"
  printf '%5d s  in all\n' $((SECONDS - started))
  printf '%s' "$skipped"
}
trap report EXIT
# skip WHY: said at once and in the end.
skip() {
  skipped+="SKIPPED: $1"$'\n'
  echo "SKIPPED: $1"
}

configure_and_build() { # PRESET [TARGET...]
  cmake --preset "$1" $launcher >/dev/null
  cmake --build --preset "$1" --target "${@:2}" -- --quiet
}
# Twice as many at once as there are processors: half of them wait for TPMs, servers and deadlines.
run_tests() { # PRESET [OPTION...]
  ctest --preset "$1" --parallel $((2 * $(nproc))) "${@:2}"
  local why
  while IFS= read -r why; do skip "$why"; done < <(
    grep -aoh 'SKIPPED: .*' "build/$1/Testing/Temporary/LastTest.log" | sed 's/^SKIPPED: //' | sort -u)
}

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
# With root only, and the image only where something can be mounted: both say why they leave with 77.
debian_packages() { or_skipped tests/packaging/deb.sh . build/gcc build/deb; }
image() {
  [ -d build/deb/one ] || { skip "no Debian packages for the image"; return; }
  or_skipped tests/packaging/mkosi.sh . build/deb/one build/mkosi
}
or_skipped() {
  local status=0
  "$@" || status=$?
  [ $status -ne 77 ] || skip "$current"
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
fetch_vm() { tests/vm/fetch.sh build/vm || echo "no QEMU or kernel could be fetched for tests/vm"; }

launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
vectors=${SNPNV_VECTORS:-../shared/vectors}
[ -d "$vectors" ] || skip "no captures of real machines in $vectors"

stage "packages" bash tools/setup.sh $which
if [ $which = quick ]; then
  stage "build" configure_and_build quick all
  stage "unit tests, gates, fuzz targets on their seeds, the programs" run_tests quick -L '^(unit|gate|tools)$'
  skip "packaging, virtual machines, sanitizers, other providers and configurations, which tests/run.sh --all runs"
  exit
fi
aside "QEMU and a kernel" fetch_vm
stage "GCC: build" configure_and_build gcc all bench/all all_verify_interface_header_sets
aside "static builds and their sizes" static_builds
aside "Debian source package" tests/packaging/source.sh . build/source
stage "Debian packages" debian_packages
stage "an image with mkosi" image
stage "bare metal" tests/bare_metal/run.sh "$PWD"/build/gcc/tools/snpnv{,-paravisor} build/bare-metal
stage "without tpm2-tss and fetch, by OpenSSL and Nettle" without_tss_and_fetch
stage "Mbed TLS 3.6" tests/mbedtls36.sh build/mbedtls36
stage "other processors" tests/processors.sh build/processors
stage "libFuzzer" fuzz_smoke
together
stage "Clang, ASan and UBSan: build" configure_and_build clang-sanitize all
stage "clang-tidy" tests/gate/tidy.sh
stage "Clang, ASan and UBSan: tests" run_tests clang-sanitize
stage "GCC: tests" run_tests gcc
