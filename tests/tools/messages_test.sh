#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the program says: each message names what was given, or what is missing, and what to do.
pki=$(cd "$(dirname "$0")/../pki/milan" && pwd)
. "$(dirname "$0")/lib.sh"
export SNPNV_TCTI=replay:/nonexistent

# says STATUS TEXT ARGUMENT...: the command ends so, and TEXT is in its output or its one error.
says() {
  local status=$1 text=$2
  shift 2
  check "status of: $*" exits "$status" "$snpnv" "$@"
  check "'$text' of: $*" grep -qF -- "$text" out err
}
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; } # FILE OFFSET OCTETS

# Help.
says 0 'usage: snpnv [options] COMMAND' help
says 0 'usage: snpnv report REPORT' help report
says 0 'usage: snpnv report REPORT' -q help report
says 0 'verify attestation' help verify
check "of a group only" bash -c '! grep -q "display report" out'
says 2 'hint: did you mean report?' repot
says 2 'hint: did you mean display report?' display repot
says 2 'hint: did you mean verify?' verfy certs
says 2 'hint: did you mean report?' help repot
says 2 'hint: did you mean help?' hlep
says 2 'hint: did you mean --random?' report a b --randm
says 2 'hint: did you mean --json?' --jsno
# So do words of which an option or argument takes one.
mkdir d
head -c 1184 /dev/zero >r
says 2 'hint: did you mean pem?' fetch ca pen d milan
says 2 'hint: did you mean bergamo?' fetch ca pem d Bergano
says 2 'hint: did you mean vlek?' fetch ca pem d milan -e vlex
says 2 'hint: did you mean platform?' fetch ca pem d milan --source plattform
says 2 'hint: did you mean trustee?' evidence e --random --format truste
says 2 'hint: did you mean sha256?' quote q --nonce 00 --pcrs sha265:0
says 2 'hint: did you mean ECC_EN?' verify attestation d r --platform-info SMT_EN,EC_EN
says 2 'hint: did you mean boot_loader?' verify attestation d r --min-tcb snp=1,bootloader=3
says 2 'hint: did you mean secure-boot?' verify attestation d r --vm-configuration secure_boot=true
suggests() { # WORD OPTION VALUE
  check "paravisor: $2 $3" exits 2 "$paravisor_program" --state s "$2" "$3"
  check "paravisor: $2 $3: $1" [ "$(grep '^hint: ' err)" = "${1:+hint: $1}" ]
}
suggests 'did you mean stale-once?' --fault torn,stale_once
suggests 'did you mean refresh-fails?' --fault refresh-fail=2
suggests '--help lists them' --fault torn,foobar
suggests '' --fault refresh-fails=x
suggests 'did you mean milan?' --product milam
suggests 'did you mean azure-2024?' --profile azure-2204
suggests 'did you mean upper?' --user-data-case Upper
suggests 'did you mean on-write?' --refresh onwrite
suggests 'did you mean --fault?' --fualt torn
# So do the names in a policy file, and where all of them are listed.
where='docs/policy.md lists the members of a policy'
policy() { # TEXT HINT
  echo "$1" >policy.wrong
  says 3 "hint: $2" verify attestation d r --policy policy.wrong
  check "and nothing else: $1" grep -qx "hint: $2" err
}
policy '{"vmlp":0}' "did you mean vmpl? $where"
policy '{"min_tcb":{"report":{}}}' "did you mean reported? $where"
policy '{"min_tcb":{"reported":{"SNP":1}}}' "$where"
policy '{"platform_info":{"required":["EC_EN"]}}' "did you mean ECC_EN? $where"
policy '{"vm_configuration":{"secure_boot":true}}' "did you mean secure-boot? $where"
policy '{"boot_events":{"4":{"must-not":[]}}}' "did you mean must_not? $where"
policy '{"reported":{}}' "$where"
policy '{"vmpl":9}' "$where"
says 2 'hint: --help lists the options' report a b --xyzzy
says 2 'hint: snpnv --help lists the commands' frobnicate
mapfile -t commands < <("$snpnv" --help | sed -n '/^commands:/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p')
check "commands" [ "${#commands[@]}" -ge 13 ]
for command in "" "${commands[@]}"; do
  # shellcheck disable=SC2086
  "$snpnv" $command --help >help
  check "80 columns: $command" [ -z "$(awk 'length > 80' help)" ]
  case $command in
    "" | report | probe | quote | evidence | kbs | maa) check "$command offers -T" grep -q -- '--tcti' help ;;
    *) check "$command has no use for -T" bash -c '! grep -q -- --tcti help' ;;
  esac
