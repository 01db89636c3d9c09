#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# snpnv quote, evidence and verify evidence, each part also judged by tpm2-tools and openssl alone.
pki=$(cd "$(dirname "$0")/../pki" && pwd)
. "$(dirname "$0")/lib.sh"
start_paravisor
tpm2_readpublic -Q -c 0x81000003 -f pem -o ak.pem
tpm2_pcrextend 4:sha256="$(printf '11%.0s' $(seq 32))"

for pcrs in sha256:0-23 sha256:0,4,7 sha384:4; do
  check "quote of $pcrs" exits 0 "$snpnv" quote quoted --nonce 0x00ff --pcrs "$pcrs"
  hash=${pcrs%%:*}
  check "tpm2_checkquote accepts $pcrs" tpm2_checkquote -Q -u ak.pem -m quoted/message -s quoted/signature \
    -f quoted/pcrs -q 00ff
  check "and refuses another nonce" bash -c '! tpm2_checkquote -Q -u ak.pem -m quoted/message -s quoted/signature -f quoted/pcrs -q 00fe 2>/dev/null'
done
list=$(seq -s, 0 23)
exits 0 "$snpnv" quote quoted --nonce 00ff
tpm2_quote -Q -c 0x81000003 -l "sha256:$list" -q 00ff -m message -s signature -o pcrs
check "the PCR file is the one that tpm2_quote writes" cmp -s pcrs quoted/pcrs
check "a nonce of 51 octets is refused" exits 2 "$snpnv" quote none --nonce "$(printf '00%.0s' $(seq 51))"
check "with the reason" grep -q '1 to 50 octets' err
check "and nothing is written" [ ! -e none ]
for bad in sha256 sha256: sha256:24 sha256:3-1 md5:0 sha1:0+sha256:1 ''; do
  check "--pcrs $bad is refused" exits 2 "$snpnv" quote none --nonce 00 --pcrs "$bad"
done

nonce=$(printf 'a5%.0s' $(seq 48))
judge() { "$snpnv" verify evidence evidence.json --certs "$state" --root "$state/ark.pem" "$@"; }
check "evidence" exits 0 "$snpnv" evidence evidence.json --nonce "$nonce" --vcek "$state/vcek.pem"
pcr4=$(tpm2_pcrread sha256:4 | sed -n 's/.*4 *: 0x//p' | tr 'A-F' 'a-f')
check "verifies" exits 0 judge --nonce "$nonce" --pcr "4=$pcr4" --pcr "0=$(printf '0%.0s' $(seq 64))"
check "with the user data bound too" grep -q '^PASS binding.user_data' out
check "and every check of the quote" [ "$(grep -c '^PASS quote\.' out)" -eq 6 ]
printf '{"pcrs":{"4":"%s"}}' "$pcr4" >policy.json
check "with PCRs in a policy file too" exits 0 judge --policy policy.json
check "which is a check" grep -q '^PASS policy.pcrs' out
check "that a report without a quote cannot pass" exits 1 "$snpnv" verify envelope "$state" \
  <(jq -r .hcl_report evidence.json | tr '_-' '/+' | openssl base64 -d -A) --root "$state/ark.pem" \
  --user-data "$nonce" --policy policy.json
check "and says so" grep -q '^FAIL policy.pcrs' out
check "without a nonce that check is skipped" exits 0 judge
check "and says so" grep -q '^SKIP quote.nonce .*--nonce HEX turns it on' out
check "a replay is rejected" exits 1 judge --nonce "$(printf 'a6%.0s' $(seq 48))"
check "by the user data first" grep -q '^REJECTED: binding.user_data' out
check "and by the nonce" grep -q '^FAIL quote.nonce' out
check "another PCR value is rejected" exits 1 judge --pcr "4=$(printf '0%.0s' $(seq 64))"
check "by name" grep -q '^REJECTED: policy.pcrs' out
check "json" exits 0 judge --json
check "of one object" jq -e '.verified and (.checks | map(select(.name == "quote.signature").outcome) == ["pass"])' out
check "without --root it is rejected" exits 1 "$snpnv" verify evidence evidence.json --certs "$state"
check "by the root" grep -q '^REJECTED: chain.root_pinned' out
for order in "$pki/other|$state" "$state|$pki/other"; do
  check "of two issuers with one name the one that signed" exits 0 "$snpnv" verify evidence evidence.json \
    --root "$state/ark.pem" --certs "${order%|*}" --certs "${order#*|}"
