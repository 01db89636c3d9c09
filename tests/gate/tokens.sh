#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tokens.sh SOURCE_DIR: what the headers do without: heap, exceptions, RTTI, OS, casts of pointers;
# and what no file of the project holds.
set -euo pipefail
cd "$1"
bad=0
# Comments are not code, nor are words for people.
code() { sed -e '/#include/!s|"[^"]*"||g' -e 's|//.*||' "$1"; }
for file in $(find include -name '*.hpp' ! -path '*/mbedtls/*' ! -path '*/openssl/*' ! -path '*/nettle/*'); do
  if code "$file" | grep -nE '\b(throw|try|catch|new|delete|malloc|free|reinterpret_cast|dynamic_cast|typeid|const_cast|goto)\b|<(vector|string|map|memory|iostream|sstream|fstream|functional|mutex|thread|unistd\.h|sys/.*|stdlib\.h|cstdlib|cstdio|cstring)>|mbedtls/|psa/|openssl/|nettle/'; then
    echo "in $file"
    bad=1
  fi
done
for file in $(find include/snpnv/mbedtls include/snpnv/openssl include/snpnv/nettle transports paravisor tools -name '*.?pp'); do
  if code "$file" | grep -nE '\b(throw|reinterpret_cast|dynamic_cast|typeid)\b|<iostream>'; then
    echo "in $file"
    bad=1
  fi
done
# format() knows these conversions and ends the program at others, %% among them.
if grep -nE '"[^"]*%[-0]*[0-9*]*([lz]+[^uxlz]|[^-sdux0-9*lz])' tools/snpnv/*.?pp tools/snpnv/commands/*.?pp | grep -v 'printf('; then bad=1; fi
# A static program has no floating point in printf().
if grep -rnE 'printf\(.*%[-+#0-9.*]*[aefgAEFG]' tools/snpnv transports paravisor include; then bad=1; fi
if grep -rnE '\b(TODO|FIXME|XXX)\b' --include='*.hpp' --include='*.cpp' --include='*.sh' --include='*.md' \
  --include='CMakeLists.txt' --exclude=tokens.sh --exclude-dir=build .; then bad=1; fi
# Layout is the reader's business, but for what no editor shows.
if grep -rnP '\t|[ \t]+$' --include='*.hpp' --include='*.cpp' include transports paravisor tools tests fuzz bench; then bad=1; fi
exit $bad
