#!/usr/bin/env bash
# The lock among cooperating processes: one for a TPM, whether recorded or not, and waited for no longer
# than the deadline, whatever signals are blocked.
. "$(dirname "$0")/lib.sh"
start_paravisor --fault stale-forever
user_data user lock

"$snpnv" -T "record:holder=$SNPNV_TCTI" report report user --timeout 60 2>/dev/null &
holder=$!
until grep -qs '^<' holder; do :; done
check "a second process waits until its deadline" exits 4 timeout 10 "$snpnv" report report user --timeout 1
check "and says for what" grep -q '^snpnv: lock: ' err
check "also where SIGALRM is blocked" exits 4 timeout 10 perl -MPOSIX -e \
  'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGALRM)); exec @ARGV' "$snpnv" report report user --timeout 1
check "and says for what" grep -q '^snpnv: lock: ' err
kill -9 "$holder"
wait "$holder" 2>/dev/null
check "a holder that was killed holds it no more" exits 4 timeout 10 "$snpnv" report report user --timeout 1
check "so that the paravisor is asked" grep -q 'fresh_stale' err
summary
