#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# $SNPNV_STEP_FILE: what a process that does not end is at can be read, even after it was killed.
. "$(dirname "$0")/lib.sh"

# is_at STEP COMMAND...: the command gets there, and what it is killed at is still there to be read.
is_at() {
  local step=$1 process end=$((SECONDS + 120))
  shift
  rm -f step
  SNPNV_STEP_FILE=$work/step "$@" 2>err >out &
  process=$!
  until [ "$(cat step 2>/dev/null)" = "$step" ] || ! kill -0 "$process" 2>/dev/null || [ $SECONDS -ge $end ]; do sleep 0.05; done
  kill -KILL "$process"
  wait "$process" 2>/dev/null
  check "waits for: $step; found: $(cat step)" [ "$(cat step)" = "$step" ]
}

start_paravisor --fault nv-silence
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" report report user --random --timeout 600
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" evidence evidence --random --format dir --timeout 600
start_paravisor --fault silence
user_data user step
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" report report user --timeout 600

# Another process has the lock, wherever it is here.
start_paravisor
check "a report" "$snpnv" report report user -q
for lock in /run/lock "$work"; do
  for lock in "$lock"/snpnv-*"${SNPNV_TCTI##*=}"*.lock; do
    [ ! -e "$lock" ] || break 2
  done
done
exec 9<>"$lock"
check "the lock is free" flock -n 9
is_at "the lock: waiting for another process" "$snpnv" report report user --timeout 600
exec 9>&-

# The last step stands there alone, over a longer one before it; nothing is written through a link.
printf '%0500d\n' 0 >step
check "a report with steps" env SNPNV_STEP_FILE="$work/step" "$snpnv" report report user -q
check "one line is left" [ "$(wc -l <step)" -eq 1 -a "$(wc -c <step)" -lt 200 ]
echo untouched >victim
ln -sf victim link
check "a report all the same" env SNPNV_STEP_FILE="$work/link" "$snpnv" report report user -q
check "the link's end is as it was" [ "$(cat victim)" = untouched ]
summary
