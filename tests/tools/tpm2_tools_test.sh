#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tpm2-tools see the emulated paravisor as a real one.
. "$(dirname "$0")/lib.sh"
start_paravisor --nv-size 2600

check "report" exits 0 "$snpnv" report report user -r --envelope envelope
check "nvread" exits 0 tpm2_nvread -Q -C o 0x01400001 -o content
size=$(stat -c %s envelope)
check "nvread returns the whole index" [ "$(stat -c %s content)" -eq 2600 ]
check "nvread begins with the envelope" cmp -s <(head -c "$size" content) envelope
check "and goes on with zeros" cmp -s <(tail -c +$((size + 1)) content) <(head -c $((2600 - size)) /dev/zero)
check "a second nvread with an offset" exits 0 tpm2_nvread -Q -C o 0x01400001 -s 100 --offset 2500 -o part
check "returns that part" cmp -s part <(tail -c 100 content)
check "an offset beyond the end is refused" exits 1 tpm2_nvread -Q -C o 0x01400001 -s 100 --offset 2600

tpm2_nvreadpublic >indices
check "nvreadpublic lists the report index" grep -q '^0x1400001:' indices
check "nvreadpublic lists the AK certificate" grep -q '^0x1c101d0:' indices
check "with the right attributes" grep -q 'authwrite|ownerread|authread|no_da|written|platformcreate' indices
check "the name is the digest of the public area" grep -q "name: 000b$(printf \
  '\x01\x40\x00\x01\x00\x0b\x62\x06\x00\x04\x00\x00\x0a\x28' | openssl dgst -sha256 -r | cut -c1-64)" indices

check "nvread with the index's own authorization is refused" exits 1 tpm2_nvread 0x01400001 -s 4
check "with TPM_RC_BAD_AUTH" grep -q '0x9A2' err
check "nvwrite is refused" exits 1 tpm2_nvwrite -C o -i user 0x01400001
check "with TPM_RC_NV_AUTHORIZATION" grep -q '0x149' err
check "nvundefine is refused" exits 1 tpm2_nvundefine -C o 0x01400001
check "with TPM_RC_NV_AUTHORIZATION" grep -q '0x149' err
check "nvdefine is refused" exits 1 tpm2_nvdefine -C o -s 64 0x01400001
check "with TPM_RC_NV_DEFINED" grep -q '0x14C' err

# The guest's own way to a report, with nothing of ours.
tpm2_nvundefine -Q -C o 0x01400002
check "nvdefine" exits 0 tpm2_nvdefine -Q -C o -s 64 -a 'ownerread|ownerwrite|authread|authwrite' 0x01400002
user_data user tools
start_paravisor --interval-ms 0
tpm2_nvdefine -Q -C o -s 64 -a 'ownerread|ownerwrite|authread|authwrite' 0x01400002
check "nvwrite" exits 0 tpm2_nvwrite -Q -C o -i user 0x01400002
check "nvread" exits 0 tpm2_nvread -Q -C o 0x01400001 -o content
check "the content carries the user data" has_user_data <(tail -c +1237 content | tr -d '\0') user

check "readpublic" exits 0 tpm2_readpublic -Q -c 0x81000003 -f pem -o ak.pem
check "the AK certificate is for that key" cmp -s <(openssl pkey -pubin -in ak.pem -outform der) \
  <(tpm2_nvread -C o 0x01c101d0 2>/dev/null | openssl x509 -inform der -pubkey -noout | openssl pkey -pubin -outform der)
check "quote" exits 0 tpm2_quote -Q -c 0x81000003 -l sha256:0,4,7 -q 0011 -m message -s signature -o pcrs
check "checkquote" exits 0 tpm2_checkquote -Q -u ak.pem -m message -s signature -f pcrs -q 0011
check "probe" exits 0 "$snpnv" probe
check "probe names the report" grep -q 'ATTESTATION_REPORT version 3, Milan' out
summary
