#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every fault of the emulated paravisor: the right exit status, an older file as it was, and no wait
# beyond the deadline.
. "$(dirname "$0")/lib.sh"

# faulty FAULT STATUS CODE
faulty() {
  local fault=$1 status=$2 code=$3 timeout=1
  [ "$status" -ne 0 ] || timeout=60  # nothing waits so long
  start_paravisor --fault "$fault"
  user_data user "$fault"
  echo old >report
  check "$fault ends with $status, in time, and says $code" given_time $timeout "$status" \
    "${code:+^snpnv: .*: .* ($code)\$}" "$snpnv" report report user --claims claims
  if [ "$status" -eq 0 ]; then
    check "$fault: the report carries its user data" has_user_data claims user
    check "$fault: the report is bound" binds report claims
  else
    check "$fault: the older file is as it was" [ "$(cat report)" = old ]
    check "$fault: nothing else is left" [ ! -e claims ]
    check "$fault: nothing is left beside" [ -z "$(ls -d ./*.snpnv-* 2>/dev/null)" ]
  fi
  rm -f report claims
}

faulty stale-forever 4 fresh_stale
faulty stale-once 0 ''
faulty torn 0 ''
faulty wrong-digest 4 fresh_torn
faulty wrong-user-data 4 fresh_stale
faulty bad-signature 0 ''
faulty truncated 3 tpm_rc
check "truncated: the hint says what contradicts what" grep -q '^hint: the envelope announces more' err
faulty bad-json 3 json_syntax
faulty duplicate-key 3 json_duplicate
faulty retry-rc 0 ''
faulty nv-rate 0 ''
faulty silence 4 io_deadline
faulty nv-silence 4 io_deadline
faulty short-response 3 tpm_answer
faulty no-index 3 tpm_rc
check "no-index: the hint names the likely cause" grep -q '^hint: .*confidential' err
faulty retry-rc,torn 0 ''
faulty stale-forever,wrong-user-data 4 fresh_stale

# SIGTERM while a refresh takes its time, an hour here: the paravisor ends at once.
start_paravisor --latency-ms 3600000 --interval-ms 0
"$snpnv" -T "record:waiting=$SNPNV_TCTI" report report user --timeout 3600 2>/dev/null &
waiting=$!
await_line waiting '^> 8002........0000014e'
stop_paravisor
check "SIGTERM ends a paravisor that waits" [ $? -eq 0 ]
await_exit "$waiting"
check "the report that was waited for fails" [ $? -eq 3 ]

# A peer that accepts and then says half a header and no more.
for half in '' 80020000; do
  start_server port "$tools/peer.py" $half
  check "half a response ends at the deadline" given_time 2 4 io_deadline \
    "$snpnv" -T "swtpm:host=127.0.0.1,port=$port" report report user
  check "it was asked" grep -q connected port.lines
  check "and writes nothing" [ ! -e report ]
  stop "$server"
done
summary
