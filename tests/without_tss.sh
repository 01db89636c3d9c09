#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# without_tss.sh SNPNV SNPNV-PARAVISOR SNPNV-WITHOUT-TSS: a tool that was built without tpm2-tss has the
# device, swtpm, recordings and all that needs no TPM.
. "$(dirname "$0")/tools/lib.sh"
tool=$3

names_no_tss() { ldd "$tool" >libraries && ! grep tss2 libraries; }
head -c 64 /dev/zero >user
check "starts" exits 0 "$tool" --version
check "is not linked with tpm2-tss" names_no_tss
for name in mssim: swtpm:host=a.name; do
  check "$name is an error" exits 3 "$tool" -T "$name" report report user
  check "which says why" grep -q io_unavailable err
  check "and what there is instead" grep -q '^hint: this build, without tpm2-tss' err
done
check "a host's name is named as the fault" grep -q 'takes swtpm:host=ADDRESS,port=N, no name' err
check "writes nothing" [ ! -e report ]
start_paravisor
check "a report by swtpm's protocol" exits 0 "$tool" report fresh user
check "which is what a report is" [ "$(stat -c %s fresh)" = 1184 ]
check "a recording made with tpm2-tss" exits 0 "$snpnv" -T "record:recording=$SNPNV_TCTI" report report user
check "replays without it" exits 0 "$tool" -T replay:recording report replayed user
check "to the same report" cmp report replayed
summary
