#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs' verdicts on captures of real machines, where the captures are at hand.
tests=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/lib.sh"
vectors=${SNPNV_VECTORS:-$tests/../../shared/vectors}
if [ ! -d "$vectors" ]; then
  echo "SKIPPED: no captures in $vectors"
  exit 77
fi
vectors=$(cd "$vectors" && pwd)
at=2025-06-01T00:00:00Z # inside the period of each certificate
rejected_by() { # CHECK COMMAND...: it alone fails
  local wanted=$1
  shift
  exits 1 "$@" && [ "$(tail -n 1 out)" = "REJECTED: $wanted" ] && [ "$(grep '^FAIL' out | cut -d' ' -f2)" = "$wanted" ]
}
folder() { # NAME ARK ASK VEK: as `snpguest fetch` lays it out
  mkdir "$1"
  cp "$vectors/roots/$2.pem" "$1/ark.pem"
  cp "$vectors/roots/$3.pem" "$1/${3%-*}.pem"
  cp "$vectors/$4" "$1"
}
folder milan ark-milan ask-milan azure-milan-2024/vcek.pem
folder vlek ark-milan asvk-milan aws-milan-vlek/vlek.der
folder turin ark-turin ask-turin turin-vcek/vcek.der

check "azure-milan-2023, the chain" exits 0 "$snpnv" verify certs "$vectors/azure-milan-2023" --at $at
check "by AMD's root" grep -q '^PASS chain.root_pinned — pinned root' out
check "azure-milan-2024, the chain" exits 0 "$snpnv" verify certs milan --at $at
check "the envelope" exits 0 "$snpnv" verify envelope milan "$vectors/azure-milan-2024/nv-01400001.bin" --at $at \
  --user-data "$(printf '00%.0s' {1..64})"
check "with other user data" rejected_by binding.user_data "$snpnv" verify envelope milan \
  "$vectors/azure-milan-2024/nv-01400001.bin" --at $at --user-data 01
evidence=("$snpnv" verify evidence "$vectors/azure-milan-evidence-v1/evidence.json" --certs milan --at "$at")
challenge=$(printf challenge | od -An -tx1 | tr -d ' \n')
check "azure-milan-evidence-v1" exits 0 "${evidence[@]}" --nonce "$challenge" --allow-old-evidence
check "by all checks of the quote" [ "$(grep -c '^PASS quote\.' out)" -eq 6 ]
check "replayed" rejected_by quote.nonce "${evidence[@]}" --nonce 00 --allow-old-evidence
check "whose report may be of any time" rejected_by binding.user_data "${evidence[@]}" --nonce "$challenge"
# A test root of AMD's name beside AMD's takes nothing away from it.
check "with a test root too" exits 0 "${evidence[@]}" --root "$tests/pki/milan/ark.pem"
rm milan/ark.pem
check "and where only the program has AMD's" exits 0 "${evidence[@]}" --root "$tests/pki/milan/ark.pem"
check "azure-tdx is refused" exits 1 "$snpnv" verify envelope milan "$vectors/azure-tdx/nv-01400001.bin" --user-data 00
check "with its type" grep -q 'report_type 4 (TDX)' err
check "aws-milan-vlek" exits 0 "$snpnv" verify attestation vlek "$vectors/aws-milan-vlek/report.bin" --at $at
check "without hwID" grep -q '^SKIP vek.hwid' out
check "a year later" rejected_by chain.validity \
  "$snpnv" verify attestation vlek "$vectors/aws-milan-vlek/report.bin" --at 2026-06-01T00:00:00Z
check "turin-vcek" exits 0 "$snpnv" verify certs turin --at $at
check "and its extensions" exits 0 "$snpnv" display cert turin/vcek.der
check "fmcSPL and 8 octets of hwID" [ "$(grep -Ec '^(fmcSPL +0|hwID +1e550a8ee5cf9f4d)$' out)" -eq 2 ]
summary