done
check "from a pipe" exits 0 bash -c 'cat evidence.json | "$1" verify evidence - --certs "$2" --root "$2/ark.pem"' - \
  "$snpnv" "$state"
check "display" exits 0 "$snpnv" display evidence evidence.json
check "display names the PCRs" grep -qx 'pcr_select  *sha256:ffffff' out
check "shows the nonce" grep -q "$nonce" out

# Init data, as the guest measures them: SHA-256, -384 and -512 digests, cut to the size of the bank.
init_data=$(printf 'c7%.0s' $(seq 32))
check "init data that were not measured" exits 1 judge --init-data "$init_data"
check "are rejected by name" grep -q '^REJECTED: policy.pcrs' out
tpm2_pcrextend "8:sha256=$init_data"
exits 0 "$snpnv" evidence measured.json --random --vcek "$state/vcek.pem"
for tail in '' "$(printf '11%.0s' $(seq 16))" "$(printf '22%.0s' $(seq 32))"; do
  check "init data in PCR 8, a digest of $(((64 + ${#tail}) / 2)) octets" exits 0 "$snpnv" verify evidence measured.json \
    --certs "$state" --root "$state/ark.pem" --init-data "$init_data$tail"
done
check "no digest" exits 2 judge --init-data 00

# Each part alone, with other people's programs.
jq -r .tpm_quote.message evidence.json | tr -d '\n' | perl -pe '$_=pack"H*",$_' >message
jq -r .tpm_quote.signature evidence.json | tr -d '\n' | perl -pe '$_=pack"H*",$_' >signature
jq -r '.tpm_quote.pcrs | join("")' evidence.json | tr -d '\n' | perl -pe '$_=pack"H*",$_' >values
check "the message is signed by the AK" openssl dgst -sha256 -verify ak.pem -signature signature message
check "and holds the digest of the PCRs" grep -q "$(openssl dgst -sha256 -r values | cut -c1-64)" \
  <(od -An -v -tx1 message | tr -d ' \n')
check "24 PCRs" [ "$(stat -c %s values)" -eq 768 ]
check "the VCEK is the platform's" cmp -s <(openssl x509 -in "$state/vcek.pem" -outform der) \
  <(jq -r .vcek evidence.json | tr '_-' '/+' | openssl base64 -d -A)
jq -r .hcl_report evidence.json | tr '_-' '/+' | openssl base64 -d -A >envelope
check "the envelope verifies alone" exits 0 "$snpnv" verify envelope "$state" envelope --root "$state/ark.pem" \
  --user-data "$nonce"

# One change at a time.
changed() { # WHAT CHECK JQ-PROGRAM
  jq -c "$3" evidence.json >changed.json
  check "$1 is rejected" exits 1 "$snpnv" verify evidence changed.json --certs "$state" --root "$state/ark.pem"
  check "$1: by $2" grep -q "^REJECTED: $2\$" out
}
changed "a PCR changed" quote.pcr_digest '.tpm_quote.pcrs[3] = "ff" * 32'
changed "the PCR list shortened" quote.pcr_selection '.tpm_quote.pcrs |= .[:23]'
changed "the PCR list lengthened" quote.pcr_selection '.tpm_quote.pcrs += ["00" * 32]'
changed "the quote's signature by a longer key" quote.signature '.tpm_quote.signature |= . + .'
changed "a signature of zeros" quote.signature '.tpm_quote.signature = "00" * 256'
changed "the message cut" quote.magic '.tpm_quote.message |= .[:-2]'
state1=$state
start_paravisor --seed 2
exits 0 "$snpnv" evidence other.json --nonce "$nonce" --vcek "$state/vcek.pem"
jq -c --slurpfile other other.json '.hcl_report = $other[0].hcl_report' evidence.json >mixed.json
check "claims of another machine are rejected" exits 1 "$snpnv" verify evidence mixed.json --certs "$state1" \
  --root "$state1/ark.pem"
check "by the quote's signature" grep -q '^REJECTED: quote.signature' out
jq -c '.version = 3' evidence.json >newer.json
check "an unknown version is rejected" exits 1 "$snpnv" verify evidence newer.json --certs "$state1"
check "with its name" grep -q evidence_version err

