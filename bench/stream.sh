#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stream.sh [BUILD [LINES]]: how many documents of evidence a second `snpnv verify evidence --stream`
# judges, with one job and with two, beside one process for each document; and its memory. BUILD is a
# folder with tools/snpnv and tools/snpnv-paravisor, build/gcc by default. Needs Debian's package time.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/gcc}
lines=${2:-100000}
processes=$((lines < 2000 ? lines : 2000))
snpnv=$PWD/$build/tools/snpnv
work=$(mktemp -d)
trap 'kill "${paravisor:-0}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
mkfifo "$work/ready"
"$build/tools/snpnv-paravisor" --state "$work/state" --listen 127.0.0.1:0 >"$work/ready" &
paravisor=$!
read -r line <"$work/ready"
line=${line#ready tcti=}
state=$work/state
# Four nonces and quotes of one machine, over and over.
for _ in 1 2 3 4; do
  "$snpnv" -T "${line%% *}" -q evidence - --random --vcek "$state/vcek.pem" --timeout 30
done >"$work/few"
for ((i = 0; i < lines / 4; ++i)); do cat "$work/few"; done >"$work/many"

judge=("$snpnv" verify evidence --certs "$state" --root "$state/ark.pem")

figures() { # WHAT DOCUMENTS COMMAND...
  local what=$1 documents=$2 elapsed user system peak
  shift 2
  read -r elapsed user system peak < <(/usr/bin/time -f '%e %U %S %M' "$@" 2>&1 >/dev/null)
  awk -v what="$what" -v n="$documents" -v e="$elapsed" -v c="$user" -v s="$system" -v p="$peak" 'BEGIN {
    printf "%-26s %7d documents %7.0f a second %7.0f a second and core, peak %5d kB\n", what, n, n / e, n / (c + s), p }'
}
head -n 1 "$work/few" >"$work/one"
export work processes
figures "stream" 4 "${judge[@]}" --stream <"$work/few"
figures "stream" "$lines" "${judge[@]}" --stream <"$work/many"
figures "stream, 2 jobs" "$lines" "${judge[@]}" --stream --jobs 2 <"$work/many"
figures "one process per document" "$processes" bash -c \
  'for ((i = 0; i < processes; ++i)); do "$@" -q "$work/one"; done' - "${judge[@]}"
