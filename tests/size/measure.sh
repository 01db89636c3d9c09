#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The static builds: makes them, runs them, measures them.
#   measure.sh SNPNV SNPNV-PARAVISOR BUILD_DIR          fails if a size is above its limit, or more than
#                                                       5 % above the one in docs/size.md
#   measure.sh SNPNV SNPNV-PARAVISOR BUILD_DIR --write  writes docs/size.md anew
# The programs named are the dynamic ones; builds go to BUILD_DIR. Times and memory are measured, but
# only sizes are compared: they are the same on every machine.
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$3" || exit 1
build=$(cd "$3" && pwd)
write=${4:-}
. "$root/tests/tools/lib.sh"
doc=$root/docs/size.md

quietly() { "$@" >"$build/log" 2>&1 || { cat "$build/log" >&2; exit 1; }; }
quietly "$root/packaging/smallest/build.sh" "$build/smallest"
quietly cmake -G Ninja -S "$root" -B "$build/glibc" -DSNPNV_STATIC=ON -DSNPNV_WERROR=ON
quietly cmake --build "$build/glibc"
strip --strip-all --remove-section=.comment "$build/glibc/tools/snpnv" -o "$build/snpnv"
strip --strip-all --remove-section=.comment "$snpnv" -o "$build/dynamic"
quietly musl-gcc -static -Os "$root/tests/size/usage.c" -o "$build/usage"
collector=$build/smallest/snpnv-collector
smallest=$build/smallest/snpnv
static=$build/snpnv

# What they do is what the dynamic one does.
user_data user "sizes"
start_paravisor --refresh on-write --interval-ms 0  # nothing to wait for
check "a recording" exits 0 "$snpnv" -T "record:recording=$SNPNV_TCTI" report report user --envelope envelope \
  --claims claims