cat "$state/vcek.pem" "$state/ask.pem" "$state/ark.pem" >chain.pem
check "a request body for MAA" exits 0 "$snpnv" evidence maa.json --random --format maa --vcek chain.pem
base64url() { tr '_-' '/+' | perl -pe 'chomp; $_ .= "=" x (-length($_) % 4)' | openssl base64 -d -A; }
check "holds claims that the report binds" binds <(jq -r .report maa.json | base64url | jq -r .SnpReport | base64url) \
  <(jq -r .runtimeData.data maa.json | base64url)
check "and the chain" cmp -s chain.pem <(jq -r .report maa.json | base64url | jq -r .VcekCertChain | base64url)
check "a bank that this vTPM has not" exits 3 "$snpnv" quote none --nonce 00 --pcrs sha512:0
check "is said to be so" grep -q 'no PCR bank of this algorithm.*: sha512' err
check "raw parts" exits 0 "$snpnv" evidence parts --random --format dir
check "without a warning" [ ! -s err ]
check "the certificate of the key" openssl x509 -in parts/ak_cert.der -noout
check "are all there" [ -s parts/report.bin -a -s parts/claims.json -a -s parts/hcl_report.bin -a -s parts/message ]
check "and bound" binds parts/report.bin parts/claims.json
tpm2_readpublic -Q -c 0x81000003 -f pem -o ak.pem
check "the AK certificate is for that key" cmp -s <(openssl pkey -pubin -in ak.pem -outform der) \
  <(openssl x509 -inform der -in parts/ak_cert.der -pubkey -noout | openssl pkey -pubin -outform der)
tpm2_print -t TPMS_ATTEST parts/message >attest
check "the quote is good by tpm2_checkquote" tpm2_checkquote -Q -u ak.pem -m parts/message -s parts/signature \
  -f parts/pcrs -q "$(sed -n 's/^extraData: //p' attest)"
check "the chain by openssl" openssl verify -CAfile "$state/ark.pem" -untrusted "$state/ask.pem" "$state/vcek.pem"
# R and S stand in the report as little-endian numbers.
number() { od -An -v -tx1 -j "$1" -N 48 parts/report.bin | tr -d ' \n' | fold -w2 | tac | tr -d '\n'; }
printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(number 672)" "$(number 744)" >asn1
openssl asn1parse -genconf asn1 -noout -out report.signature
check "and the report's signature" openssl dgst -sha384 -verify <(openssl x509 -in "$state/vcek.pem" -noout -pubkey) \
  -signature report.signature <(head -c 672 parts/report.bin)

# The certificate is judged before anything is written.
refused() { # WHAT CODE FILE [OPTION...]
  check "--vcek: $1 is refused" exits 3 "$snpnv" evidence refused.json --random --vcek "$3" "${@:4}"
  check "--vcek: $1: by name" grep -q "$2" err
  check "--vcek: $1: nothing is written" [ ! -e refused.json ]
}
printf '404 - Not Found' >404
cat "$state/ask.pem" "$state/ark.pem" >issuers.pem
cat "$state/vcek.pem" issuers.pem >chain.pem
cat "$pki/milan/vcek-other-chip.pem" issuers.pem >other-chip.pem
cat "$state/vcek.pem" "$pki/genoa/ask.pem" "$pki/genoa/ark.pem" >genoa-issuers.pem
cat "$state/vcek.pem" "$state/ark.pem" "$state/ask.pem" >reversed.pem
cat chain.pem "$state/ark.pem" >four.pem
refused "an error page" 'text, neither PEM nor DER' 404
cat "$state/ark.pem" "$state/ask.pem" "$state/vcek.pem" >backwards.pem
refused "the root first" 'the order is VCEK, ASK, ARK' backwards.pem
refused "the ARK" chain.roles "$state/ark.pem"
refused "the ASK" 'chain[.]' issuers.pem
refused "another chip's" vek.hwid "$pki/milan/vcek-other-chip.pem"
refused "another chip's with its issuers" vek.hwid other-chip.pem
refused "another TCB's" vek.tcb "$pki/milan/vcek-other-tcb.pem"
refused "another product's" chain.roles "$pki/genoa/vcek.pem"
refused "another product's issuers" 'chain[.]' genoa-issuers.pem
refused "issuers in another order" 'chain[.]' reversed.pem
refused "a fourth certificate" chain.roles four.pem
refused "no ASK for MAA" 'no ASK' "$state/vcek.pem" --format maa
head -c "$(($(stat -c %s "$state/vcek.pem") + $(stat -c %s "$state/ask.pem")))" chain.pem >without-ark.pem
refused "no ARK for MAA" 'no ARK' without-ark.pem --format maa
check "a root that is not AMD's gets a warning" exits 0 "$snpnv" evidence whole.json --random --vcek chain.pem
check "that says so" grep -q 'neither AMD' err
check "and none with --root" exits 0 "$snpnv" evidence whole.json --random --vcek chain.pem --root "$state/ark.pem"
check "at all" [ ! -s err ]
check "two origins are wrong usage" exits 2 "$snpnv" evidence none.json --random --vcek chain.pem --source kds


