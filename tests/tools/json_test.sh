#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --json: whatever a command is given, standard output has one JSON object, whose values have their types, and the
# exit status is the one of the same command without --json.
pki=$(cd "$(dirname "$0")/../pki/milan" && pwd)
. "$(dirname "$0")/lib.sh"
export SNPNV_TCTI=replay:/nonexistent

# One process judges all objects: it is told a condition for the object `o` that ./out has to be, and answers by a line.
coproc judge { python3 -uc '
import json, sys
def names(pairs):
    keys = [k for k, _ in pairs]
    assert len(set(keys)) == len(keys) and all(k == k.lower() and "-" not in k for k in keys), keys
    return dict(pairs)
def holds(condition):
    text = open("out", "rb").read()
    assert text.isascii(), text
    lines = text.decode().splitlines()
    assert len(lines) == 1, lines
    o = json.loads(lines[0], object_pairs_hook=names)
    assert isinstance(o, dict), o
    assert eval(condition, {"o": o}), (condition, o)
for condition in sys.stdin:
    try:
        holds(condition)
        print("holds")
    except Exception as error:
        print(repr(error))
'; }
holds() {
  local answer=
  printf '%s\n' "$1" >&"${judge[1]}"
  read -r answer <&"${judge[0]}"
  [ "$answer" = holds ] || { echo "$answer" >&2; return 1; }
}
# object STATUS CONDITION ARGUMENT...: exits STATUS, and the condition holds for the object that is printed.
object() {
  check "status of: ${*:3}" exits "$1" "$snpnv" "${@:3}" --json
  check "one object of: ${*:3}" holds "$2"
}
error='isinstance(o["error"]["why"], str) and set(o["error"]) == {"what", "why", "code", "hint"}'
unread='o["verified"] is False and o["rejected_by"] is None and o["error"]["code"]'

start_paravisor
user_data user json
exits 0 "$snpnv" report report user --envelope envelope --claims claims || exit 1
nonce=$(printf '5a%.0s' $(seq 48))
exits 0 "$snpnv" evidence evidence.json --nonce "$nonce" --vcek "$state/vcek.pem" || exit 1
root=(--root "$pki/ark.pem")
mkdir certs
cp "$pki"/{ark,ask,vcek}.pem certs

# What bad input each operand can be: nothing, empty, short, octets, text, JSON of another kind, too long, absent.
: >empty
head -c 63 report >short
openssl dgst -sha512 -binary report >octets
echo '404 - Not Found' >text
echo '{"a":[1,2,{"b":null}]}' >other
head -c 1100000 /dev/zero >long
bad=(empty short octets text other long absent "$work")
for input in "${bad[@]}"; do
  status=3
  [ "$input" = "$work" ] || [ "$input" = absent ] || [ "$input" = long ] || status=1
  for command in "display report" "display envelope" "display evidence" "display cert" "display eventlog"; do
    # shellcheck disable=SC2086
    object 3 "$error" $command "$input"
  done
  [ "$input" = other ] || object 3 "$error" display claims "$input"
  object $status "$unread" verify attestation certs "$input" "${root[@]}"
  object $status "$unread" verify envelope certs "$input" --user-data 00 "${root[@]}"
  object $status "$unread" verify evidence "$input" --certs certs "${root[@]}"
  object 3 "$error" fetch vcek pem d "$input"
  object 3 "$error" fetch ca pem d -r "$input"
  object 3 "$error" fetch crl pem d -r "$input"
  if [ "$input" != short ] && [ "$input" != octets ]; then  # which are judged with the rest
    object 3 "$error" evidence - --random --vcek "$input"
    object 3 "$unread" verify certs certs --crl "$input"
  fi
  object 3 'o["verified"] is False' verify certs certs --root "$input"
  object 3 "$error" -T "replay:$input" report r user
  [ "$input" = octets ] || object 3 "$error" report r "$input"
done
mkdir swapped
cp "$pki/ark.pem" swapped/ask.pem
cp "$pki/ask.pem" swapped/ark.pem
cp "$pki/vcek.pem" swapped
object 1 'o["verified"] is False and o["rejected_by"] == "chain.root_pinned" and "error" not in o' verify certs swapped
check "which says that the order is wrong" grep -q 'the order is wrong' out

# Wrong usage of each command, and of none.
object 2 "$error" frobnicate
object 2 "$error"
object 2 "$error" display
for command in report probe quote evidence "display report" "display envelope" "display claims" "display cert" \
  "display evidence" "display eventlog" "verify certs" "verify attestation" "verify envelope" "verify evidence" "fetch ca" "fetch vcek" \
  "fetch crl"; do
  # shellcheck disable=SC2086
  object 2 "$error" $command --frobnicate
  # shellcheck disable=SC2086
  object 2 "$error" $command a b c d e
done
object 3 "$error" fetch ca pem d milan --kds-url http://127.0.0.1:9 --source kds
object 3 "$error" fetch crl pem d milan --kds-url http://127.0.0.1:9 --source kds
for command in "report r user" "quote q --nonce 00" "evidence e --random --format dir"; do
  # shellcheck disable=SC2086
  object 3 "$error" $command -T swtpm:host=127.0.0.1,port=1
done
object 3 'o["tpm"] is None and o["complete"] is False' probe -T swtpm:host=127.0.0.1,port=1
object 1 "$error" verify evidence --stream --certs certs </dev/null

# Types, where commands succeed.
object 0 'o["complete"] is True and type(o["sev_guest"]) is bool' probe
object 0 'o["fresh"] is True and type(o["reads"]) is int' report r user
object 0 'o["version"] == 3 and type(o["policy"]) is dict' display report report
object 0 'o["envelope"]["version"] == 2 and o["claims_bound"] is True' display envelope envelope
object 0 'o["vm_configuration"]["secure_boot"] in (True, False) and o["hcl_ak_pub"]["bits"] == 2048' display claims claims
object 0 'o["ucode_spl"] == 219 and o["ca"] is False and o["subject"] == "SEV-VCEK"' display cert "$pki/vcek.pem"
object 0 'all(type(o[k]) is int for k in ("version", "clock", "reset_count", "restart_count", "hcl_report_size", "vcek_size"))' \
  display evidence evidence.json
object 0 'o["secure_boot"] is True and len(o["events"]) == 10 and type(o["events"][9]["pcr"]) is int' display eventlog \
  "$tools/../data/event_log.bin"
object 0 'o["verified"] is True' verify evidence evidence.json --certs certs "${root[@]}" --nonce "$nonce"
object 0 '[c["found"] for c in o["checks"] if c["name"] == "policy.secure_boot"] == [True]' verify attestation certs report \
  "${root[@]}" --claims claims --secure-boot
object 1 '[(c["expected"], c["found"]) for c in o["checks"] if c["name"] == "policy.vmpl"] == [(3, 0)]' verify attestation \
  certs report "${root[@]}" --vmpl 3

# Names that are no text, and text that a terminal would obey: escaped in lines, unaltered in JSON.
odd=$'odd\x9b\xff\xe2\x80\xae\xc2\x85\\'
object 3 'o["error"]["what"] == "odd\uef9b\uefff\u202e\u0085\\"' display report "$odd"
check "on a line" [ "$(head -n 1 err)" = 'snpnv: odd\x9b\xff\u202e\u0085\\: No such file or directory (errno 2)' ]
printf '{"vm-configuration":{"vmUniqueId":"\\u202e\xc2\x9b\xc3\xa4"},"user-data":""}' >claims.odd
object 0 'o["vm_configuration"]["vm_unique_id"] == "\u202e\u009b\u00e4"' display claims claims.odd
check "claims on a line" exits 0 "$snpnv" display claims claims.odd
check "are escaped" grep -q '^  vmUniqueId  *\\u202e\\u009b\\u00e4$' out
cp "$pki/ark.pem" "$odd"
check "a file of such a name is fetched to" exits 3 "$snpnv" verify certs "$odd"
check "no octet of it is printed" bash -c '! LC_ALL=C grep -q "[^ -~]" err'
summary
