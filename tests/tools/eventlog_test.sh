#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# snpnv display eventlog: what it says of a boot, and that its PCRs are those of tpm2_eventlog.
. "$(dirname "$0")/lib.sh"
sample=$tools/../data/event_log.bin
log() { "$tools/event_log.py" "$1" >"$1"; }

# same_as_tpm2_tools LOG: the same events of the same types in the same PCRs, and the same PCRs in each bank but SHA-1's.
same_as_tpm2_tools() {
  tpm2_eventlog "$1" >theirs 2>/dev/null || return
  "$snpnv" display eventlog "$1" --json >ours || return
  python3 - theirs ours <<'PYTHON'
import json, re, sys
ours = json.load(open(sys.argv[2]))
theirs = open(sys.argv[1]).read()
events, pcrs = theirs.split("\npcrs:")
types = re.findall(r"PCRIndex: (\d+)\n  EventType: (\S+)", events)
assert types == [(str(e["pcr"]), e["type"]) for e in ours["events"]], types
banks = {name: dict(re.findall(r"(\d+) *: 0x([0-9a-f]+)", text)) for name, text in
         re.findall(r"  (sha\d+):\n((?:    .*\n)+)", pcrs)}
assert banks.pop("sha1", None) is None or ours["not_replayed"] == ["sha1"] or "bank sha1 is not" in str(ours["surprises"])
if any("at locality" in e["says"] for e in ours["events"]):  # with which that version does not begin PCR 0
    for bank in *banks.values(), *ours["pcrs"].values():
        del bank["0"]
assert banks == ours["pcrs"], (banks, ours["pcrs"])
PYTHON
}

for case in boot off post_code after_exit banks reversed not_filled long; do
  log "$case"
  check "$case is shown" exits 0 "$snpnv" display eventlog "$case"
  check "$case: as by tpm2_eventlog" same_as_tpm2_tools "$case"
done
check "the sample too" same_as_tpm2_tools "$sample"
check "beyond 64 KiB" [ "$(stat -c %s long)" -gt 65536 ]
"$tools/event_log.py" twice >twice
check "digests that stand twice are allowed once, in their order" eval '"$snpnv" display eventlog twice --allow-list |
  jq -e --arg a "$(printf a | sha256sum | cut -c-64)" --arg b "$(printf b | sha256sum | cut -c-64)" \
    ".boot_events[\"9\"].may == [\$b, \$a]" >/dev/null'
check "lines that stand twice are shown once, in their order" [ "$("$snpnv" display eventlog twice --json |
  jq -c .command_lines)" = '["b","a"]' ]
check "every event of it" [ "$("$snpnv" display eventlog long | grep -c '^ *[0-9]* PCR ')" -eq $((19 + 2000)) ]
check "a log without a size, as sysfs shows it" exits 0 bash -c 'cat long | "$1" display eventlog -' - "$snpnv"