stop_paravisor
unset SNPNV_TCTI TPM2TOOLS_TCTI
mkdir certs
for name in ark ask vcek; do cp "$state/$name.pem" certs/; done
head -c 600 report >flipped
printf '\377' >>flipped
tail -c 583 report >>flipped
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)  # the same for both programs
mkfifo pipe
octets() { stat -Lc %s "$1"; }
same() { # ARGUMENT...: as the dynamic program, in status and output
  local wanted status
  "$snpnv" "$@" >out.dynamic 2>err.dynamic
  wanted=$?
  "$tool" "$@" >out.static 2>err.static
  status=$?
  [ "$status" -eq "$wanted" ] && cmp out.dynamic out.static && cmp err.dynamic err.static
}
is_static() { ! grep -qE "INTERP|DYNAMIC" < <(readelf -lW "$tool"); }
for tool in "$collector" "$smallest" "$static"; do
  name=${tool#"$build"/}
  check "$name: needs no loader" is_static
  check "$name: --version" same --version
  check "$name: report" exits 0 "$tool" -T replay:recording report "again" user
  check "$name: the same report" cmp report again
  for what in report envelope claims; do
    check "$name: display $what" same display "$what" "$what"
    check "$name: display $what as JSON" same --json display "$what" "$what"
    check "$name: display something else as $what" same display "$what" user
  done
  check "$name: unknown command" same frobnicate
  check "$name: no file" same display report absent
  check "$name: TCTI by name" exits 3 "$tool" -T mssim: report again user
  check "$name: says so" grep -q '^hint: this build' err
  check "$name: not an answer" exits 3 "$tool" -T device:pipe probe
  check "$name: no answer" exits 4 "$tool" -T device:/dev/null probe --timeout 1
  check "$name: out of memory" exits 3 prlimit --as=$(($(octets "$tool") + 800000)) "$tool" --json display envelope envelope
  check "$name: says so" grep -q out_of_memory err
done
for tool in "$smallest" "$static"; do
  name=${tool#"$build"/}
  check "$name: all commands" cmp <("$snpnv" --help | sed 's/, or any TCTI//') <("$tool" --help)
  check "$name: verify certs" same verify certs certs --root certs/ark.pem --at "$at"
  check "$name: verify attestation" same verify attestation certs report --root certs/ark.pem --at "$at"
  check "$name: verifies" [ "$(tail -1 out.static)" = VERIFIED ]
  check "$name: verify a damaged one" same verify attestation certs flipped --root certs/ark.pem --at "$at"
  check "$name: rejects" grep -q '^REJECTED: report.signature' out.static
  check "$name: verify with claims" same verify attestation certs report --root certs/ark.pem --at "$at" --claims claims \
    --user-data @user
  check "$name: display cert" same display cert certs/vcek.pem
done
start_paravisor --https 127.0.0.1:0 --refresh on-write --interval-ms 0
for tool in "$collector" "$smallest" "$static"; do
  check "${tool#"$build"/}: a report by swtpm's protocol" exits 0 "$tool" report fresh octets --random --claims about
  check "${tool#"$build"/}: carries what was asked for" exits 0 "$snpnv" verify attestation "$state" fresh \
    --root "$state/ark.pem" --claims about --user-data @octets
done
for tool in "$smallest" "$static"; do
  name=${tool#"$build"/}
  fetch() { "$tool" fetch vcek der "$@" --source kds --root certs/ark.pem; }
  check "$name: fetches over TLS" exits 0 fetch fetched report --kds-url "$https" --ca-file "$state/https-ca.pem"
  check "$name: the VCEK" cmp fetched/vcek.der <(openssl x509 -in certs/vcek.pem -outform der)
  check "$name: finds a name" exits 0 fetch named report --kds-url "${https/127.0.0.1/localhost}" \
    --ca-file "$state/https-ca.pem"
  check "$name: there is no such name" exits 3 fetch none report --kds-url https://no-such-name.invalid
  check "$name: says so" grep -q io_name err
  check "$name: trusts no other server" exits 3 fetch none report --kds-url "$https" --ca-file certs/ark.pem
  rm -r fetched named
done
for tool in "$smallest" "$static"; do
  start_paravisor --https 127.0.0.1:0 --fault http-429=1
  words=("$tool" fetch ca der waited milan --source kds --kds-url "$https" --ca-file "$state/https-ca.pem" --root "$state/ark.pem")
  check "${tool#"$build"/}: waits for a busy server" script -qec "${words[*]}" terminal </dev/null >/dev/null
  check "${tool#"$build"/}: and says so" grep -q 'asking again in 0\.[0-9] s, [0-9]* s left' terminal
  rm -r waited
done
stop_paravisor
unset SNPNV_TCTI TPM2TOOLS_TCTI
check "collector: no verification" exits 2 "$collector" verify attestation certs report

# usage RUNS ARGUMENT...: peak memory in KiB and median time in microseconds
usage() { "$build/usage" "$@"; }
table() {
  local tool=$1 what=$2 limit=$3 report verify version
  report=$(usage 5 "$tool" -T replay:recording report again user)
  verify="— —"
  [ "$tool" = "$collector" ] ||
    verify=$(usage 31 "$tool" verify attestation certs report --root certs/ark.pem)
  version=$(usage 301 "$tool" --version)
  echo "| $what | $(octets "$tool") | $limit | ${report% *} | ${verify% *} | ${version#* } | ${verify#* } |"
  for peak in "${report% *}" "${verify% *}"; do
    [ "$limit" = — ] || [ "$peak" = — ] || check "$what: peak memory up to 2048 KiB" [ "$peak" -le 2048 ]
  done
}
kCollector="smallest, \`report\`, \`probe\`, \`display\` only"
kSmallest="smallest, everything"
kStatic="\`SNPNV_STATIC\`, Debian's libraries, everything"
{
  cat <<'TEXT'
# Size

Made by `tests/size/measure.sh`. Stripped programs for x86-64, in octets. `tests/run.sh --all` fails if one is
above its limit, or has grown by more than 5 % over this table. Peak memory is `ru_maxrss` of `snpnv report`
(from a recording) and of `snpnv verify attestation`, in KiB; times are those of `snpnv --version` and of
`verify attestation` from start to exit, medians of 301 and 31 runs in microseconds. Both depend on the machine.

| build | octets | limit | KiB, report | KiB, verify | µs | µs, verify |
|---|---|---|---|---|---|---|
TEXT
  table "$collector" "$kCollector" 131072
  table "$smallest" "$kSmallest" 655360
  table "$static" "$kStatic" 1572864
  table "$build/dynamic" "dynamic, without its libraries" —
  true_time=$(usage 301 /bin/true)
  echo "| \`/bin/true\`, dynamic | $(octets /bin/true) | — | — | — | ${true_time#* } | — |"
  cat <<'TEXT'

The dynamic build and what it needs at run time:

| file | octets |
|---|---|
TEXT
  sum=$(octets "$build/dynamic")
  echo "| snpnv | $sum |"
  for library in $(ldd "$build/dynamic" | grep -oE '/[^ ]+'); do
    size=$(octets "$library")
    sum=$((sum + size))
    echo "| $(basename "$library") | $size |"
  done
  echo "| together | $sum |"
  cat <<'TEXT'

A static program with glibc looks names up in `/etc/hosts` and by DNS, whatever `/etc/nsswitch.conf` says: other
services would be shared libraries. What static builds give up: TCTIs by name, ASLR of the program itself, read-only
relocations, and a page that separates constants from code. They have no C++ library: memory that runs out ends the
program with status 3 and one line, `tools/static/runtime.cpp`.
How to make them: `packaging/smallest/README.md`.

## Stack

What the library itself takes at most, at -Os, by the frames and calls that GCC 12 writes down: the deepest path below
each job, in octets, without the provider's and the transport's. Made by `tests/size/stack.sh`, which fails at 5 % above
this table, or above the goal. What is large, the caller places: the buffer of the envelope, `Tpm`
(8 kB for a command and a response), the result, `ChainCheck`, `Policy`, `EvidenceRoom`, `Verdict`.

| job | x86-64 | Cortex-M33 | goal |
|---|---|---|---|
TEXT
  "$root/tests/size/stack.sh" --table
  cat <<'TEXT'

## Code

What the library puts into a program for a Cortex-M33, at -Os, without the provider, the transport and the C library: code
and constants, in octets. Nothing of it lies in memory that can be written. Made by `tests/size/code.sh`, which fails at
5 % above this table, or above the limit. The collector gets a fresh report; the verifier judges chain and report, by
claims and policy too. A provider without `verify_rsa_pkcs1` keeps quotes and event logs out of the program
(`include/snpnv/verify/crypto.hpp`). Who asks neither `CheckResult::reason()` nor `text(Code)` carries no list of words.

| part | octets | limit |
|---|---|---|
TEXT
  "$root/tests/size/code.sh" --table
} >"$work/size.md"

recorded() { grep -F "| $1 | " "$doc" | cut -d'|' -f3 | tr -d ' '; }
for pair in "$collector=$kCollector=131072" "$smallest=$kSmallest=655360" "$static=$kStatic=1572864"; do
  IFS== read -r tool what limit <<<"$pair"
  size=$(octets "$tool")
  echo "$what: $size"
  check "$what: $size is above its limit, $limit" [ "$size" -le "$limit" ]
  [ -n "$write" ] && continue
  old=$(recorded "$what")
  check "$what: docs/size.md has it" [ -n "$old" ]
  check "$what: $size is more than 5 % above $old" [ "$((size * 100))" -le "$((${old:-0} * 105))" ]
done
[ -z "$write" ] || cp "$work/size.md" "$doc"
summary
