#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SNPNV SNPNV-PARAVISOR EXAMPLES: the examples do what they say, and say no where that is right.
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
. "$source_dir/tests/tools/lib.sh"
examples=$3
says() { # STATUS LAST-LINE COMMAND...
  exits "$1" "${@:3}" && [ "$(tail -n1 out)" = "$2" ]
}
start_paravisor
pki=$source_dir/tests/pki/milan
certificates=("$pki/vcek.pem" "$pki/ask.pem")

check "a fresh envelope" says 0 fresh "$examples/example_collect" envelope "$SNPNV_TCTI"
check "from no TPM" says 1 "no TPM" "$examples/example_collect" nothing device:/nonexistent
check "which leaves no file" [ ! -e nothing ]
check "by a transport of one's own" says 0 "a report of version 3" "$examples/example_custom_transport" "$SNPNV_TCTI"

echo '{}' >policy
check "the envelope" says 0 VERIFIED "$examples/example_verify_report" envelope "${certificates[@]}" policy "$pki/ark.pem"
check "below a root of AMD's, which is not theirs" says 1 "REJECTED: chain.intermediate_signature" "$examples/example_verify_report" envelope \
  "${certificates[@]}" policy
"$snpnv" report report user --random
check "a report alone" says 0 VERIFIED "$examples/example_verify_report" report "${certificates[@]}" policy "$pki/ark.pem"
plain() { sed -e 's/; --.* turns it on$//' -e 's/ [0-9-]*T[0-9:]*Z$//' -e '/^SKIP \(quote\|eventlog\|policy.\(pcrs\|secure_boot_log\|kernel_command_line\|boot_events\) \)/d' "$@"; }
"$snpnv" verify attestation "$pki" report --root "$pki/ark.pem" | plain >told
check "in the words of the program, without its options" cmp told <(plain out)
echo '{"min_guest_svn": 4294967295}' >policy
check "by a policy that asks for more" says 1 "REJECTED: policy.guest_svn" "$examples/example_verify_report" envelope \
  "${certificates[@]}" policy "$pki/ark.pem"
echo '{"min_guest_svm": 1}' >policy
check "by a policy with a mistake" says 2 "not a policy" "$examples/example_verify_report" envelope \
  "${certificates[@]}" policy "$pki/ark.pem"

nonce=challenge-of-the-service
"$snpnv" evidence evidence --nonce "$(printf %s $nonce | od -An -tx1 | tr -d ' \n')" --vcek "$pki/vcek.pem"
check "evidence" says 0 VERIFIED "$examples/example_verify_evidence" evidence "$pki/ask.pem" $nonce "$pki/ark.pem"
check "for another nonce" says 1 "REJECTED: binding.user_data" "$examples/example_verify_evidence" evidence "$pki/ask.pem" ${nonce}s \
  "$pki/ark.pem"
check "no evidence" says 1 "REJECTED: json_syntax" "$examples/example_verify_evidence" /dev/null "$pki/ask.pem" $nonce

printf 'the key of the disk' >key
start_server line "$paravisor_program" --state broker --listen 127.0.0.1:0 --http 127.0.0.1:0 --kbs 127.0.0.1:0 \
  --resource default/key/disk=key
value() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$line"; }
export SNPNV_TCTI=$(value tcti) PATH="$(dirname "$snpnv"):$PATH"
secret() { "$source_dir/examples/get_secret.sh" "$1" "$(value kbs)" broker/https-ca.pem "${@:2}"; }
trusted=(--source platform --platform-url "$(value http)" --root broker/ark.pem)
check "a secret" exits 0 secret "default/key/disk ${trusted[*]}" cat
check "is the secret" cmp -s out key
check "a secret that is not there" exits 1 secret "default/key/other ${trusted[*]}" touch started
check "starts nothing" [ ! -e started ]

check "the fuzz harness" exits 0 "$examples/example_fuzz_service" "$source_dir/fuzz/corpus/evidence"
for file in "$source_dir"/examples/*.{cpp,sh}; do
  check "$(basename "$file") is short" [ "$(wc -l <"$file")" -lt 40 ]
done
summary