# The same VCEK from the sources of fetch, within the time of the command.
start_paravisor --http 127.0.0.1:0 --https 127.0.0.1:0
sources=(--ca-file "$pki/https/ca.pem" --root "$state/ark.pem")
for options in "--source platform --platform-url $https" "--source kds --kds-url $https" "--store store --kds-url $https --platform-url $https" \
  "--source store --store store"; do
  read -ra source <<<"$options"
  check "evidence by $options" exits 0 "$snpnv" evidence fetched.json --nonce "$nonce" --timeout 60 "${source[@]}" "${sources[@]}"
  check "by $options: verifies" exits 0 "$snpnv" verify evidence fetched.json --certs "$state" --root "$state/ark.pem" --nonce "$nonce"
  check "by $options: for MAA" exits 0 "$snpnv" evidence fetched.maa --random --format maa --timeout 60 "${source[@]}" "${sources[@]}"
  cat "$state/vcek.pem" "$state/ask.pem" "$state/ark.pem" >chain.pem
  check "by $options: the whole chain" cmp -s chain.pem <(jq -r .report fetched.maa | base64url | jq -r .VcekCertChain | base64url)
done
check "and in a folder" exits 0 "$snpnv" evidence fetched --random --format dir --source store --store store "${sources[@]}"
check "is the platform's" cmp -s <(openssl x509 -in "$state/vcek.pem" -outform der) fetched/vcek.der
check "without --root it is refused" exits 3 "$snpnv" evidence none.json --random --source platform --platform-url "$https" \
  --ca-file "$pki/https/ca.pem"
check "by the root" grep -q chain.root_pinned err
check "a source that is none is wrong usage" exits 2 "$snpnv" evidence none.json --random --source elsewhere
check "nothing is written" [ ! -e none.json ]
start_paravisor --https 127.0.0.1:0 --fault http-slow
check "a source that does not answer in time is given up" given_time 3 3 io_deadline "$snpnv" evidence none.json --random \
  --source kds --kds-url "$https" --ca-file "$pki/https/ca.pem"
check "and nothing is written" [ ! -e none.json ]

# Another key than the claims name, at the handle of the attestation key.
start_paravisor
tpm2_readpublic -Q -c 0x81000003 -o named.pub
another_key() { # SCHEME
  tpm2_evictcontrol -Q -C o -c 0x81000003
  tpm2_createprimary -Q -C o -G "$1" -c another.ctx \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign'
  tpm2_evictcontrol -Q -C o -c another.ctx 0x81000003
  tpm2_flushcontext -Q -t
}
check "probe is complete" exits 0 "$snpnv" probe --json
for scheme in rsa2048:rsassa-sha256:null rsa2048:rsapss-sha256:null ecc256:ecdsa-sha256:null; do
  another_key "$scheme"
  check "evidence by another key, $scheme, is refused" exits 3 "$snpnv" evidence none.json --random --vcek "$state/vcek.pem"
  case $scheme in  # of another kind it cannot be the paravisor's, so it was not made anew
    *rsassa*) name=quote_key cause='replaced by another program, or made anew' ;;
    *) name=quote_scheme cause='replaced by another program$' ;;
  esac
  check "$scheme: by name" grep -q "0x81000003 .*($name)" err
  check "$scheme: with the cause" grep -q "^hint: .*$cause" err
  check "$scheme: nothing is written" [ ! -e none.json ]
  check "$scheme: probe is not complete" exits 3 "$snpnv" probe --json
  check "$scheme: and says so" jq -e '.complete == false' out
done
summary
