#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check.sh FUZZ_GEN FUZZ_DIR: the generator's seeds and dictionaries are the committed ones, and every
# target has both.
set -euo pipefail
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$1" "$fresh"
(cd "$fresh" && find . -type f) | while read -r file; do
  cmp "$fresh/$file" "$2/$file"
done
for source in "$2"/fuzz_*.cpp; do
  target=$(basename "$source" .cpp)
  target=${target#fuzz_}
  [ -n "$(ls "$2/corpus/$target" 2>/dev/null)" ] || { echo "no seeds for $target"; exit 1; }
  [ -s "$2/dict/$target.dict" ] || { echo "no dictionary for $target"; exit 1; }
done
