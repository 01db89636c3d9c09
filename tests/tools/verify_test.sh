#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh report to a verdict, and the verdict on evidence that was tampered with.
pki=$(cd "$(dirname "$0")/../pki/milan" && pwd)
. "$(dirname "$0")/lib.sh"

# flip FILE OFFSET: inverts one octet.
flip() {
  local octet
  octet=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\x$(printf %02x $((255 - octet)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
# rejected_by CHECK COMMAND...: it alone fails.
rejected_by() {
  local wanted=$1
  shift
  exits 1 "$@" && [ "$(tail -n 1 out)" = "REJECTED: $wanted" ] &&
    [ "$(grep '^FAIL' out | cut -d' ' -f2)" = "$wanted" ]
}

start_paravisor
user_data user verify
check "a fresh report" exits 0 "$snpnv" report report user --envelope envelope --claims claims
mkdir certs der vlek
cp "$pki"/{ark,ask,vcek}.pem certs
for name in ark ask vcek; do openssl x509 -in "$pki/$name.pem" -outform DER -out "der/$name.der"; done
cp "$pki"/{ark,asvk,vlek}.pem vlek

check "a root of one's own is not trusted by itself" rejected_by chain.root_pinned "$snpnv" verify certs certs
check "with --root it is" exits 0 "$snpnv" verify certs certs --root "$pki/ark.pem"
check "and the verdict says so" grep -q "^PASS chain.root_pinned — additional root, not AMD's" out
check "DER" exits 0 "$snpnv" verify certs der --root "$pki/ark.pem"
check "VLEK" exits 0 "$snpnv" verify certs vlek --root "$pki/ark.pem"
check "a revocation list" exits 0 "$snpnv" verify certs certs --root "$pki/ark.pem" --crl "$pki/crl.pem"
check "is checked" grep -q '^PASS chain.revocation' out
# All lists of all files count; one of the ARK's must be there.
serial() { openssl x509 -in "$pki/ask.pem" -noout -serial | cut -d= -f2; }
crl_by() { # FOLDER REVOKED...: a list by its ARK
  local folder=$1
  shift
  : >index
  echo 01 >crlnumber
  for revoked in "$@"; do printf 'R\t490101000000Z\t250101000000Z\t%s\tunknown\t/CN=revoked\n' "$revoked" >>index; done
  printf '[ca]\ndefault_ca=own\n[own]\ndatabase=index\ncrlnumber=crlnumber\ndefault_md=sha384\n' >ca.conf
  openssl ca -config ca.conf -gencrl -cert "$folder/ark.pem" -keyfile "$folder/ark.key" -crldays 7300 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 2>/dev/null
}
crl_by "$pki" "$(serial)" >revoking.pem
crl_by "$pki/../genoa" >genoa.pem
crl_by "$pki/../other" "$(serial)" >others.pem
cat "$pki/crl.pem" revoking.pem >both.pem
for list in revoking genoa; do openssl crl -in $list.pem -outform der -out $list.der; done
openssl crl -in "$pki/crl.pem" -outform der -out good.der
cat good.der revoking.der >both.der
for lists in "revoking.pem" "both.pem" "both.der" "$pki/crl.pem --crl revoking.pem" "revoking.der --crl good.der" \
  "genoa.pem --crl both.pem"; do
  # shellcheck disable=SC2086 # options are words
  check "the ASK is revoked by $lists" rejected_by chain.revocation \
    "$snpnv" verify certs certs --root "$pki/ark.pem" --crl $lists
  check "and that is what it says" grep -q '^FAIL chain.revocation .*revoked' out
done
cat genoa.pem "$pki/crl.pem" others.pem >all.pem
for lists in "all.pem" "genoa.der --crl $pki/crl.pem" "good.der --crl genoa.pem"; do
  # shellcheck disable=SC2086
  check "of several, the ARK's counts: $lists" exits 0 "$snpnv" verify certs certs --root "$pki/ark.pem" --crl $lists
done
check "another product's list is none" rejected_by chain.revocation \
  "$snpnv" verify certs certs --root "$pki/ark.pem" --crl genoa.pem
check "and the check names its issuer" grep -q '^FAIL chain.revocation .*expected ARK-Milan, found ARK-Genoa' out
# All roots of all files count.
cat "$pki/../genoa/ark.pem" "$pki/ark.pem" >roots.pem
openssl x509 -in "$pki/ark.pem" -outform der -out root.der
check "a bundle of roots" exits 0 "$snpnv" verify certs certs --root roots.pem
check "in DER" exits 0 "$snpnv" verify certs certs --root root.der
check "a bundle without the right one" rejected_by chain.root_pinned "$snpnv" verify certs certs --root "$pki/../genoa/ark.pem"
cat "$pki/ark.pem" revoking.pem >mixed.pem
check "a bundle with something else in it" exits 3 "$snpnv" verify certs certs --root mixed.pem
# Nothing of a bundle is passed over in silence: it might be the list that revokes.
cat "$pki/crl.pem" revoking.der >pem-der
cat revoking.der "$pki/crl.pem" >der-pem
sed 's/X509 CRL/CRL/' revoking.pem | cat "$pki/crl.pem" - >labels
sed 's/X509 CRL/x509 crl/' revoking.pem | cat "$pki/crl.pem" - >lower-case
for list in pem-der der-pem labels lower-case; do
  check "a list that would be read in part: $list" exits 3 "$snpnv" verify certs certs --root "$pki/ark.pem" --crl $list
done
sed '0,/^M/!{0,/^M/s/^M/!/}' roots.pem >damaged.pem
check "a bundle with a damaged block" exits 3 "$snpnv" verify certs certs --root damaged.pem
# An empty list must not count as none.
printf -- '-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n' >empty.pem
for list in /dev/null empty.pem "$pki/ark.pem"; do
  check "$list is no revocation list" exits 3 "$snpnv" verify certs certs --root "$pki/ark.pem" --crl "$list"
done
for content in '' 'junk' '-----BEGIN CERTIFICATE-----' "$(printf -- '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----')"; do
  rm -rf damaged && cp -r certs damaged && printf %s "$content" >damaged/vcek.pem
  check "a VCEK that is '$content' is rejected" exits 1 "$snpnv" verify certs damaged --root "$pki/ark.pem"
done
rm damaged/vcek.pem
check "none is a file that failed" exits 3 "$snpnv" verify certs damaged --root "$pki/ark.pem"
check "another root does not help" rejected_by chain.root_pinned \
  "$snpnv" verify certs certs --root "$pki/../genoa/ark.pem"
check "expired" rejected_by chain.validity \
  "$snpnv" verify certs certs --root "$pki/ark.pem" --at 2050-01-01T00:00:00Z
check "long before it was made" rejected_by chain.validity \
  "$snpnv" verify certs certs --root "$pki/ark.pem" --at 1970-01-01T00:00:10Z
if grep -q __asan_init "$snpnv" || ! grep -q INTERP < <(readelf -lW "$snpnv"); then
  echo "SKIPPED: the clock is set back by a library that is loaded first, which this build does not take" >&2
else
  cc -shared -fPIC -xc -o clock.so - <<<'long time(long *out) { if (out) *out = 10; return 10; }'
  check "a clock that was never set" exits 3 \
    env LD_PRELOAD=./clock.so "$snpnv" verify certs certs --root "$pki/ark.pem"
  check "is called that" grep -q '^snpnv: clock: the clock is not set' err
  check "and does not matter where the time is given" exits 0 \
    env LD_PRELOAD=./clock.so "$snpnv" verify certs certs --root "$pki/ark.pem" --at 2026-01-01T00:00:00Z
fi
check "not a time" exits 2 "$snpnv" verify certs certs --at yesterday
rm certs/ark.pem
check "without an ARK, AMD's of that name does not carry it" exits 1 "$snpnv" verify certs certs
check "and says so" grep -q '^REJECTED: chain.intermediate_signature$' out
check "--root stands in for it" exits 0 "$snpnv" verify certs certs --root "$pki/ark.pem"
# Roots of one name are told apart by their keys, as a test root and AMD's must be.
check "of two with one name the one that signed" exits 0 \
  "$snpnv" verify certs certs --root "$pki/../other/ark.pem" --root "$pki/ark.pem"
check "in any order" exits 0 "$snpnv" verify certs certs --root "$pki/ark.pem" --root "$pki/../other/ark.pem"
check "the other one alone does not carry it" rejected_by chain.intermediate_signature \
  "$snpnv" verify certs certs --root "$pki/../other/ark.pem"

root=(--root "$pki/ark.pem")
check "the report" exits 0 "$snpnv" verify attestation certs report "${root[@]}"
check "verified" [ "$(tail -n 1 out)" = VERIFIED ]
check "says how to turn on what it skipped" \
  grep -q '^SKIP policy.vmpl — not asked for; --vmpl N turns it on' out
check "with claims and user data" exits 0 "$snpnv" verify attestation certs report "${root[@]}" \
  --claims claims --user-data @user --vmpl 0
check "quiet" exits 0 "$snpnv" -q verify attestation certs report "${root[@]}"
check "is one word" [ "$(cat out)" = VERIFIED ]
check "the envelope" exits 0 "$snpnv" verify envelope certs envelope --user-data @user "${root[@]}"
check "proves claims and user data" [ "$(grep -c '^PASS binding' out)" -eq 2 ]
check "other user data" rejected_by binding.user_data \
  "$snpnv" verify envelope certs envelope --user-data 00 "${root[@]}"
check "other claims" rejected_by binding.claims_digest \
  "$snpnv" verify attestation certs report "${root[@]}" --claims user
check "a policy option" rejected_by policy.measurement \
  "$snpnv" verify attestation certs report "${root[@]}" -m "$(printf '00%.0s' {1..48})"
echo '{"min_tcb":{"reported":{"snp":255}}}' >policy
check "a policy file" rejected_by policy.min_tcb \
  "$snpnv" verify attestation certs report "${root[@]}" --policy policy
echo '{"vmlp":0}' >policy
check "a policy file with a misspelt member" exits 3 \
  "$snpnv" verify attestation certs report "${root[@]}" --policy policy
check "a scope leaves nothing out silently" exits 2 \
  "$snpnv" verify attestation certs report "${root[@]}" -s --vmpl 1
check "a policy's value and another one by option" exits 2 \
  "$snpnv" verify attestation certs report "${root[@]}" --policy <(echo '{"vmpl":1}') --vmpl 0
# What is given and asks for nothing must not pass for something that was met.
for nothing in '{"min_tcb":{}}' '{"min_tcb":{"reported":{}}}' '{"platform_info":{"required":[]}}' '{"pcrs":{}}' \
  '{"mitigations":{"current":0}}' '{"min_firmware":{}}' '{"vm_configuration":{}}' '{"measurement":[]}'; do
  check "$nothing asks for nothing" exits 3 \
    "$snpnv" verify attestation certs report "${root[@]}" --policy <(echo "$nothing")
done
for option in mitigations=0 launch-mitigations=0x0 platform-info= min-tcb= measurement= user-data= min-firmware=; do
  check "--$option asks for nothing" exits 2 "$snpnv" verify attestation certs report "${root[@]}" --claims claims "--$option"
done
for contradiction in "--min-tcb snp=255,snp=0" "--vm-configuration secure-boot=false --secure-boot" \
  "--vm-configuration tpm-enabled=true --vm-configuration tpm-enabled=false"; do
  # shellcheck disable=SC2086
  check "$contradiction" exits 2 "$snpnv" verify attestation certs report "${root[@]}" --claims claims $contradiction
  check "is called that" grep -q 'already\|two values' err
done
check "signature only" exits 0 "$snpnv" verify attestation certs report "${root[@]}" -s
check "TCB only" exits 0 "$snpnv" verify attestation certs report "${root[@]}" -t
check "which is of this chip" grep -q '^PASS vek.hwid' out
check "both" exits 0 "$snpnv" verify attestation certs report "${root[@]}" -t -s
check "are both" [ "$(grep -Ec '^PASS (report.signature|vek.tcb) ' out)" -eq 2 ]
check "the wrong chain" rejected_by chain.root_pinned "$snpnv" verify attestation vlek report

check "JSON" exits 0 "$snpnv" --json verify attestation certs report "${root[@]}"
check "is JSON, and complete" python3 - out <<'PYTHON'
import json, sys
verdict = json.load(open(sys.argv[1]))
assert verdict["verified"] is True and verdict["rejected_by"] is None
assert verdict["root"] == "additional" and verdict["product"] == "Milan"
assert {c["outcome"] for c in verdict["checks"]} == {"pass", "skip"}
PYTHON

flip report 80
check "one octet of REPORT_DATA changed" rejected_by report.signature \
  "$snpnv" verify attestation certs report "${root[@]}"
flip report 80
flip report 1183
check "one octet behind S changed" rejected_by report.signature_padding \
  "$snpnv" verify attestation certs report "${root[@]}"
head -c 1183 report >short
check "a report cut off is rejected" exits 1 "$snpnv" verify attestation certs short "${root[@]}"
check "an envelope that is none is rejected" exits 1 \
  "$snpnv" verify envelope certs report --user-data @user "${root[@]}"
check "no such report" exits 3 "$snpnv" verify attestation certs missing "${root[@]}"

check "a certificate is shown" exits 0 "$snpnv" display cert "$pki/vcek.pem"
check "with AMD's extensions" grep -Eq '^ucodeSPL +219$' out
check "and as JSON" exits 0 "$snpnv" --json display cert "$pki/vcek.pem"
check "in snake case" grep -q '"ucode_spl":219[,}]' out

summary