# says CASE WORDS: one of the lines in front of the events.
says() {
  exits "${3:-0}" "$snpnv" display eventlog "$1" && sed '/^$/,$d' out >summary && grep -q -e "$2" summary && return
  cat summary >&2
  return 1
}
check "secure boot is on" says boot '^secure boot  *on$'
check "or off" says off '^secure boot  *off$'
check "what let images in" says boot '^authority  *SbatLevel = sbat,1,2021030218'
check "the vendor's too" says boot '^authority  *vendor_db = 01$'
check "the boot loader" says boot '^image, unproven name  *\\\\EFI\\\\debian\\\\shimx64.efi, 946736 octets$'
check "the kernel" says boot '^kernel by GRUB  *linux /vmlinuz root=/dev/vda1 ro$'
check "its command line" says boot '^command line  */vmlinuz root=/dev/vda1 ro$'
check "nothing that surprises" says boot '^surprise  *none$'
log older_shim
check "an image with octets behind it" says older_shim '^image, unproven name  *\\\\EFI\\\\redhat\\\\grubx64.efi, 1902536 octets$'
check "an authority with octets behind it" says older_shim '^authority  *Shim = 01$'
check "a bank that is not replayed" says banks '^banks  *sha1 (not replayed), sha256, sha384, sha512$'
check "a bank that is not filled" says not_filled '^surprise  *bank sha1 is not filled'
log changed
check "a changed event by its number" says changed '^surprise  *event 1, PCR 7: its digest is not that'
check "secure boot is not said by it" says changed '^secure boot  *not said$'
log unknown_type
check "a type that is none" says unknown_type '^surprise  *event 19, PCR 2: type 00001234'
check "an event a line" exits 0 "$snpnv" display eventlog post_code
check "with a POST code of nine octets" grep -Eq '^ +1 PCR 0  EV_POST_CODE +digest alone +ACPI DATA$' out
check "proven content" grep -Eq '^ +2 PCR 7  EV_EFI_VARIABLE_DRIVER_CONFIG +proven +SecureBoot = 01$' out
check "as JSON" exits 0 "$snpnv" display eventlog changed --json
check "with the judgement" jq -e '.secure_boot == null and .bank == "sha256" and .events[1].proof == "unproven"' out

# refused CASE CODE OFFSET EVENTS: with so many events shown that stand in front.
refused() {
  log "$1"
  check "$1 is refused" exits 3 "$snpnv" display eventlog "$1"
  check "$1: by name and place" grep -q "at offset $3 ($2)" err
  check "$1: the events in front are shown" [ "$(grep -c '^ *[0-9]* PCR ' out)" -eq "$4" ]
  check "$1: with --json too" exits 3 "$snpnv" display eventlog "$1" --json
  check "$1: in one object" jq -e --arg code "$2" '.error.code == $code' out
}
size=$(stat -c %s boot)
refused no_digest eventlog_digests $((size + 8)) 19
refused many_digests eventlog_digests $((size + 8)) 19
refused beyond wire_short $((size + 72)) 19
refused cut wire_short $((size + 72)) 19
refused sha1 eventlog_sha1 0 0
refused registers wire_value 0 0
: >empty
check "an empty log" exits 3 "$snpnv" display eventlog empty
check "is said to be empty" grep -q '^snpnv: empty: the event log is empty (empty)$' err
check "with the cause" grep -q '^hint: .*measured nothing' err

# With a quote: a TPM that was extended by what the log says.
start_paravisor
jq -r '.events[] | select(.type != "EV_NO_ACTION") | "\(.pcr):sha256=\(.digests.sha256)"' \
  <("$snpnv" display eventlog boot --json) >digests
while read -r extension; do tpm2_pcrextend "$extension"; done <digests
nonce=$(printf 'a5%.0s' $(seq 48))
evidence() { "$snpnv" evidence evidence.json --nonce "$nonce" --vcek "$state/vcek.pem" "$@"; }
judge() { "$snpnv" verify evidence evidence.json --certs "$state" --root "$state/ark.pem" --nonce "$nonce" "$@"; }
check "evidence with the log" exits 0 evidence --event-log=boot
check "carries it in base64" cmp -s boot <(jq -r .cc_eventlog evidence.json | openssl base64 -d -A)
check "which needs all of its digits" grep -q '"cc_eventlog":"[^"]*[+/]' evidence.json
check "verifies" exits 0 judge
check "by the log's own checks" grep -q '^PASS eventlog.format — events 19$' out
check "that say what it explains" grep -q '^PASS eventlog.replay — PCRs 0-9; zero 10-16,23$' out

# What a policy asks of it. Fingerprints by sha256sum: of the octet 01, which is vendor_db's.
vendor=4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a
line='/vmlinuz root=/dev/vda1 ro'
check "secure boot, its authority and the command line are as asked" exits 0 judge --secure-boot-log true \
  --secure-boot-authority "$vendor" --kernel-command-line quiet --kernel-command-line "$line"
