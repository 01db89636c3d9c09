# SPDX-License-Identifier: Apache-2.0
# What the tests of the programs share. Usage in each: . "$(dirname "$0")/lib.sh"; the two arguments
# are the programs snpnv and snpnv-paravisor.
set -uo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$tools/../lib.sh"

snpnv=$1
paravisor_program=$2
work=$(mktemp -d)
export XDG_RUNTIME_DIR=$work
unset SNPNV_TCTI TPM2TOOLS_TCTI
paravisor_pid=
cd "$work" || exit 1

# stop_paravisor: its exit status.
stop_paravisor() {
  local process=$paravisor_pid
  paravisor_pid=
  [ -z "$process" ] || stop "$process"
}
# Nothing that was started in the background outlives the test, however it ends.
finish() {
  local process
  for process in $(jobs -rp); do
    kill "$process" 2>/dev/null
    within 10 has_ended "$process" || kill -KILL "$process"
  done
  wait
  rm -rf "$work"
}
trap finish EXIT

# start_server VARIABLE COMMAND...: starts it in the background and waits for the first line that it prints,
# which goes to VARIABLE; the others go to $work/VARIABLE.lines. Its process is $server. A server that is
# given port 0 says there which one the system has given it: nobody else can have it.
start_server() {
  local -n said=$1
  local lines=$work/$1.lines
  : >"$lines"
  "${@:2}" <&0 >>"$lines" &
  server=$!
  await "a line of $2" says_or_has_ended "$lines" "$server"
  read -r said <"$lines"
}
says_or_has_ended() { [ -s "$1" ] || has_ended "$2"; }

# start_paravisor OPTION...: on a fresh state folder, unless $keep_state names one; waits until it serves. Where
# a test is not about the time between two refreshes, that is a tenth of what it is in the field.
start_paravisor() {
  local ready=
  stop_paravisor
  state=${keep_state:-$(mktemp -d "$work/state.XXXXXX")}
  start_server ready "$paravisor_program" --state "$state" --listen 127.0.0.1:0 --interval-ms 200 "$@"
  paravisor_pid=$server
  if [[ $ready != ready\ tcti=* ]]; then
    echo "FAILED: snpnv-paravisor $* did not get ready" >&2
    exit 1
  fi
  https=${ready##* https=}  # where --https was asked for
  ready=${ready#ready tcti=}
  export SNPNV_TCTI=${ready%% *} TPM2TOOLS_TCTI=${ready%% *}
}

# exits STATUS COMMAND...: runs it with its output kept in $work/out and $work/err.
exits() {
  local wanted=$1 status
  shift
  "$@" >"$work/out" 2>"$work/err"
  status=$?
  [ "$status" -eq "$wanted" ] && return
  echo "exit status $status, not $wanted: $*" >&2
  cat "$work/err" >&2
  return 1
}

# in_time SECONDS STATUS COMMAND...: exits STATUS, and has not slept longer than SECONDS and a moment: it
# does not wait beyond a deadline. For how long it slept is in $slept, how long it took in $took, in milliseconds.
in_time() {
  exits "$2" timeout $(($1 + patience)) "$tools/asleep.py" "$work/slept" "${@:3}" || return 2
  read -r slept took <"$work/slept"
  [ "$slept" -le $(($1 * 1000 + 1000)) ] && return
  echo "slept $slept ms, with a deadline of $1 s: ${*:3}" >&2
  return 1
}
# given_time SECONDS STATUS WORDS COMMAND...: with --timeout SECONDS it ends so in time, and says WORDS. Where the
# machine does not get as far before that deadline, with one of 4, 16 or 64 times as much; $deadline is it.
given_time() {
  for deadline in "$1" $(($1 * 4)) $(($1 * 16)) $(($1 * 64)); do
    in_time "$deadline" "$2" "${@:4}" --timeout "$deadline"
    case $? in
      0) [ -z "$3" ] || grep -q -e "$3" "$work/err" && return ;;
      1) return 1 ;;
    esac
  done
  echo "does not say '$3': ${*:4}" >&2
  cat "$work/err" >&2
  return 1
}

# user_data FILE TEXT: 64 octets that TEXT decides.
user_data() { printf '%s' "$2" | openssl dgst -sha512 -binary >"$1"; }

# has_user_data CLAIMS USER-DATA: the claims carry exactly these octets.
has_user_data() {
  local digits
  digits=$(od -An -v -tx1 "$2" | tr -d ' \n')
  grep -qi "\"user-data\":\"$digits\"" "$1"
}

# binds REPORT CLAIMS: REPORT_DATA is the SHA-256 of the claims and zeros, by the openssl program.
binds() {
  cmp -s <(dd if="$1" bs=1 skip=80 count=64 status=none) \
    <(openssl dgst -sha256 -binary "$2"; head -c 32 /dev/zero)
}