done
check "80 columns: paravisor" [ -z "$("$paravisor_program" --help | awk 'length > 80')" ]
check "paravisor: not a product" exits 2 "$paravisor_program" --state s --product rome
check "its values" grep -q 'rome; NAME: milan, genoa or turin' err
says 0 '--user-data HEX|@FILE' verify envelope --help

# TCTIs.
says 3 'hint: its library, libtss2-tcti-tabrmd.so.0, is not installed' -T tabrmd report r u -r
says 3 'hint: there is no TCTI of that name' -T tabrmt:x report r u -r
says 3 'hint: port=99999: a port is a number from 1 to 65535' -T swtpm:host=127.0.0.1,port=99999 report r u -r
says 3 'hint: port=: a port' -T mssim:port=,host=127.0.0.1 report r u -r

# Files that are something else.
head -c 63 /dev/zero >short
says 3 '63 octets, a report has 1184' display report short
start_paravisor
user_data user messages
exits 0 "$snpnv" report report user --envelope envelope --claims claims || exit 1
for command in "display report" "fetch vcek pem d" "fetch ca pem d -r"; do
  # shellcheck disable=SC2086
  says 3 'an HCLA envelope, with a report in it: display envelope and verify envelope take it' $command envelope
done
says 1 'an HCLA envelope' verify attestation "$state" envelope --root "$pki/ark.pem"
{ head -c 32 /dev/zero && cat report && head -c 2784 /dev/zero; } >response
says 3 'a response of /dev/sev-guest' display report response
{ printf '\201' && head -c 1023 /dev/zero; } >tdreport
says 3 'a TDX report' display report tdreport
cp report version-129
poke version-129 0 '\0201\0\0\0'
says 0 'warning: VERSION 129 is not known: probably a TDX report' display report version-129
cp report version-6
poke version-6 0 '\006'
says 0 'warning: VERSION 6 is not known: not an SEV-SNP report, or one newer' display report version-6
cp envelope envelope-1
poke envelope-1 32 '\001'
says 3 'ATTESTATION_REPORT version not supported: 1' display envelope envelope-1
check "without a hint at this command" bash -c '! grep -q ^hint: err'
check "header and claims are shown" [ "$(grep -c '^report_type\|^vm-configuration' out)" -eq 2 ]
check "the digest too" grep -q '^digest' out
cp envelope envelope-tdx
poke envelope-tdx 1224 '\004'
says 3 'report_type 4 (TDX)' display envelope envelope-tdx
check "header and claims of that" [ "$(grep -c '^report_type\|^vm-configuration' out)" -eq 2 ]
mkdir certs
cp "$pki"/{ark,ask}.pem certs
for text in '<!DOCTYPE html><title>404</title>' '<html>' '404 - Not Found' '{"error":"busy"}'; do
  echo "$text" >certs/vcek.pem
  says 3 "$text" display cert certs/vcek.pem
  says 1 "hint: what a server said in place of a certificate" verify certs certs --root "$pki/ark.pem"
