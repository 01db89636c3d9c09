#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compile_fail.sh SOURCE_DIR COMPILER: each file in compile_fail/ does not compile, for the reason that
# a line at its beginning names: `// EXPECT: a regular expression`. Without the line marked WRONG it compiles.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
for file in "$1"/tests/gate/compile_fail/*.cpp; do
  expected=$(sed -n '1,2s|^// EXPECT: ||p' "$file")
  [ -n "$expected" ] || { echo "$file does not say what to expect"; exit 1; }
  compile() { "$compiler" -std=c++23 -I"$source_dir/include" -Wall -Werror -fsyntax-only "$1" 2>"$work/log"; }
  source_dir=$1 compiler=$2
  if compile "$file"; then
    echo "$file compiles"
    exit 1
  fi
  grep -qE "$expected" "$work/log" || { echo "$file fails for another reason:"; cat "$work/log"; exit 1; }
  grep -v '// WRONG' "$file" >"$work/right.cpp"
  ! cmp -s "$file" "$work/right.cpp" || { echo "$file marks no line WRONG"; exit 1; }
  compile "$work/right.cpp" || { echo "$file is wrong elsewhere:"; cat "$work/log"; exit 1; }
  count=$((count + 1))
done
echo "$count refusals"
[ "$count" -gt 0 ]
