#!/usr/bin/env bash
# Every fault of the emulated paravisor: the right exit status, an older file as it was, and no wait
# beyond the deadline.
. "$(dirname "$0")/lib.sh"

# faulty FAULT STATUS CODE [TIMEOUT]
faulty() {
  local fault=$1 status=$2 code=$3 timeout=${4:-3} start
  start_paravisor --fault "$fault"
  user_data user "$fault"
  echo old >report
  start=$(date +%s)
  check "$fault ends with $status" exits "$status" timeout -k 1 $((timeout + 3)) \
    "$snpnv" report report user --claims claims --timeout "$timeout"
  check "$fault ends in time" [ $(($(date +%s) - start)) -le $((timeout + 1)) ]
  if [ "$status" -eq 0 ]; then
    check "$fault: the report carries its user data" has_user_data claims user
    check "$fault: the report is bound" binds report claims
  else
    check "$fault: says $code" grep -q "^snpnv: .*: .* ($code)\$" err
    check "$fault: the older file is as it was" [ "$(cat report)" = old ]
    check "$fault: nothing else is left" [ ! -e claims ]
    check "$fault: nothing is left beside" [ -z "$(ls -d ./*.snpnv-* 2>/dev/null)" ]
  fi
  rm -f report claims
}

faulty stale-forever 4 fresh_stale
faulty stale-once 0 - 10
faulty torn 0 - 10
faulty wrong-digest 4 fresh_torn
faulty wrong-user-data 4 fresh_stale
faulty bad-signature 0 -
faulty truncated 3 tpm_rc
check "truncated: the hint says what contradicts what" grep -q '^hint: the envelope announces more' err
faulty bad-json 3 json_syntax
faulty duplicate-key 3 json_duplicate
faulty retry-rc 0 -
faulty nv-rate 0 -
faulty silence 4 io_deadline
faulty nv-silence 4 io_deadline
faulty short-response 3 tpm_answer
faulty no-index 3 tpm_rc
check "no-index: the hint names the likely cause" grep -q '^hint: .*confidential' err
faulty retry-rc,torn 0 - 10
faulty stale-forever,wrong-user-data 4 fresh_stale

# SIGTERM while a refresh takes its time: the paravisor ends at once.
start_paravisor --latency-ms 60000 --interval-ms 0
"$snpnv" -T "record:waiting=$SNPNV_TCTI" report report user --timeout 60 2>/dev/null &
waiting=$!
until grep -qs '^> 8002........0000014e' waiting; do :; done
start=$(date +%s)
stop_paravisor
check "SIGTERM ends a paravisor that waits" [ $(($(date +%s) - start)) -le 5 ]
wait "$waiting"
check "the report that was waited for fails" [ $? -eq 3 ]

# A peer that accepts and then says half a header and no more.
for half in true "printf '\200\002\000\000'"; do
  port=$((20000 + RANDOM % 20000))
  printf '#!/bin/sh\n%s\nexec sleep 30\n' "$half" >peer  # socat takes backslashes and quotes for its own
  chmod +x peer
  socat "TCP-LISTEN:$port,reuseaddr,fork,bind=127.0.0.1" EXEC:./peer &
  peer=$!
  socat "TCP-LISTEN:$((port + 1)),reuseaddr,fork,bind=127.0.0.1" SYSTEM:"exec sleep 30" &
  control=$!
  until ss -ltn | grep -q ":$((port + 1)) " && ss -ltn | grep -q ":$port "; do :; done
  start=$(date +%s)
  check "half a response ends at the deadline" exits 4 timeout -k 1 6 \
    "$snpnv" -T "swtpm:host=127.0.0.1,port=$port" report report user --timeout 2
  check "and in time" [ $(($(date +%s) - start)) -le 3 ]
  check "and writes nothing" [ ! -e report ]
  kill "$peer" "$control"
  pkill -P $$ sleep
  wait "$peer" "$control" 2>/dev/null
done
summary