done
printf '\n <html>' >page
says 3 'HTML, neither PEM nor DER: <html>' display cert page
# PEM blocks of another kind, and several of one.
openssl genpkey -quiet -algorithm ed25519 -out key.pem
says 3 'a PEM block of X509 CRL, where CERTIFICATE is needed (pem_block)' display cert "$pki/crl.pem"
says 3 'a PEM block of CERTIFICATE, where X509 CRL is needed (pem_block)' verify certs certs --crl "$pki/ark.pem"
says 3 'a PEM block of PRIVATE KEY, where CERTIFICATE is needed (pem_block)' verify certs certs --root key.pem
cp key.pem certs/vcek.pem
says 1 'vcek.pem: a PEM block of PRIVATE KEY, where CERTIFICATE is needed (pem_block)' verify certs certs --root "$pki/ark.pem"
cat "$pki/ask.pem" "$pki/vcek.pem" >chain.pem
says 0 'SEV-VCEK' display cert chain.pem
check "both are shown" [ "$(grep -c '^subject ' out)" -eq 2 ]
says 0 '{"certificates":[{' --json display cert chain.pem
check "in one object" jq -e '.certificates | map(.subject) == ["SEV-Milan", "SEV-VCEK"]' out
cat "$pki/vcek.pem" "$pki/ask.pem" >certs/vcek.pem
says 0 'warning: certs/vcek.pem: has 2 certificates, of which the first is taken' verify certs certs --root "$pki/ark.pem"
cat "$pki/vcek.pem" page >half.pem
check "text beside a block is passed over" exits 0 "$snpnv" display cert half.pem
echo '-----BEGIN CERTIFICATE-----' >>half.pem
says 3 'a PEM block that is not ended, or is missing' display cert half.pem
check "DER is not taken for text" exits 0 "$snpnv" display cert <(openssl x509 -in "$pki/vcek.pem" -outform der)
cp "$pki/ark.pem" certs/ask.pem
cp "$pki/ask.pem" certs/ark.pem
cp "$pki/vcek.pem" certs/vcek.pem
says 1 'chain.root_pinned — ARK: a certificate that belongs below it; the order is wrong; found SEV-Milan' verify certs certs
cp "$pki"/{ark,ask}.pem certs
cp "$pki/ark.pem" certs/vcek.pem
says 1 'chain.endorsement_signature — VCEK or VLEK: a certificate that belongs above it; the order is wrong' verify certs certs \
  --root "$pki/ark.pem"
cp "$pki/vcek.pem" certs
{ cat claims && head -c 7 /dev/zero; } >padded
says 3 'they end in zeros' display claims padded
says 1 'they end in zeros' verify attestation certs report --claims padded --root "$pki/ark.pem"

# Revocation lists that are not full ones, made by OpenSSL.
cat >crl.cnf <<EOF
[ca]
default_ca=one
[one]
database=$work/index.txt
crlnumber=$work/number
default_md=sha384
default_crl_days=365000
[delta]
2.5.29.27=critical,DER:02:01:01
[partial]
2.5.29.28=critical,DER:30:03:81:01:ff
[other]
1.2.3.4=critical,DER:05:00
EOF
touch index.txt
echo 01 >number
for kind in "delta delta CRL indicator" "partial issuing distribution point" "other another critical extension"; do
  openssl ca -batch -config crl.cnf -gencrl -keyfile "$pki/ark.key" -cert "$pki/ark.pem" -crlexts "${kind%% *}" \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -out crl 2>openssl.err || cat openssl.err >&2
  cp "$pki/vcek.pem" certs/vcek.pem
  says 1 "chain.revocation — CRL: a revocation list that is not a full and plain one: ${kind#* }, at offset" \
    verify certs certs --root "$pki/ark.pem" --crl crl
done

# JSON.
echo '{"keys":[{"kid":"HCLAkPub","kty":"EC"},{"kid":"HCLAkPub","kty":"EC"}]}' >twice
says 3 'twice: claims: two keys of one name in the claims, at offset 47: HCLAkPub (claims_key)' display claims twice
echo '{"user-data":"","user-data":""}' >twice
says 3 'member name repeated in one object, at offset 16: user-data (json_duplicate)' display claims twice
echo '{' >unended
says 3 'unended: claims: not JSON' display claims unended
cp envelope envelope-json
poke envelope-json 1236 x
says 3 'envelope-json: claims: not JSON, at offset 1236' display envelope envelope-json
for nothing in '{"min_tcb":{"reported": {}}}' '{"measurement":[]}' '{"mitigations":{"current":0}}' '{"pcrs":{}}'; do
  echo "$nothing" >policy
  name=$(sed 's/":[^"]*$//; s/.*"//' policy)
  says 3 'a member that asks for nothing' verify attestation certs report --policy policy
  check "the one of $nothing" grep -q "at offset [0-9]*: $name (json_empty)" err
