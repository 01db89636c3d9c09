#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# $SNPNV_STEP_FILE: what a process that does not end is at can be read, even after it was killed.
. "$(dirname "$0")/lib.sh"

# is_at STEP COMMAND...: the command gets there, and what it is killed at is still there to be read.
is_at() {
  local step=$1 process
  shift
  rm -f step
  SNPNV_STEP_FILE=$work/step "$@" 2>err >out &
  process=$!
  await "step: $step" is_or_has_ended "$step" "$process"
  kill -KILL "$process" 2>/dev/null
  await_exit "$process"
  check "waits for: $step; found: $(cat step)" [ "$(cat step)" = "$step" ]
}

is_or_has_ended() { [ "$(cat step 2>/dev/null)" = "$1" ] || has_ended "$2"; }

start_paravisor --fault nv-silence
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" report report user --random --timeout 600
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" evidence evidence --random --format dir --timeout 600
start_paravisor --fault silence
user_data user step
is_at "TPM2_NV_Write, NV index 0x01400002 (user data): waiting for the TPM" \
  "$snpnv" report report user --timeout 600

# Another process has the lock, and keeps it while its TPM is silent.
SNPNV_STEP_FILE=$work/holders "$snpnv" report other user --timeout 3600 2>/dev/null &
holder=$!
await_line holders "waiting for the TPM"
is_at "the lock: waiting for another process" "$snpnv" report report user --timeout 600
kill -KILL "$holder"
await_exit "$holder"

start_paravisor
# The last step stands there alone, over a longer one before it; nothing is written through a link.
printf '%0500d\n' 0 >step
check "a report with steps" env SNPNV_STEP_FILE="$work/step" "$snpnv" report report user -q
check "one line is left" [ "$(wc -l <step)" -eq 1 -a "$(wc -c <step)" -lt 200 ]
echo untouched >victim
ln -sf victim link
check "a report all the same" env SNPNV_STEP_FILE="$work/link" "$snpnv" report report user -q
check "the link's end is as it was" [ "$(cat victim)" = untouched ]
summary
