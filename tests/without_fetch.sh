#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# without_fetch.sh SNPNV SNPNV-PARAVISOR SNPNV-WITHOUT-FETCH: a tool that was built without fetch has all the
# rest, and none of Mbed TLS's TLS library.
. "$(dirname "$0")/tools/lib.sh"
tool=$3

needs() { grep -q "NEEDED.*$2" < <(readelf -d "$1"); }
named() { grep -q mbedtls_ssl_ < <(strings -a "$1"; nm -a "$1" 2>/dev/null); }
check "starts" exits 0 "$tool" --version
check "with fetch the TLS library is linked" needs "$snpnv" libmbedtls
check "and named" named "$snpnv"
check "without it is not" eval '! needs "$tool" libmbedtls'
check "and none of it is there" eval '! named "$tool"'
check "fetch is unknown" exits 2 "$tool" fetch ca pem certs milan
check "and said so" grep -q 'unknown command' err
check "help does not list it" eval '! grep -q fetch < <("$tool" --help)'
start_paravisor
check "a report" exits 0 "$snpnv" report report user --random
mkdir certs
cp "$state"/{ark,ask,vcek}.pem certs/
check "is verified without it" exits 0 "$tool" verify attestation certs report --root "$state/ark.pem"
summary
