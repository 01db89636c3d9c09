#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A token of an attestation provider: that it is checked, and what is said where it is not good.
. "$(dirname "$0")/services.sh"

openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=Attestation -keyout signer.key -out signer.pem -days 2 2>openssl.log ||
  exit 1
serve milan --interval-ms 200
# provider FAULT: asks it in `ask`
provider() {
  start_server maa "$tools/maa.py" "$pki/https/server.pem" "$pki/https/server.key" signer.pem signer.key "${1:-}"
  ask=("$snpnv" -T "${tcti[milan]}" maa --url "$maa" "${authority[@]}" --source platform
    --platform-url "${url[milan.http]}" "${root[@]}")
}
payload() { # FILE
  python3 -c 'import base64, sys; print(base64.urlsafe_b64decode(sys.argv[1].split(".")[1] + "===").decode())' "$(<"$1")"
}

provider
check "a token" exits 0 "${ask[@]}" --nonce 0102
check "is three parts in one line" grep -qE '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$' out
payload out >payload
check "for this nonce" jq -e '."x-ms-runtime"."user-data" | startswith("010200")' payload >/dev/null
check "to a file" exits 0 "${ask[@]}" --out token
check "has it" grep -q '\.' token
check "and says nothing" [ ! -s out ]
check "JSON" exits 0 "${ask[@]}" --json --random
check "is one object" jq -e '(.nonce | length) == 96 and (.token | split(".") | length) == 3' out >/dev/null
cat milan/vcek.pem milan/ask.pem milan/ark.pem >chain.pem
check "the chain from a file" exits 0 "$snpnv" -T "${tcti[milan]}" maa --url "$maa" "${authority[@]}" --vcek chain.pem "${root[@]}"
check "a VCEK without issuers" exits 3 "$snpnv" -T "${tcti[milan]}" maa --url "$maa" "${authority[@]}" \
  --vcek milan/vcek.pem "${root[@]}"
check "an address that is another issuer" exits 1 "${ask[@]/127.0.0.1/127.1}"
check "is named" says 'its token: .*iss'
stop "$server"
for claim in iss nbf exp x-ms-attestation-type x-ms-compliance-status x-ms-sevsnpvm-reportdata \
  x-ms-sevsnpvm-launchmeasurement x-ms-sevsnpvm-is-debuggable x-ms-sevsnpvm-vmpl x-ms-runtime; do
  provider "$claim"
  check "another $claim" exits 1 "${ask[@]}" --out "$claim.out"
  check "$claim is named" says "its token: .*$claim"
  check "$claim: no token" [ ! -e "$claim.out" ]
  check "$claim: a token unchecked" exits 0 "${ask[@]}" --no-verify-token
  stop "$server"
done

# The paravisor's provider, which verifies what it is sent. emulated NAME OPTION...
emulated() {
  local line
  start_server line "$paravisor_program" --state "$1" --listen 127.0.0.1:0 --http 127.0.0.1:0 --maa 127.0.0.1:0 \
    --interval-ms 200 "${@:2}"
  pid[$1]=$server
  maa=$(sed -n 's/.* maa=\([^ ]*\).*/\1/p' <<<"$line")
  [ -n "$maa" ] || { echo "FAILED: $1 did not get ready" >&2; exit 1; }
  ask=("$snpnv" -T "$(sed -n 's/^ready tcti=\([^ ]*\) .*/\1/p' <<<"$line")" maa --url "$maa" --ca-file "$1/https-ca.pem"
    --source platform --platform-url "$(sed -n 's/.* http=\([^ ]*\).*/\1/p' <<<"$line")" "${root[@]}")
}
# fault NAME STATUS WORDS
fault() {
  emulated "$1" --fault "$1"
  check "$1" exits "$2" "${ask[@]}" --out "$1.out"
  check "$1: is named" says "$3"
  check "$1: gives nothing" [ ! -e "$1.out" ]
  end "$1"
}
emulated good
check "a token of the paravisor's" exits 0 "${ask[@]}" --out token
cut -d. -f1,2 token | tr -d '\n' >signed
cut -d. -f3 token | tr -- '-_' '+/' | sed 's/$/==/' | base64 -di >signature
openssl x509 -in "$pki/https/attestation.pem" -noout -pubkey >signer.pub
check "is signed, as openssl finds" exits 0 openssl dgst -sha256 -verify signer.pub -signature signature signed
check "is asked for, and its keys" eval '[ "$(cat good/maa.log)" = "POST /attest/SevSnpVm?api-version=2022-08-01 200
GET /certs 200" ]'
end good
emulated judge --fault bad-signature
check "a report that is not signed" exits 1 "${ask[@]}" --no-verify-token
check "is refused by the check's name" says 'HTTP status 400: .*report.signature'
end judge
fault maa-wrong-claims 1 'its token: .*x-ms-runtime.user-data'
fault maa-not-compliant 1 'its token: .*x-ms-compliance-status'
fault maa-expired 1 'its token: .*exp'
fault maa-other-key 1 token_key
fault maa-other-algorithm 1 jwe_algorithm
fault maa-bad-signature 1 crypto_signature
fault maa-refuses 1 'HTTP status 400: .*the report is not acceptable'
check "is not sent again" [ "$(grep -c POST maa-refuses/maa.log)" -eq 1 ]
fault maa-endless 3 wire_too_large
emulated busy --fault maa-429=1
check "a busy provider" exits 0 "${ask[@]}"
check "is asked again" [ "$(grep -c POST busy/maa.log)" -eq 2 ]
end busy
emulated silent --fault maa-silence
check "a silent one ends in time" given_time 1 3 io_deadline "${ask[@]}"
end silent
check "none" exits 2 "$snpnv" maa
check "one without TLS" exits 2 "$snpnv" maa --url http://127.0.0.1
summary
