#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# peers.sh [BUILD]: a real report verified by go-sev-guest, by snpguest and by the crate sev behind it, beside snpnv and
# libcrypto, as processes and in process. After bench/run.sh, whose builds below BUILD it takes; wants go or cargo, which
# load what bench/peers/ names and snpguest from the Go module proxy and crates.io, and captures in $SNPNV_VECTORS. No test
# runs it. Prints the least and the median, in microseconds, and the least as a multiple of snpnv's.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${1:-build/gcc}" && pwd)
vectors=$(cd "${SNPNV_VECTORS:-../shared/vectors}" && pwd)
work=$build/bench/peers
mkdir -p "$work/certs"
peers=()
if command -v go >/dev/null; then
  go -C bench/peers/go-sev-guest build -o "$work/go-sev-guest" .
  peers+=(go-sev-guest)
fi
if command -v cargo >/dev/null; then
  CARGO_TARGET_DIR=$work/target cargo build -q --release --locked --manifest-path bench/peers/sev/Cargo.toml
  cp "$work/target/release/sevpeer" "$work/sev"
  peers+=(sev)
  # By Debian's OpenSSL, as the crate alone; its own would be compiled for minutes.
  OPENSSL_NO_VENDOR=1 CARGO_TARGET_DIR=$work/target cargo install -q --locked --root "$work" --version 0.11.0 snpguest
fi

cd "$work"
cp "$vectors/roots/ark-milan.pem" certs/ark.pem
cp "$vectors/roots/ask-milan.pem" certs/ask.pem
openssl x509 -in "$vectors/azure-milan-2024/vcek.pem" -out certs/vcek.pem  # the first of those in it
for name in ark ask vcek; do openssl x509 -in certs/$name.pem -outform der -out $name.der; done
tail -c +33 "$vectors/azure-milan-2024/nv-01400001.bin" | head -c 1184 >report

beside_snpnv() { # "NAME, tab, least, tab, median" lines, snpnv's first
  awk -F '\t' 'NR == 1 { ours = $2 } { printf "%-28s %9.1f %9.1f %6.2f\n", $1, $2, $3, $2 / ours }'
}
{
  printf '%s\t%s\n' "snpnv, Nettle, static" "$build/bench/static-nettle/tools/snpnv	verify	attestation	certs	report"
  printf '%s\t%s\n' "libcrypto, static" "$build/bench/bench_openssl_verify	certs	report"
  for peer in "${peers[@]}"; do printf '%s\t%s\n' "$peer" "./$peer	."; done
  # Its user checks the chain by one command and the report by another.
  [ ! -x bin/snpguest ] || printf '%s\t%s\n' "snpguest, two processes" \
    "bin/snpguest	verify	certs	certs	&&	bin/snpguest	verify	attestation	-p	milan	certs	report"
} >commands
echo "one report as a process: wall time"
"$build/bench/bench_processes" 100 commands | beside_snpnv

# The same of the tests' report, whose chain has AMD's algorithms and sizes.
in_process() {
  "$build/bench/bench_verify" --benchmark_filter='^full(<NettleCrypto>|_by_libcrypto)$' --benchmark_format=csv --benchmark_min_time=0.02 \
    --benchmark_repetitions=20 --benchmark_enable_random_interleaving=true 2>/dev/null | grep '^"full' |
    awk -F , '{ gsub(/"/, "", $1) } $1 !~ /_(mean|median|stddev|cv)$/ { print $1 "\t" $4 }' | sort -t $'\t' -k 1,1 -k 2,2n |
    awk -F '\t' '{ n[$1]++; v[$1, n[$1]] = $2 } END { for (i in n) print i "\t" v[i, 1] "\t" v[i, int(n[i] / 2) + 1] }' | sort |
    sed 's/^full<NettleCrypto>/snpnv, Nettle/; s/^full_by_libcrypto/libcrypto/'
  for peer in "${peers[@]}"; do printf '%s\t%s\n' "$peer" "$("./$peer" . 50)"; done
}
echo "chain and report in process: CPU time"
in_process | beside_snpnv
