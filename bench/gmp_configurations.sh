#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gmp_configurations.sh FOLDER: what other builds of GMP do for Nettle's signatures, beside Debian's package. Fetches
# Debian's sources of GMP and Nettle into FOLDER, builds GMP once for each line, and prints the least time of each by
# Nettle's own benchmark. Wants m4.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
cd "$1"
for package in gmp nettle; do "$source_dir/tools/from_debian.sh" $package bookworm source $package; done
# Debian leaves the manual out, whose Makefile GMP's configure wants.
mkdir -p gmp/root/doc
echo 'all:' >gmp/root/doc/Makefile.in
libraries=/usr/lib/$(gcc -print-multiarch)
configurations="
debian:
fat:--enable-fat
skylake:--build=skylake-pc-linux-gnu
"
quietly() { "$@" >log 2>&1 || { cat log; exit 1; }; }
build() { # NAME OPTION
  mkdir -p "$1"
  cd "$1"
  [ -e config.h ] || quietly ../gmp/root/configure CC=gcc CFLAGS=-O2 --disable-shared "$2"
  quietly make -j"$(nproc)"
  cd ..
}
mkdir -p nettle/build
(cd nettle/build && { [ -e config.h ] || quietly ../root/configure --disable-shared --disable-openssl --disable-documentation; })
while IFS=: read -r name option; do
  [ -n "$name" ] || continue
  gmp=$libraries/libgmp.a
  [ -z "$option" ] || { build "$name" "$option" && gmp=$name/.libs/libgmp.a; }
  gcc -O2 -w -DHAVE_CONFIG_H -Inettle/build -Inettle/root nettle/root/examples/{hogweed-benchmark,timing}.c \
    "$libraries"/lib{hogweed,nettle}.a "$gmp" -o "benchmark-$name"
done <<<"$configurations"

# In turn, several times: other load on the machine hits all of them alike.
for _ in 1 2 3 4 5; do
  while IFS=: read -r name _; do
    [ -z "$name" ] || { "./benchmark-$name" ecdsa; "./benchmark-$name" rsa; } | awk -v name="$name" '
      $1 == "ecdsa" && $2 == 384 { ecdsa = $4 } $1 == "rsa" && $2 == 2048 { rsa = $4 } END { print name, ecdsa, rsa }'
  done <<<"$configurations"
done | awk '{ for (i = 2; i <= 3; ++i) if ($i > most[$1, i]) most[$1, i] = $i
              if (!seen[$1]++) order[++n] = $1 }
  END { print "configuration, ECDSA P-384, RSA-2048 (microseconds of CPU)"
        for (i = 1; i <= n; ++i) printf "%s %.0f %.1f\n", order[i], 1000 / most[order[i], 2], 1000 / most[order[i], 3] }'
