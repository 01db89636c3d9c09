# SPDX-License-Identifier: Apache-2.0
# What all tests in the shell share: checks that are counted, and waits that have an event and a bound.

failures=0
checks=0
# Seconds in which an event comes even where the machine has a hundred other things to do. Who has waited
# so long waits in vain.
patience=${SNPNV_PATIENCE:-300}

# check WHAT COMMAND...: the command succeeds.
check() {
  local what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    echo "FAILED: $what" >&2
  fi
}
summary() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
}

# within SECONDS COMMAND...: until the command succeeds. Fails if that does not happen. What is long in coming is looked
# for less often: the processes that look take time from what they wait for.
within() {
  local end=$((SECONDS + $1)) pause=10
  until "${@:2}"; do
    [ $SECONDS -lt $end ] || return 1
    sleep "$(printf 0.%03d $pause)"
    [ $pause -ge 160 ] || pause=$((pause * 2))
  done
}
# await WHAT COMMAND...: the same; if it never happens, the test ends and says for what it waited.
await() {
  within "$patience" "${@:2}" && return
  echo "FAILED: $patience s were not enough for $1" >&2
  exit 1
}
# await_line FILE PATTERN: until the file has such a line.
await_line() { await "'$2' in $1" grep -qs -e "$2" "$1"; }

# await_exit PROCESS: its exit status, once this child has ended.
await_exit() {
  await "the end of process $1" has_ended "$1"
  wait "$1" 2>/dev/null  # without a word about the signal that ended it
}
has_ended() { [[ $'\n'$(jobs -rp)$'\n' != *$'\n'"$1"$'\n'* ]]; }
# stop PROCESS: ends this child.
stop() {
  has_ended "$1" || kill "$1" 2>/dev/null
  await_exit "$1"
}