done
exits 0 "$snpnv" evidence evidence.json --nonce 00 --vcek "$state/vcek.pem" || exit 1
for member in vcek hcl_report tpm_quote; do
  jq -c "del(.$member)" evidence.json >less.json
  says 1 "a required member is absent: $member" verify evidence less.json --certs certs
done
echo '{"min_tcb":{"reported":{"smp":1}}}' >policy
says 3 'offset 25: smp' verify attestation certs report --policy policy
echo '{"vmlp":1}' >policy
says 3 'offset 2: vmlp' verify attestation certs report --policy policy
says 1 'REJECTED: json_syntax' verify evidence page --certs certs

# The report is of other claims than an envelope with padding for claims.
jq -r .hcl_report evidence.json | basenc -d --base64url >hcl
size=$(stat -c %s claims)
number() { printf '\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8)); }
{ cat hcl && head -c 7 /dev/zero; } >hcl-padded
poke hcl-padded 8 "$(number $((1236 + size + 7)))"
poke hcl-padded 1216 "$(number $((20 + size + 7)))"
poke hcl-padded 1232 "$(number $((size + 7)))"
jq -c --arg hcl "$(basenc --base64url -w 0 hcl-padded)" '.hcl_report = $hcl' evidence.json >padded.json
says 1 'FAIL binding.claims_digest — REPORT_DATA: not the digest of these claims: they end in zeros' verify evidence padded.json \
  --certs certs --root "$pki/ark.pem"
jq -c '.tpm_quote' evidence.json | sed 's/^/{"version":2,"version":2,"tpm_quote":/; s/$/}/' >twice.json
says 1 'member name repeated in one object, at offset 13: version' verify evidence twice.json --certs certs

# Values.
says 2 'needs 1 to 50 octets, not 51' quote q --nonce "$(printf '00%.0s' $(seq 51))"
says 2 'needs 1 to 50 octets, not 0' quote q --nonce ''
says 2 'needs 1 to 50 octets, not 51' verify evidence evidence.json --nonce "$(printf '00%.0s' $(seq 51))"
says 2 'hint: a quote that a verifier can check against one list of PCRs has one bank' quote q --nonce 00 --pcrs sha1:0+sha256:0
says 2 '--pcrs: 23-0 runs backwards' quote q --nonce 00 --pcrs sha256:23-0
check "standard input for two inputs" exits 2 "$snpnv" verify attestation certs - --policy - --root "$pki/ark.pem" <report
check "is named" grep -q '^snpnv: -: standard input is named for two inputs' err
check "of a stream too" exits 2 "$snpnv" verify evidence --stream --certs certs --policy - <evidence.json
# By another name of the same pipe too; a file is read from its beginning by each name.
twice() { cat report | "$snpnv" verify attestation certs "$1" --policy "$2" --root "$pki/ark.pem"; }
for names in "- /dev/stdin" "/dev/stdin -" "/dev/stdin /proc/self/fd/0"; do
  # shellcheck disable=SC2086 # two names
  check "one pipe: $names" exits 2 twice $names
  check "one pipe: $names: is named" grep -q '^snpnv: -: standard input is named for two inputs' err
done
printf '{"vmpl":0}' >policy
check "two pipes are two inputs" exits 0 eval '"$snpnv" verify attestation certs <(cat report) --policy <(cat policy) --root "$pki/ark.pem"'
check "a file by two names" exits 0 eval '"$snpnv" verify certs certs --crl - --crl /dev/stdin --root "$pki/ark.pem" <"$pki/crl.pem"'
says 0 'belong together' quote all --nonce 00 --pcrs sha256:all
says 0 'belong together' quote some --nonce 00 --pcrs sha256:0-23
check "all are all" cmp -s <(tail -c +1 all/pcrs) some/pcrs
id=$(jq -r '."vm-configuration".vmUniqueId' claims)
for same in "${id,,}" "${id^^}"; do
  says 0 'PASS policy.vm_configuration' verify attestation certs report --claims claims --root "$pki/ark.pem" \
    --vm-configuration "vmUniqueId=$same"
done

# What a TPM answers, and probe with and without one.
says 3 'TPM                          missing' -T swtpm:host=127.0.0.1,port=1 probe
check "the rest is said" [ "$(grep -c '^hypervisor \|^/dev/sev-guest \|^TPM driver ' out)" -ge 2 ]
says 0 'complete                     true' probe
tpm2_nvundefine -Q -C o 0x01400002
says 0 'usually: no report was asked for yet: snpnv report defines it' probe
tpm2_changeauth -Q -c owner secret
says 3 'hint: the owner hierarchy has a password' report r user
says 3 '"tpm":null,"tpm_error":"' --json -T tabrmd probe
check "with what helps" jq -e '.tpm_hint | test("libtss2-tcti-tabrmd")' out
start_paravisor --fault no-index
says 3 'usually: no paravisor offers a report here' probe

# A TPM as it is made, without a paravisor: a bank that is not allocated, and an index that nobody wrote.
start_server port "$tools/peer.py" --closed-pair
export SNPNV_TCTI=swtpm:host=127.0.0.1,port=$port TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$port
serve_tpm() { # waits until a swtpm serves on ./tpm
  swtpm socket --tpm2 --tpmstate dir=tpm --flags startup-clear,not-need-init --ctrl "type=tcp,port=$((port + 1))" \
    --server "type=tcp,port=$port,disconnect" &
  tpm=$!
  await "an answer of swtpm" eval 'tpm2_getcap properties-fixed >/dev/null 2>&1'
}
end_tpm() { stop "$tpm"; }
mkdir tpm
serve_tpm
tpm2_pcrallocate -Q sha1:none+sha256:all+sha384:all+sha512:none
tpm2_shutdown -c
end_tpm
serve_tpm
tpm2_createprimary -Q -C o -G rsa2048:rsassa-sha256:null -c ak \
  -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign'
tpm2_evictcontrol -Q -C o -c ak 0x81000003
says 3 'no PCR bank of this algorithm, or not all of the PCRs in it: sha512' quote q --nonce 00 --pcrs sha512:0
says 0 'belong together' quote q --nonce 00 --pcrs sha384:0
tpm2_nvdefine -Q -C o -s 2048 -a 'ownerread|ownerwrite' 0x01400001
says 3 'usually: the paravisor has not written a report since boot' probe
check "by its name" grep -q 'missing: TPM_RC_NV_UNINITIALIZED, 0x14a' out
head -c 2048 /dev/zero | tpm2_nvwrite -Q -C o 0x01400001 -i -
says 3 'usually: another program defined this index: no paravisor offers a report here' probe
says 3 'NV index 0x01400001 (attestation report): no HCLA signature' report r u -r
says 3 'hint: another program defined this index' report r u --boot
tpm2_nvundefine -Q -C o 0x01400001
tpm2_nvdefine -Q -C o -s 64 -a 'ownerread|ownerwrite' 0x01400001
head -c 64 /dev/zero | tpm2_nvwrite -Q -C o 0x01400001 -i -
says 3 "usually: the envelope announces more octets than the index holds, or the index is another program's" probe
check "by its name" grep -q 'missing: TPM_RC_NV_RANGE, 0x146' out
tpm2_evictcontrol -Q -C o -c 0x81000003
tpm2_flushcontext -Q -t
tpm2_createprimary -Q -C o -G rsa2048:rsapss-sha256:null -c ak \
  -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign'
tpm2_evictcontrol -Q -C o -c ak 0x81000003
says 3 'the quote is not signed by RSASSA with SHA-256: rsapss (quote_scheme)' quote q --nonce 00
check "the cause of it" grep -q '^hint: the attestation key at 0x81000003 was replaced by another program$' err
tpm2_changeauth -Q -c owner secret
says 3 'usually: the owner hierarchy has a password' probe
check "by its name" grep -q 'missing: TPM_RC_BAD_AUTH, session 1, 0x9a2' out
tpm2_changeauth -Q -c owner -p secret ''
tpm2_evictcontrol -Q -C o -c 0x81000003
tpm2_flushcontext -Q -t
tpm2_createprimary -Q -C o -G rsa2048:rsassa-sha256:null -c ak -p secret \
  -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign'
tpm2_evictcontrol -Q -C o -c ak 0x81000003
says 3 'hint: the key has a password' quote q --nonce 00
summary
