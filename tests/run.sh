#!/usr/bin/env bash
# Installs what is needed, builds in every configuration and runs everything: the one command of the
# README and of CI. Builds go to build/. Exits with 0 only if all of it passed.
set -euo pipefail
cd "$(dirname "$0")/.."
summary=
started=$SECONDS

# stage NAME COMMAND...: says when it begins, ends the run when it fails, keeps the time it took.
stage() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@"
  summary+=$(printf '%5d s  %s' $((SECONDS - start)) "$name")$'\n'
}

configure_and_build() { # PRESET [TARGET...]
  cmake --preset "$1" $launcher >/dev/null
  cmake --build --preset "$1" --target "${@:2}" -- --quiet
}
run_tests() { ctest --preset "$1" --parallel "$(nproc)"; }

# Without tpm2-tss the device, recordings and all that needs no TPM remain.
without_tss() {
  configure_and_build no-tss all
  local tool=build/no-tss/tools/snpnv work status=0
  work=$(mktemp -d)
  "$tool" --version
  head -c 64 /dev/zero >"$work/user"
  "$tool" -T swtpm: report "$work/report" "$work/user" 2>"$work/err" || status=$?
  [ "$status" -eq 3 ] && grep -q io_unavailable "$work/err"
  ! ldd "$tool" | grep -q tss2
  # A recording made with tpm2-tss replays without it.
  build/gcc/tools/snpnv-paravisor --state "$work/state" --listen 127.0.0.1:0 --once >"$work/ready" &
  local paravisor=$!
  until [ -s "$work/ready" ]; do kill -0 $paravisor && sleep 0.1; done
  local tcti
  tcti=$(sed -n 's/^ready tcti=\([^ ]*\).*/\1/p' "$work/ready")
  build/gcc/tools/snpnv -q -T "record:$work/recording=$tcti" report "$work/report" "$work/user"
  wait $paravisor
  "$tool" -q -T "replay:$work/recording" report "$work/replayed" "$work/user"
  cmp "$work/report" "$work/replayed"
  rm -rf "$work"
}

# Each target for a fixed number of inputs, from its seeds.
fuzz_smoke() {
  configure_and_build fuzz all
  local target runs
  for program in build/fuzz/fuzz/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    target=${program##*/fuzz_}
    [ "$target" = gen ] && continue
    case $target in fresh_report | verify*) runs=5000 ;; *) runs=50000 ;; esac
    mkdir -p "build/fuzz/corpus/$target"
    "$program" -runs=$runs -max_total_time=60 -dict="fuzz/dict/$target.dict" -artifact_prefix=build/fuzz/ \
      "build/fuzz/corpus/$target" "fuzz/corpus/$target" >"build/fuzz/$target.log" 2>&1 ||
      { tail -50 "build/fuzz/$target.log"; return 1; }
    grep '^Done' "build/fuzz/$target.log" | sed "s/^/$target: /"
  done
}

launcher=
command -v ccache >/dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
[ -d "${SNPNV_VECTORS:-../shared/vectors}" ] ||
  echo "SKIPPED: no captures of real machines in ${SNPNV_VECTORS:-../shared/vectors}"

stage "packages" bash tools/setup.sh test
stage "GCC: build" configure_and_build gcc all all_verify_interface_header_sets
stage "without tpm2-tss" without_tss
stage "libFuzzer" fuzz_smoke
stage "Clang, ASan and UBSan: build" configure_and_build clang-sanitize all
stage "Clang, ASan and UBSan: tests" run_tests clang-sanitize
stage "GCC: tests" run_tests gcc
printf '\n%s%5d s  in all\n' "$summary" $((SECONDS - started))
