#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line: exit statuses, help, errors of one line.
. "$(dirname "$0")/lib.sh"
export SNPNV_TCTI=replay:/nonexistent

says() { grep -q -- "$1" "$work/err"; }
one_error() { [ "$(grep -c '^snpnv: ' "$work/err")" -eq 1 ] && ! grep -v '^snpnv: \|^hint: ' "$work/err"; }
# refused STATUS TEXT ARGUMENT...
refused() {
  local status=$1 text=$2
  shift 2
  check "status of: $*" exits "$status" "$snpnv" "$@"
  check "message of: $*" says "$text"
  check "form of the error of: $*" one_error
  check "nothing on standard output of: $*" [ ! -s out ]
}

refused 2 'command: missing' # no argument at all
refused 2 'unknown command' frobnicate
refused 2 'of what' display
refused 2 'unknown option' --frobnicate
refused 2 'unknown option' report --frobnicate a b
refused 2 'unknown option' report -x a b
refused 2 'USER-DATA: missing' report a
refused 2 'one operand too many' report a b c
refused 2 'needs a value' report a b --timeout
refused 2 'takes no value' report a b --random=yes
refused 2 'given twice' report a b --timeout 1 --timeout 2
refused 2 'whole number' report a b --timeout 0
refused 2 'whole number' report a b --timeout ten
refused 2 'whole number' report a b --vmpl 4
refused 2 'two outputs' report a a -r
refused 2 'two outputs' report a b --claims c --envelope c
touch there
ln -s there link
refused 2 'two outputs' report ./b b -r
refused 2 'two outputs' report there link -r
refused 2 'two outputs' report b u --claims "$PWD/b"
refused 2 'would replace USER-DATA' report b ./b
refused 2 'would replace USER-DATA' report a there --envelope link
ln there name
refused 2 'two outputs' report there name -r
refused 2 'two outputs' -T record:a=replay:x report a b -r
refused 2 'two outputs' -T record:x=record:./x=replay:y report a b -r
refused 2 'would replace USER-DATA' -T record:link=replay:x report a there
refused 2 'would replace the recording' -T record:./x=replay:x report a there
refused 2 'would replace the recording' -T replay:there report link b -r
check "outputs in standard output, as others call it, are two" \
  bash -c '! "$1" report - there --claims /dev/stdout 2>err | grep . && grep -q "two outputs" err' - "$snpnv"
check "and in a file that it is" bash -c '! "$1" report - there --claims both >both 2>err && grep -q "two outputs" err' - "$snpnv"
check "so is a recording there" bash -c '! "$1" -T record:/dev/stdout=replay:x probe 2>err | grep . && grep -q "two outputs" err' - "$snpnv"
check "standard input is user data" bash -c '! "$1" report there - <there 2>err && grep -q "would replace USER-DATA" err' - "$snpnv"
refused 2 'no use' report a b --boot -r
refused 3 'No such file' report a b
head -c 63 /dev/zero >short
refused 3 '64 octets, not 63' report a short
head -c 65 /dev/zero >long
refused 3 '64 octets, not 65' report a long
head -c 64 /dev/zero >user
refused 3 'No such file' report a user
printf '{"vmlp":0}' >policy
# The same wrong input is the same wherever it stands: a file that holds something else is 3.
if grep -q '^  evidence' < <("$snpnv" --help); then
  for words in "quote -" "evidence - --format dir --random" "verify certs -" "verify attestation - user" \
    "verify evidence user --certs -" "fetch ca pem - milan" "fetch vcek der - user" "fetch crl pem - milan" \
    "fetch ca pem d milan --store -"; do
    # shellcheck disable=SC2086
    refused 2 'needs a directory' $words
  done
  nonces=("quote d --nonce" "evidence e --format dir --nonce" "verify evidence user --certs d --nonce"
    "verify envelope d user --user-data" "verify attestation d user --measurement"
    "verify attestation d user --family-id" "verify evidence user --init-data")
  for words in "${nonces[@]}"; do
    # shellcheck disable=SC2086
    refused 2 'octets, not 65' $words "$(printf '00%.0s' $(seq 65))"
    # shellcheck disable=SC2086
    refused 3 'octets, not 65\|wire_too_large' $words @long
  done
  refused 3 'long: --pcr needs 32' verify evidence user --certs d --pcr 0=@long
  for words in "verify attestation d user" "verify envelope d user --user-data 00" "verify evidence user --certs d"; do
    # shellcheck disable=SC2086
    refused 3 '^snpnv: policy: ' $words --policy policy
  done
fi
refused 3 'No such file' display report a
refused 3 'wire_short' display report user
refused 3 'hcl_signature' display envelope user
refused 3 'json_syntax' display claims user
refused 3 'is not a recording\|record_syntax' -T replay:user report a user
refused 3 'NOT_SUPPORTED, 0x000a0015 (io_tcti)' -T nonsense: report a user
refused 3 'no TCTI of that name' -T nonsense: report a user
start_server closed "$tools/peer.py" --closed
refused 3 'Connection refused (io_failed)' -T swtpm:host=127.0.0.1,port=$closed report a user
refused 3 'nothing serves there' -T swtpm:host=127.0.0.1,port=$closed report a user
refused 3 'nothing serves there' -T mssim:host=127.0.0.1,port=$closed report a user
refused 3 'record: wants FILE=TCTI' -T record:file report a user
refused 2 'needs a TCTI' -T '' report a user
export TPM2TOOLS_TCTI=replay:/second
SNPNV_TCTI=replay:/first refused 3 'replay:/first: ' report a user
SNPNV_TCTI='' refused 3 'replay:/second: ' report a user
unset TPM2TOOLS_TCTI
check "nothing was written" [ ! -e a ]

for words in --help -h "report --help" "display --help" "display report -h" "probe --help" "-q report -h"; do
  # shellcheck disable=SC2086
  check "help: $words" exits 0 "$snpnv" $words
  check "help on standard output: $words" grep -q '^usage: snpnv' out
done
check "version" exits 0 "$snpnv" --version
check "version text" grep -q '^snpnv [0-9]' out
check "paravisor help" exits 0 "$paravisor_program" --help
check "paravisor without --state" exits 2 "$paravisor_program"
check "paravisor with an unknown fault" exits 2 "$paravisor_program" --state s --fault nonsense

start_paravisor
user_data user options
check "options before the command" exits 0 "$snpnv" -q -T "$SNPNV_TCTI" report r user
check "quiet prints nothing" [ ! -s out ] 
check "letters together before the command" exits 0 "$snpnv" -qT "$SNPNV_TCTI" report r user
check "a letter with its value before the command" exits 0 "$snpnv" -q "-T$SNPNV_TCTI" report r user
check "options behind the command" exits 0 "$snpnv" report r user --tcti="$SNPNV_TCTI" --json
check "json" grep -q '^{.*}$' out
check "accepted options change nothing" exits 0 "$snpnv" report r user -a --openhcl --azure-cvm -v 0
check "another VMPL is warned about" exits 0 "$snpnv" report r user --vmpl 1
check "on standard error" grep -q '^snpnv: warning: .*VMPL 0' err
check "user data from standard input" exits 0 bash -c '"$1" report r - <user' - "$snpnv"
summary
