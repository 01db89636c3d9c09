# What the tests of the programs share. Usage in each: . "$(dirname "$0")/lib.sh"; the two arguments
# are the programs snpnv and snpnv-paravisor.
set -uo pipefail

snpnv=$1
paravisor_program=$2
work=$(mktemp -d)
export XDG_RUNTIME_DIR=$work
unset SNPNV_TCTI TPM2TOOLS_TCTI
failures=0
checks=0
paravisor_pid=
cd "$work" || exit 1

stop_paravisor() {
  [ -z "$paravisor_pid" ] && return
  kill "$paravisor_pid" 2>/dev/null
  wait "$paravisor_pid" 2>/dev/null
  paravisor_pid=
}
finish() {
  stop_paravisor
  rm -rf "$work"
}
trap finish EXIT

# start_paravisor OPTION...: on a fresh state folder, unless $keep_state names one; waits until it serves.
start_paravisor() {
  local line
  stop_paravisor
  state=${keep_state:-$(mktemp -d "$work/state.XXXXXX")}
  rm -f "$work/ready"
  mkfifo "$work/ready"
  "$paravisor_program" --state "$state" --listen 127.0.0.1:0 "$@" >"$work/ready" &
  paravisor_pid=$!
  read -r line <"$work/ready"
  if [[ $line != ready\ tcti=* ]]; then
    echo "FAILED: snpnv-paravisor $* did not get ready" >&2
    exit 1
  fi
  https=${line##* https=}  # where --https was asked for
  line=${line#ready tcti=}
  export SNPNV_TCTI=${line%% *} TPM2TOOLS_TCTI=${line%% *}
}

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

summary() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
}
