#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How much stack the library takes at most, at -Os, by the frames and calls that GCC writes down.
#   stack.sh          fails if a job takes 5 % more than docs/size.md says, or more than its goal
#   stack.sh --table  prints the table anew
# 77: there is no compiler of the version that the table is of.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
doc=$root/docs/size.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=12
# ENTRY=JOB=GOAL, in tests/size/stack.cpp
jobs=("collect_a_fresh_report=collect a fresh report=6144" "verify_a_chain=verify a chain=16384"
  "verify_a_report=verify a report under a chain=16384" "parse_a_policy=parse a policy=4096"
  "verify_whole_evidence=verify evidence=16384")

compiled() { # NAME COMPILER OPTION...
  [ "$("$2" -dumpversion 2>/dev/null | cut -d. -f1)" = $version ] || { echo "no $2 $version"; exit 77; }
  "${@:2}" -std=c++23 -Os -fno-exceptions -fno-rtti -fno-stack-protector -Wall -Wextra -I"$root/include" \
    -I"$root" -fcallgraph-info=su -c "$root/tests/size/stack.cpp" -o "$work/$1.o"
}
compiled x86-64 "${GXX:-g++-$version}"
compiled cortex-m33 arm-none-eabi-g++ -mcpu=cortex-m33 -mthumb
octets() { "$root/tests/size/deepest.py" "$work/$1.ci" "$2" | cut -d' ' -f2; }

bad=0
for job in "${jobs[@]}"; do
  IFS== read -r entry what goal <<<"$job"
  wide=$(octets x86-64 "$entry")
  narrow=$(octets cortex-m33 "$entry")
  row="| $what | $wide | $narrow | $goal |"
  echo "$row"
  [ "${1:-}" != --table ] || continue
  IFS='|' read -r _ _ old_wide old_narrow _ < <(grep -F "| $what | " "$doc" || echo '|||0|0|')
  for pair in "$wide:$old_wide" "$narrow:$old_narrow"; do
    if [ $((${pair%:*} * 100)) -gt $((${pair#*:} * 105)) ]; then
      echo "$what: ${pair%:*} octets of stack, more than 5 % above${pair#*:}"
      bad=1
    fi
    [ "${pair%:*}" -le "$goal" ] || { echo "$what: above its goal"; bad=1; }
  done
done
exit $bad
