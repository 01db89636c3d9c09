#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock among cooperating processes: one for a TPM, whether recorded or not, and waited for no longer
# than the deadline, whatever signals are blocked.
. "$(dirname "$0")/lib.sh"
start_paravisor --fault stale-forever
user_data user lock

"$snpnv" -T "record:holder=$SNPNV_TCTI" report report user --timeout 3600 2>/dev/null &
holder=$!
await_line holder '^<'
check "a second process waits until its deadline, and says for what" \
  given_time 1 4 '^snpnv: lock: ' "$snpnv" report report user
check "also where SIGALRM is blocked" given_time 1 4 '^snpnv: lock: ' perl -MPOSIX -e \
  'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGALRM)); exec @ARGV' "$snpnv" report report user
kill -9 "$holder"
await_exit "$holder"
check "a holder that was killed holds it no more, so that the paravisor is asked" \
  given_time 1 4 fresh_stale "$snpnv" report report user
check "the lock of a TPM that is not the machine's is the user's" [ -n "$(ls "$XDG_RUNTIME_DIR"/snpnv-*.lock)" ]
summary
