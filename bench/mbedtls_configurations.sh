#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mbedtls_configurations.sh FOLDER: what other builds of Mbed TLS do for the report's signature and for the
# chain's: optimization, ECP window, fixed-point tables, 3.6. Fetches Debian's sources of 2.28 and 3.6 into
# FOLDER, builds libmbedcrypto once for each line, and prints the least time of each.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
cd "$1"
for version in 2.28:bookworm 3.6:trixie; do
  "$source_dir/tools/from_debian.sh" "debian/${version%:*}" "${version#*:}" source mbedtls
  ln -sfn "debian/${version%:*}/root" "${version%:*}"
done

compile() { # FOLDER VERSION FLAGS FILE...
  mkdir -p "$1"
  printf '%s\n' "${@:4}" | xargs -P "$(nproc)" -I{} sh -c \
    "gcc -w $3 -I$2/include -I$2/library -I$2/3rdparty/everest/include -c $2/library/{}.c -o $1/{}.o"
}
build() { # NAME VERSION FLAGS: what computes by these flags, the rest by -O2
  local all arithmetic
  all=$(cd "$2/library" && ls ./*.c | sed 's|^./||; s|\.c$||')
  arithmetic=$(grep -E '^(bignum|ecp|ecdsa|rsa)' <<<"$all")
  [ -d "build/rest-$2" ] || compile "build/rest-$2" "$2" -O2 $(grep -vE '^(bignum|ecp|ecdsa|rsa)' <<<"$all")
  compile "build/$1" "$2" "$3" $arithmetic
  g++ -std=c++23 -O2 $3 -I"$2/include" -I"$source_dir/include" "$source_dir/bench/primitives.cpp" \
    "build/$1"/*.o "build/rest-$2"/*.o -o "build/$1/primitives"
}
configurations="
2.28:2.28:-O2
2.28-O3:2.28:-O3
2.28-O3-native:2.28:-O3 -march=native
2.28-window-2:2.28:-O2 -DMBEDTLS_ECP_WINDOW_SIZE=2
2.28-window-6:2.28:-O2 -DMBEDTLS_ECP_WINDOW_SIZE=6
2.28-no-fixed-point:2.28:-O2 -DMBEDTLS_ECP_FIXED_POINT_OPTIM=0
3.6:3.6:-O2
3.6-O3:3.6:-O3
3.6-O3-native:3.6:-O3 -march=native
3.6-window-2:3.6:-O2 -DMBEDTLS_ECP_WINDOW_SIZE=2
3.6-window-6:3.6:-O2 -DMBEDTLS_ECP_WINDOW_SIZE=6
3.6-no-fixed-point:3.6:-O2 -DMBEDTLS_ECP_FIXED_POINT_OPTIM=0
"
while IFS=: read -r name version flags; do
  [ -z "$name" ] || build "$name" "$version" "$flags"
done <<<"$configurations"

# In turn, several times: other load on the machine hits all of them alike.
for _ in 1 2 3 4 5; do
  while IFS=: read -r name _; do
    [ -z "$name" ] || echo "$name $("build/$name/primitives" "$source_dir/tests/pki/milan")"
  done <<<"$configurations"
done | awk '{ for (i = 2; i <= 4; ++i) if (!(($1, i) in least) || $i < least[$1, i]) least[$1, i] = $i
              if (!seen[$1]++) order[++n] = $1 }
  END { print "configuration, ECDSA P-384 warm, cold, RSA-4096-PSS (microseconds of CPU)"
        for (i = 1; i <= n; ++i) print order[i], least[order[i], 2], least[order[i], 3], least[order[i], 4] }'
