#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# freestanding.sh SOURCE_DIR COMPILER LEVEL...: at each of these levels of optimization, an object file that uses all of
# the library but the provider of cryptography needs no symbol but mem*; bcmp, which Clang calls for a memcmp whose order
# nobody asks for; and strlen at -Os, where GCC measures literals at run time.
set -euo pipefail
object=$(mktemp)
trap 'rm -f "$object" "$object.needed"' EXIT
[ $# -ge 3 ]
for level in "${@:3}"; do
  "$2" -std=c++23 $level -fno-exceptions -fno-rtti -fno-stack-protector -Wall -Wextra -Wconversion -Werror \
    -I"$1/include" -c "$1/tests/gate/freestanding.cpp" -o "$object"
  nm -u "$object" >"$object.needed"
  allowed='memcpy|memmove|memset|memcmp|bcmp|memchr|_GLOBAL_OFFSET_TABLE_'
  [ $level != -Os ] || allowed+='|strlen'
  if grep -vE " ($allowed)\$" "$object.needed"; then
    echo "symbols are needed at $level"
    exit 1
  fi
  nm "$object" | grep ' T use_everything$'
done
