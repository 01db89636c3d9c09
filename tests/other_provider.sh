#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# other_provider.sh SNPNV SNPNV-PARAVISOR SNPNV-BY-OTHER BUILD_DIR openssl|nettle: a tool that was built with another
# provider says the same as the one with Mbed TLS, and neither is linked with the other's library. BUILD_DIR is the
# build with the other provider, without fetch.
source_dir=$(cd "$(dirname "$0")/.." && pwd)
. "$source_dir/tests/tools/lib.sh"
pki=$source_dir/tests/pki/milan
tool=$3
build=$4
provider=$5
case $provider in
  openssl) theirs=libcrypto ;;
  nettle) theirs=libhogweed ;;
esac

needs() { grep -q "NEEDED.*$1" < <(readelf -d "$2"); }
needs_not() { ! needs "$@"; }
# flip FILE OFFSET: inverts one octet.
flip() {
  local octet
  octet=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\x$(printf %02x $((255 - octet)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# same STATUS ARGUMENT...: both tools end so, and print the same.
same() {
  local wanted=$1
  shift
  exits "$wanted" "$snpnv" "$@" && mv out other && exits "$wanted" "$tool" "$@" && cmp other out
}

check "needs $theirs" needs "$theirs" "$tool"
check "and no Mbed TLS" needs_not libmbed "$tool"
check "the other needs Mbed TLS" needs libmbedcrypto "$snpnv"
check "and no other provider's library" needs_not 'libcrypto\|libssl\|libhogweed\|libnettle\|libgmp' "$snpnv"

start_paravisor
user_data user openssl
check "a fresh report" exits 0 "$snpnv" report report user --envelope envelope --claims claims
check "evidence" exits 0 "$snpnv" evidence evidence --nonce 00112233 --vcek "$pki/vcek.pem"
mkdir certs
cp "$pki"/{ark,ask,vcek}.pem certs
at=(--root "$pki/ark.pem" --at 2025-06-01T00:00:00Z)
check "the chain, with a revocation list" same 0 verify certs certs "${at[@]}" --crl "$pki/crl.pem"
check "without trust in its root" same 1 verify certs certs
check "the report" same 0 verify attestation certs report "${at[@]}" --claims claims --user-data @user
check "evidence with a quote" same 0 verify evidence evidence --certs certs "${at[@]}" --nonce 00112233
check "with another nonce" same 1 verify evidence evidence --certs certs "${at[@]}" --nonce 00112234
jq -c . evidence evidence >stream
for jobs in 1 2; do
  "$tool" verify evidence --stream --jobs "$jobs" --certs certs "${at[@]}" --nonce 00112233 <stream >"lines.$jobs"
  check "a stream in $jobs processes" [ "$(grep -c '"verified":true' "lines.$jobs")" -eq 2 ]
done
check "which say the same" cmp lines.1 lines.2
for at_octet in 16 400 672 1060; do  # content and signature of the report, padding behind it
  cp report changed
  flip changed $at_octet
  check "a report that was changed at $at_octet" same 1 verify attestation certs changed "${at[@]}"
done
for name in ark ask vcek; do
  rm -rf changed
  cp -r certs changed
  rm "changed/$name.pem"
  openssl x509 -in "$pki/$name.pem" -outform DER -out "changed/$name.der"
  flip "changed/$name.der" $(($(stat -c %s "changed/$name.der") - 9))
  check "a changed signature of the $name" same 1 verify attestation changed report "${at[@]}"
done

cmake --install "$build" --prefix "$work/prefix" >log
check "another project finds it" cmake -S "$source_dir/tests/consumers/verifier" -B consumer \
  -DCMAKE_PREFIX_PATH="$work/prefix" -DPROVIDER="$provider" >log
check "builds with it" cmake --build consumer >log
check "and verifies" [ "$(consumer/consumer)" = chain.root_pinned ]
check "without Mbed TLS" needs_not libmbed consumer/consumer
summary
