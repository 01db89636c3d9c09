#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints docs/troubleshooting.md: the error codes of core/error.hpp and the response codes of wire/tpm2_rc.hpp, each with
its cure. A code without a cure, or a cure without a code, is an error.
"""
import pathlib
import re
import sys

headers = pathlib.Path(__file__).resolve().parent.parent / "include/snpnv"

# For several codes at once: what is malformed is seldom mended.
DAMAGED = "Look at the offset that the error names; get or copy the file again. From a TPM: the firmware is not one that " \
          "snpnv knows."
CURES = {
    "io_failed": "The text says which file and why: permissions (group `tss` for `/dev/tpmrm0`), a full disk, a wrong path.",
    "io_deadline": "Give more `--timeout`. Behind `--tcti` is a TPM that does not answer, or another program holds it.",
    "io_closed": "The server, swtpm or simulator ended: look at its own log.",
    "io_unavailable": "`snpnv probe` says what there is. A static build, or one with `-DSNPNV_TCTI=OFF`, has no TCTIs by name.",
    "io_tcti": "Install the TCTI's library (libtss2-tcti-swtpm0, libtss2-tcti-mssim0), start what it talks to.",
    "io_name": "Check the name and the resolver, `/etc/resolv.conf`; in an initramfs, that the network is up.",
    "io_tls": "The server speaks no TLS there, or none that both know: check scheme, port and proxy of the URL.",
    "io_certificate": "Check the clock. `--ca-file` names the authorities of a private server.",
    "record_syntax": "Record anew with `--tcti record:FILE=TCTI`.",
    "record_mismatch": "Replay the command that was recorded, with the same options and user data.",
    "record_exhausted": "Record anew: the program now asks for more than was recorded.",
    **dict.fromkeys(["wire_short", "wire_trailing", "wire_too_large", "wire_value", "wire_size", "text_hex", "text_base64",
                     "text_length", "pem_block", "json_syntax", "json_utf8", "json_depth", "json_duplicate", "json_members",
                     "json_type", "json_number", "der_encoding", "der_tag", "vek_duplicate", "hcl_sizes"], DAMAGED),
    "wire_overflow": "A caller of the library: give a larger buffer, of the size in the error.",
    "json_missing": "Evidence or claims of another format or older firmware: `snpnv display` shows what is there.",
    "json_unknown": "A policy: mend the name, `docs/policy.md` lists them.",
    "report_version": "Newer than this version of snpnv: take a newer one.",
    "report_product": "Not a processor that snpnv has roots for, or damaged: `snpnv display report` shows the fields.",
    "hcl_signature": "Not the content of NV index 0x01400001. A report alone: take the command for reports.",
    "hcl_version": "Firmware that is newer than this version of snpnv.",
    "hcl_report_type": "The machine is not an SEV-SNP one (TDX, VBS): snpnv cannot help.",
    "hcl_hash_type": "Firmware that is newer than this version of snpnv.",
    "vek_missing": "Not a VCEK or VLEK: check which certificate was given.",
    "claims_key": "An attack, or damaged: do not trust the claims, ask for a new report.",
    "crl_extension": "Not the ARK's list, which is full and plain: fetch it with `snpnv fetch crl`.",
    "json_empty": "A policy: leave the member out, or say what it asks for.",
    "quote_scheme": "Quote by the paravisor's own key at 0x81000003, which signs by RSASSA and SHA-256.",
    "record_deadline": "What writes to the pipe, or reads from it, did not start in time: start it, or give more `--timeout`.",
    "evidence_version": "Evidence newer than this version of snpnv.",
    "jwe_algorithm": "The broker is configured for other algorithms than were asked for: look at its configuration.",
    "eventlog_sha1": "Boot with a firmware and kernel that give the newer form of the log.",
    "eventlog_algorithm": DAMAGED,
    "eventlog_digests": DAMAGED,
    "url_syntax": "Write it as `http://host[:port]/path` or `https://…`.",
    "http_syntax": "Something else than a web server answers there: check host and port.",
    "http_status": "404: wrong product, chip or TCB. 429: wait, or use `--store`. 5xx: the service is ill; try another `--source`.",
    "http_redirect": "Give the URL that it redirects to, if you trust that server.",
    "tpm_rc": "See the response codes below.",
    "tpm_header": "The TPM or what is between is broken: try without a proxy or resource manager.",
    "tpm_answer": "The TPM or what is between is broken: try without a proxy or resource manager.",
    "tpm_retry": "The TPM is busy all the time: give more `--timeout`, look for who uses it.",
    "crypto_failed": "Out of memory or of entropy, or a library of another version than it was built with.",
    "crypto_unsupported": "Not an algorithm of SEV-SNP, or a library built without it.",
    "crypto_signature": "Altered, or signed by another key: do not trust it. Check that report and VCEK belong together.",
    "crypto_authentic": "Altered on the way, or encrypted for another key: ask again.",
    "crypto_point": "Altered on the way: ask again.",
    "verify_clock": "Set the clock, or give `--at`.",
    "quote_moving": "Something extends PCRs all the time: quote fewer with `--pcrs`, or later in the boot.",
    "quote_bank": "Give a bank that the TPM has, `tpm2_getcap pcrs`.",
    "quote_selection": "The TPM or what is between is broken, or somebody interferes.",
    "quote_key": "The key at 0x81000003 was replaced: restart the VM. Never create a key there.",
    "fresh_torn": "Somebody asks for reports all the time: find who else writes 0x01400002.",
    "fresh_stale": "The paravisor's refreshes fail, or take longer than the deadline: give more `--timeout`, try again later.",
    "fresh_overwritten": "Find who else writes 0x01400002; programs that use snpnv's lock wait for each other.",
    "fresh_no_user_data": "Firmware of 2023: stop and start the VM, so that it comes to a newer host; `--boot` gives what is there.",
    "fetch_tcb": "The host was updated: `--source kds` has the certificate for the report's own TCB.",
    "fetch_content": "Something between answers in place of the server, a proxy or a login page: check the URL, or take another `--source`.",
    "token_claim": "Another policy, issuer or nonce than was asked for: read the token's claims, and do not trust it.",
    "token_key": "The provider changed its keys, or it is another provider: check its URL, and ask again.",
    "broker_refused": "The broker's policy or its verifier said no: its log says why; `snpnv verify evidence` shows the same checks.",
    "broker_session": "Not a broker of Trustee's at this URL, or of another version.",
}
RESPONSES = {
    "HANDLE": "No such index or key: not a confidential VM with a paravisor, or `-T` names another TPM.",
    "NV_UNINITIALIZED": "Nothing was written there yet: the paravisor has no report. Restart the VM.",
    "NV_RANGE": "An index of another size than expected: another program defined 0x01400002 for itself.",
    "NV_LOCKED": "Locked until the next start: restart the VM.",
    "NV_AUTHORIZATION": "The index was defined with other attributes: undefine 0x01400002 with owner authorization.",
    "NV_DEFINED": "Another program defined it at the same moment: try again.",
    "NV_SPACE": "The TPM's NV memory is full: undefine indices that nobody needs.",
    "BAD_AUTH": "An owner password is set, and snpnv uses the empty one: clear it.",
    "AUTH_FAIL": "An owner password is set, and snpnv uses the empty one: clear it.",
    "LOCKOUT": "Too many wrong passwords: wait, or `tpm2_dictionarylockout --clear-lockout`.",
    "INITIALIZE": "The TPM was not started: a simulator wants TPM2_Startup; swtpm, `--flags startup-clear`.",
    "FAILURE": "The TPM failed its self-test: restart the VM.",
    "COMMAND_CODE": "The TPM does not have this command: not a paravisor's vTPM.",
    "SIZE": "In a quote: the nonce is longer than the vTPM takes, 50 octets.",
    "MEMORY": "Use `/dev/tpmrm0`, which shares the TPM, not `/dev/tpm0`.",
}
for family in ("OBJECT_MEMORY", "SESSION_MEMORY", "CONTEXT_GAP", "SESSION_HANDLES", "OBJECT_HANDLES"):
    RESPONSES[family] = RESPONSES["MEMORY"]
for family in ("RETRY", "YIELDED", "TESTING", "NV_RATE", "NV_UNAVAILABLE"):
    RESPONSES[family] = "The TPM is busy, and snpnv asks again until the deadline: give more `--timeout`."
OTHER = "The TPM refuses a command that a paravisor's vTPM takes: `snpnv probe`, and look whether `-T` names the right one."

codes = re.findall(r'X\((\w+), (0x\w+), "([^"]*)", "([^"]*)"\)', (headers / "core/error.hpp").read_text())
responses = re.findall(r"X\((\w+), (0x\w+)\)", (headers / "wire/tpm2_rc.hpp").read_text())
for names, cures in (({name for name, *_ in codes} ^ set(CURES), "CURES"),
                     (set(RESPONSES) - {name for name, _ in responses}, "RESPONSES")):
    if names:
        sys.exit(f"codes and {cures} of docs/troubleshooting.py differ: {' '.join(sorted(names))}")

print("""# Troubleshooting

An error of the tool names what, why and where; in parentheses behind it, or as `code` in JSON, stands the code by which this page
is ordered. `snpnv probe` says what is missing on this machine. Made by
`docs/troubleshooting.py` from the lists in the headers; a test compares the two. A check of the verifier that fails is no error:
`docs/checks.md`.

## Error codes

| code | cause | cure |
|---|---|---|""")
for name, _, cause, _ in sorted(codes, key=lambda code: code[1]):
    print(f"| `{name}` | {cause} | {CURES[name]} |")
print("""
## Response codes of the TPM

With the number that the error shows; parameter, handle or session are added to it.

| code | number | cure |
|---|---|---|""")
for name, number in responses:
    if name in RESPONSES:
        print(f"| `TPM_RC_{name}` | {number} | {RESPONSES[name]} |")
others = ", ".join(f"{name} {number}" for name, number in responses if name not in RESPONSES and name != "SUCCESS")
print(f"\nAll others: {OTHER} They are {others}.")
