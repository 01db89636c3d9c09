#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is shown on a terminal and nowhere else: a verdict's end, colours, lines that fit, what is waited for.
pki=$(cd "$(dirname "$0")/../pki/milan" && pwd)
. "$(dirname "$0")/lib.sh"
start_paravisor --interval-ms 0
user_data user terminal
exits 0 "$snpnv" report report user --envelope envelope --claims claims || exit 1
mkdir certs
cp "$pki"/{ark,ask,vcek}.pem certs

# on_terminal COLUMNS ARGUMENT...: standard output and error are a terminal; its text is kept in shown, without CR.
cat >on_terminal.py <<'PYTHON'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
text = b""
try:
    while piece := os.read(fd, 4096):
        text += piece
except OSError:
    pass
open("shown", "wb").write(text.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
on_terminal() { TERM=xterm exits "$1" python3 on_terminal.py "$2" "$snpnv" "${@:3}"; }
verify=(verify attestation certs report --root "$pki/ark.pem")

unset NO_COLOR
check "a verdict" on_terminal 1 200 "${verify[@]}" --vmpl 1 --claims claims
check "ends with the failure and the rejection" [ "$(tail -n 2 shown)" = \
  $'\e[1;31mFAIL\e[0m policy.vmpl — VMPL: has another value; expected 1, found 0\n\e[1;31mREJECTED\e[0m: policy.vmpl' ]
check "counts what was not asked for" grep -qx $'\e\[33mSKIP\e\[0m [0-9]* checks — not asked for; --verbose lists them' shown
check "and lists it no more" bash -c '! grep -q "turns it on" shown'
skipped=$(grep -o '[0-9]* checks' shown | cut -d' ' -f1)
check "passes are in green" grep -q $'^\e\[32mPASS\e\[0m chain.root_pinned' shown
exits 1 "$snpnv" "${verify[@]}" --vmpl 1 --claims claims
check "as many as a pipe is told of" [ "$(grep -c '^SKIP.*turns it on' out)" -eq "$skipped" ]
check "a pipe has no colour" bash -c '! grep -q "$(printf "\033")" out'
check "and every check in its order" [ "$(grep -n '^FAIL' out | cut -d: -f1)" -lt "$(grep -c . out)" ]
cp out piped
check "--verbose" on_terminal 1 2000 "${verify[@]}" --vmpl 1 --claims claims --verbose
check "lists all in order" [ "$(sed 's/\x1b\[[0-9;]*m//g' shown | cut -d' ' -f1-2)" = "$(cut -d' ' -f1-2 piped)" ]
dated=(--json "${verify[@]}" --at 2030-01-01T00:00:00Z)  # for it names the time
check "JSON on a terminal" on_terminal 0 80 "${dated[@]}"
check "is that of a pipe" cmp -s shown <("$snpnv" "${dated[@]}")
check "verified" on_terminal 0 200 "${verify[@]}"
check "in the last line" [ "$(tail -n 1 shown)" = $'\e[32mVERIFIED\e[0m' ]
check "quiet" on_terminal 0 200 -q "${verify[@]}"
check "is one line" [ "$(grep -c . shown)" -eq 1 ]
export NO_COLOR=1
check "NO_COLOR" on_terminal 1 200 "${verify[@]}" --vmpl 1
check "is honoured" bash -c '! grep -q "$(printf "\033")" shown'
check "and nothing else" [ "$(tail -n 1 shown)" = 'REJECTED: policy.vmpl' ]
export NO_COLOR=
check "an empty NO_COLOR" on_terminal 0 200 "${verify[@]}"
check "is none" grep -q "$(printf '\033')" shown

# Lines fit, and break between octets.
for width in 40 72 133; do
  check "display of $width columns" on_terminal 0 $width display report report
  check "fits $width" [ -z "$(awk -v width=$width 'length > width' shown)" ]
  check "and says the same in $width" cmp -s <(tr -d ' \n' <shown) <("$snpnv" display report report | tr -d ' \n')
  check "octets stay whole in $width" [ -z "$(grep -E '^ +([0-9a-f]{2})*[0-9a-f]$' shown | grep -vE '  [0-9]$')" ]
done
check "claims fit" on_terminal 0 80 display claims claims
check "80" [ -z "$(awk 'length > 80' shown)" ]
"$snpnv" display report report >piped
check "a pipe gets long lines" grep -qE '^MEASUREMENT  *[0-9a-f]{96} ' piped

# Waiting, where a refresh takes longer than a second.
start_paravisor --interval-ms 0 --latency-ms 1500
check "a wait" on_terminal 0 80 report report user --timeout 60
check "is explained" grep -qx 'snpnv: waiting for the report' shown
check "a quiet one" on_terminal 0 80 -q report report user --timeout 60
check "is not" [ ! -s shown ]
check "nor is one without a terminal" exits 0 "$snpnv" report report user --timeout 60
check "there nothing is said" [ ! -s err ]
start_paravisor --interval-ms 0
# It is said after a second, which a busy machine may take for it: then it is asked again.
unsaid() {
  local start
  start=$(date +%s%N)
  on_terminal 0 80 report report user && { not_said || [ $(($(date +%s%N) - start)) -lt 1000000000 ]; }
}
not_said() { ! grep -q waiting shown; }
check "no wait" within "$patience" unsaid
check "nothing to explain" not_said
summary
