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
provider signature
check "another signature" exits 1 "${ask[@]}"
check "is named" says crypto_signature
stop "$server"
provider keys
check "a key of nobody" exits 1 "${ask[@]}"
check "is named" says token_key
stop "$server"
provider refuse
check "evidence that is refused" exits 1 "${ask[@]}"
check "with the reason" says 'HTTP status 400: .*the report is not acceptable'
check "is not sent again" [ "$(grep -c POST maa.lines)" -eq 1 ]
stop "$server"
provider busy
check "a busy provider" exits 0 "${ask[@]}"
check "is asked again" [ "$(grep -c POST maa.lines)" -eq 2 ]
stop "$server"
provider silence
check "a silent one ends in time" given_time 1 3 io_deadline "${ask[@]}"
stop "$server"
check "none" exits 2 "$snpnv" maa
check "one without TLS" exits 2 "$snpnv" maa --url http://127.0.0.1
summary