check "by checks of their own" [ "$(grep -c '^PASS policy.\(secure_boot_log\|kernel_command_line\) ' out)" -eq 2 ]
check "a known-good log" exits 0 "$snpnv" display eventlog boot --allow-list
cp out allowed.json
check "is an allow-list" exits 0 judge --policy allowed.json
check "that judges every event" grep -q '^PASS policy.boot_events — events 18$' out
check "or beside a policy" exits 0 judge --boot-events allowed.json
check "not twice" exits 2 judge --policy allowed.json --boot-events allowed.json
check "not with more in it" exits 3 judge --boot-events <(jq -c '.vmpl = 0' allowed.json)
check "by name" grep -q '(json_unknown)' err
check "not of a log that is cut" exits 3 "$snpnv" display eventlog cut --allow-list
check "of which nothing is written" [ ! -s out ]
asked() { # CHECK WORDS OPTION...: the check fails, and it alone.
  check "$1: rejects" exits 1 judge "${@:3}"
  check "$1: by itself" [ "$(grep ^FAIL out)" = "FAIL $1 — $2" ]
}
asked policy.secure_boot_log 'SecureBoot: has another value; expected false, found true' --secure-boot-log false
asked policy.secure_boot_log 'PCR 7: what is not allowed let an image in, by number; found 14' \
  --secure-boot-authority "${vendor/4/5}"
asked policy.kernel_command_line 'PCR 8: has another command line, by number; found 15' --kernel-command-line quiet
asked policy.boot_events 'PCR 4: what is not allowed was measured, by number; found 12' --boot-events <(
  jq -c '.boot_events["4"].may |= .[:1]' allowed.json)
check "a log that is absent" exits 1 "$snpnv" verify evidence <(jq -c '.cc_eventlog = null' evidence.json) \
  --certs "$state" --root "$state/ark.pem" --secure-boot-log true
check "fails what is asked of it" grep -q '^FAIL policy.secure_boot_log — event log: there is none$' out
check "a log that does not lead there" exits 1 judge --event-log off --secure-boot-log false
check "proves nothing" grep -q '^SKIP policy.secure_boot_log — the events are not proven$' out

tpm2_pcrextend 11:sha256="$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
check "evidence of a system that went on" exits 0 evidence --event-log=boot
check "verifies" exits 0 judge
check "and says what the log does not explain" grep -q '^PASS eventlog.replay — PCRs 0-9; not explained 11; zero 10,12-16,23$' out

# systemd's log, in a folder and beside the evidence: PCR 11 as enter-initrd made it on a TPM that was not extended.
record() { # PCR TEXT
  printf '\036{"pcr":%s,"digests":[{"hashAlg":"sha256","digest":"%s"}],"content_type":"systemd","content":{"eventType":"phase","string":"%s"}}\n' \
    "$1" "$(printf %s "$2" | sha256sum | cut -d' ' -f1)" "$2"
}
record 15 machine-id:0 >systemd.log
tpm2_pcrextend 15:sha256="$(printf machine-id:0 | sha256sum | cut -d' ' -f1)"
folder() { "$snpnv" evidence folder --random --format dir --event-log=boot "$@"; }
check "a folder with systemd's log" exits 0 folder --systemd-log=systemd.log
check "as it is" cmp -s systemd.log folder/systemd_log.json-seq
check "evidence again" exits 0 evidence --event-log=boot
check "without it, PCR 15 is not explained" exits 0 judge
check "which is said" grep -q '^PASS eventlog.replay — PCRs 0-9; not explained 11,15; zero 10,12-14,16,23$' out
check "with it" exits 0 judge --systemd-log systemd.log
check "PCR 15 is" grep -q '^PASS eventlog.replay — PCRs 0-9,15; not explained 11; zero 10,12-14,16,23$' out
check "a record that is cut" exits 1 judge --systemd-log <(head -c -1 systemd.log)
check "is named" grep -q "^FAIL eventlog.format — systemd's log: .*(wire_short)$" out
check "it has no place in Trustee's evidence" exits 2 evidence --systemd-log=systemd.log
: >nothing
check "an empty one" exits 3 folder --systemd-log=nothing
check "is said to be empty" grep -q '^snpnv: nothing: the log is empty (empty)$' err
cp systemd.log marked
chmod +t marked
check "one that is marked as incomplete" exits 3 folder --systemd-log=marked
check "is refused" grep -q '^snpnv: marked: the log is marked as incomplete (incomplete)$' err
# While somebody measures, he is waited for, and what he adds is there.
mkfifo locked go
flock systemd.log sh -c 'echo >locked; read -r _ <go' &
measuring=$!
read -r _ <locked
rm -r folder
SNPNV_STEP_FILE=step folder --systemd-log=systemd.log --timeout 300 >out 2>err &
collecting=$!
await_line step "^systemd's log: waiting"
record 15 file-system:/ >>systemd.log
echo >go
check "systemd's lock is waited for" await_exit "$collecting"
await_exit "$measuring"
check "and what it measured meanwhile is there" cmp -s systemd.log folder/systemd_log.json-seq

# rejected LOG CHECK WORDS: by that check alone.
rejected() {
  check "$1: is rejected" exits 1 judge --event-log "$1"
  check "$1: by $2" grep -q "^FAIL $2 — $3" out
  check "$1: alone" [ "$(grep -c ^FAIL out)" -eq 1 ]
}
rejected changed eventlog.replay 'PCR 7: the digest of an event is not that of what it says, by number; found 1$'
rejected off eventlog.replay 'PCR 7: the events lead to another value'
rejected after_exit eventlog.replay 'PCR 5: the log goes on behind the event.*found 18$'
rejected unknown_type eventlog.replay 'PCR 2: the log goes on'
rejected cut eventlog.format 'event log: input ends before the field'
rejected sha1 eventlog.format 'event log: .*SHA-1 alone'
rejected empty eventlog.format 'event log: is empty'
check "bank of SHA-1 that is not filled" exits 0 judge --event-log not_filled
check "digests in another order" exits 0 judge --event-log reversed
check "no such log" exits 3 judge --event-log absent
check "by name" grep -q '^snpnv: absent: ' err
check "one log for a stream of evidence" exits 2 judge --stream --event-log boot
jq -c '.cc_eventlog = "AAAA*"' evidence.json >broken.json
check "a log that is no base64" exits 1 "$snpnv" verify evidence broken.json --certs "$state" --root "$state/ark.pem"
check "by name" grep -q text_base64 err
jq -c '.cc_eventlog = null' evidence.json >none.json
check "no log" exits 0 "$snpnv" verify evidence none.json --certs "$state" --root "$state/ark.pem"
check "is what was not asked for" grep -q '^SKIP eventlog.replay — .*--event-log FILE turns it on$' out
check "a folder with the log" exits 0 "$snpnv" evidence parts --random --format dir --event-log=boot
check "as it is" cmp -s boot parts/event_log.bin

# not_collected STATUS WORDS OPTION...: nothing is written.
not_collected() {
  check "evidence ${*:3}" exits "$1" "$snpnv" evidence refused --random --vcek "$state/vcek.pem" "${@:3}"
  check "evidence ${*:3}: says why" grep -q -e "$2" err
  check "evidence ${*:3}: nothing is written" [ ! -e refused ]
}
not_collected 3 '^snpnv: empty: the event log is empty (empty)$' --event-log=empty
not_collected 3 '^snpnv: absent: No such file' --event-log=absent
not_collected 3 '^snpnv: /proc/sys/kernel/random/uuid: .*(quote_moving)$' --event-log=/proc/sys/kernel/random/uuid
not_collected 2 'standard input cannot be' --event-log=-
not_collected 2 'MAA has no place' --event-log=boot --format maa
if [ ! -e /sys/kernel/security/tpm0/binary_bios_measurements ]; then
  not_collected 3 'tpm0/binary_bios_measurements: No such file' --event-log
  check "with what it takes" grep -q '^hint: .*securityfs is mounted' err
fi
summary
