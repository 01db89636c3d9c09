#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints docs/troubleshooting.md: the error codes of core/error.hpp and the response codes of wire/tpm2_rc.hpp, each with
its cure. A code without a cure, or a cure without a code, is an error.
"""
import pathlib
import re
import sys

headers = pathlib.Path(__file__).resolve().parent.parent / "include/snpnv"

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
    "wire_short": "The file was cut off: compare its size with the one that it had, and copy it again in binary form.",
    "wire_trailing": "More than one thing in the file, or a text form of it: give the binary one alone. NV index 0x01400001 "
                     "with its envelope is not a report: `verify envelope`, `display envelope`.",
    "wire_too_large": "Another file than was meant: see which one the error names, and the limit beside it.",
    "wire_value": "The field at the offset that the error names was altered, or is of newer firmware than this version of snpnv "
                  "knows: `snpnv display` shows the fields before it.",
    "wire_size": "Altered, or two files joined: get it again. A length inside says more or less than there is.",
    "text_hex": "Two digits for each octet, without spaces, `0x` or `:`.",
    "text_base64": "Letters, digits, `-` and `_`, or `+` and `/` where padded: copy the text whole, without line breaks.",
    "text_length": "Text of another thing than was asked for: a nonce has at most 50 octets in a quote, a SHA-384 digest 48.",
    "pem_block": "Copy from `-----BEGIN` to `-----END`, both lines whole; a certificate is wanted, no key and no request.",
    "json_syntax": "Look at the offset: a comma too many, a comment, or the end is missing. `jq . FILE` says it too.",
    "json_utf8": "Save the file as UTF-8.",
    "json_depth": "No document of this kind is so deep: it is another one, or made to do harm.",
    "json_duplicate": "Take one of the two out: readers do not agree on which one counts, so none does.",
    "json_members": "No document of this kind has so many members: it is another one, or made to do harm.",
    "json_type": "A number without quotes, text with them, a list in brackets: `docs/policy.md` and `docs/evidence.md` have the forms.",
    "json_number": "A whole number, not negative, in the field's range; large ones without exponent.",
    "der_encoding": "Not a certificate or revocation list, or damaged: `openssl x509 -in FILE -text -noout` shows one.",
    "der_tag": "A certificate in the place of a revocation list, or the other way round; or one that is not AMD's.",
    "vek_duplicate": "Not AMD's: no VCEK has an extension twice. Fetch it again.",
    "hcl_sizes": "Altered, or cut and filled up: read NV index 0x01400001 again, whole.",
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
    "eventlog_algorithm": "Damaged, or the firmware's fault: read /sys/kernel/security/tpm0/binary_bios_measurements again.",
    "eventlog_digests": "Damaged, or the firmware's fault: read /sys/kernel/security/tpm0/binary_bios_measurements again.",
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
# What each means, TPM 2.0 Library Part 2, 6.6.3; and what to do where a paravisor's vTPM says so to a command of snpnv's.
REFUSED = "No command of snpnv's should meet it: see whether `-T` names the right TPM, and what is between."
MEMORY = "Use `/dev/tpmrm0`, which shares the TPM, not `/dev/tpm0`."
BUSY = "snpnv asks again until the deadline: give more `--timeout`."
PASSWORD = "An owner password is set, and snpnv uses the empty one: clear it."
RESTART = "Restart the VM."
FOREIGN = "Another program defined 0x01400002 for itself: undefine it with owner authorization, and snpnv defines it anew."
RESPONSES = {
    "BAD_TAG": ("the tag is not one of a command", "A TPM 1.2, or no TPM at all: see what `-T` names."),
    "ASYMMETRIC": ("asymmetric algorithm not supported", REFUSED),
    "ATTRIBUTES": ("attributes that do not go together", FOREIGN),
    "HASH": ("hash algorithm not supported", "Give `--pcrs` a bank that the TPM has, `tpm2_getcap pcrs`."),
    "VALUE": ("value out of range, or not correct here", "In a quote: see that the PCRs asked for are below 24."),
    "HIERARCHY": ("hierarchy not enabled, or not correct here",
                  "The owner hierarchy is disabled: restart the VM, and see who disables it."),
    "KEY_SIZE": ("key size not supported", REFUSED),
    "MGF": ("mask generation function not supported", REFUSED),
    "MODE": ("mode of operation not supported", REFUSED),
    "TYPE": ("type not correct here", "The key at 0x81000003 is not the paravisor's: restart the VM."),
    "HANDLE": ("handle not correct here", "No such index or key: not a confidential VM with a paravisor, or `-T` names another TPM."),
    "KDF": ("key derivation function not supported", REFUSED),
    "RANGE": ("value out of the allowed range", REFUSED),
    "AUTH_FAIL": ("authorization failed, and counts for the lockout", PASSWORD),
    "NONCE": ("nonce of the session is not correct", REFUSED),
    "PP": ("needs physical presence", REFUSED),
    "SCHEME": ("scheme not supported by the key", "The key at 0x81000003 is not the paravisor's: restart the VM."),
    "SIZE": ("structure of the wrong size", "In a quote: the nonce is longer than the vTPM takes, 50 octets."),
    "SYMMETRIC": ("symmetric algorithm not supported", REFUSED),
    "TAG": ("structure with the wrong tag", REFUSED),
    "SELECTOR": ("selector of a union is not correct", REFUSED),
    "INSUFFICIENT": ("command ends before its parameters", "What is between cuts commands: try without a proxy."),
    "SIGNATURE": ("signature is not valid", REFUSED),
    "KEY": ("key fields are not compatible", "The key at 0x81000003 is not the paravisor's: restart the VM."),
    "POLICY_FAIL": ("policy check failed", "The index or key wants a policy: another program made it. " + FOREIGN),
    "INTEGRITY": ("integrity check failed", REFUSED),
    "TICKET": ("ticket is not valid", REFUSED),
    "RESERVED_BITS": ("reserved bits are not zero", REFUSED),
    "BAD_AUTH": ("authorization failed, and does not count for the lockout", PASSWORD),
    "EXPIRED": ("policy has expired", REFUSED),
    "POLICY_CC": ("policy is for another command", REFUSED),
    "BINDING": ("public and sensitive part do not belong together", REFUSED),
    "CURVE": ("curve not supported", REFUSED),
    "ECC_POINT": ("point is not on the curve", REFUSED),
    "INITIALIZE": ("the TPM was not started", "A simulator wants TPM2_Startup; swtpm, `--flags startup-clear`."),
    "FAILURE": ("the TPM failed its self-test", RESTART),
    "SEQUENCE": ("wrong use of a sequence handle", REFUSED),
    "PRIVATE": ("not used", REFUSED),
    "HMAC": ("not used", REFUSED),
    "DISABLED": ("the command is disabled", REFUSED),
    "EXCLUSIVE": ("an audit session wanted to be alone", REFUSED),
    "AUTH_TYPE": ("handle does not take this kind of authorization", FOREIGN),
    "AUTH_MISSING": ("command without the authorization that it needs", "What is between cuts commands: try without a proxy."),
    "POLICY": ("policy failed", REFUSED),
    "PCR": ("PCR check failed", REFUSED),
    "PCR_CHANGED": ("PCRs changed since they were checked", "Try again, later in the boot."),
    "UPGRADE": ("the TPM is in field upgrade mode", RESTART),
    "TOO_MANY_CONTEXTS": ("context counter at its maximum", RESTART),
    "AUTH_UNAVAILABLE": ("authorization not available for this entity", FOREIGN),
    "REBOOT": ("the TPM must be started anew", RESTART),
    "UNBALANCED": ("hash and other algorithms of a key do not balance", REFUSED),
    "COMMAND_SIZE": ("commandSize is not the size of the command", "What is between cuts or joins commands: try without a proxy."),
    "COMMAND_CODE": ("command not implemented", "Not a paravisor's vTPM: see what `-T` names."),
    "AUTHSIZE": ("authorizationSize out of range", "What is between alters commands: try without a proxy."),
    "AUTH_CONTEXT": ("authorization for a command that takes none", REFUSED),
    "NV_RANGE": ("offset or size beyond the index", "An index of another size than expected. " + FOREIGN),
    "NV_SIZE": ("size of the NV area is too large", REFUSED),
    "NV_LOCKED": ("index is locked", "Locked until the next start. " + RESTART),
    "NV_AUTHORIZATION": ("index may not be used by this authorization", FOREIGN),
    "NV_UNINITIALIZED": ("index was never written", "The paravisor has put no report there. " + RESTART),
    "NV_SPACE": ("not enough space for an index", "The TPM's NV memory is full: undefine indices that nobody needs."),
    "NV_DEFINED": ("index is already defined", "Another program defined it at the same moment: try again."),
    "BAD_CONTEXT": ("saved context is not valid", RESTART),
    "CPHASH": ("cpHash is already set, or not correct", REFUSED),
    "PARENT": ("parent handle is not a valid one", REFUSED),
    "NEEDS_TEST": ("a function needs to be tested first", BUSY),
    "NO_RESULT": ("no result, for a reason that is not told", RESTART),
    "SENSITIVE": ("sensitive part did not unmarshal", REFUSED),
    "CONTEXT_GAP": ("gap between contexts is too large", MEMORY),
    "OBJECT_MEMORY": ("no memory for an object", MEMORY),
    "SESSION_MEMORY": ("no memory for a session", MEMORY),
    "MEMORY": ("no memory", MEMORY),
    "SESSION_HANDLES": ("no handle for a session", MEMORY),
    "OBJECT_HANDLES": ("no handle for an object", MEMORY),
    "LOCALITY": ("not from this locality", REFUSED),
    "YIELDED": ("the TPM stopped the command for another", BUSY),
    "CANCELED": ("the command was cancelled", "Another program cancels commands, by /sys/class/tpm: find it, try again."),
    "TESTING": ("the TPM tests itself", BUSY),
    "NV_RATE": ("the TPM slows writes down to save its memory", BUSY),
    "LOCKOUT": ("locked out after too many wrong passwords", "Wait, or `tpm2_dictionarylockout --clear-lockout`."),
    "RETRY": ("the TPM could not start the command", BUSY),
    "NV_UNAVAILABLE": ("NV memory is not available now", BUSY),
}
for number in range(7):
    RESPONSES[f"REFERENCE_H{number}"] = (f"handle {number + 1} names what is not loaded",
                                         "Another program works on `/dev/tpm0` beside: let all use `/dev/tpmrm0`.")
    RESPONSES[f"REFERENCE_S{number}"] = (f"session {number + 1} names what is not loaded", RESPONSES["REFERENCE_H0"][1])

codes = re.findall(r'X\((\w+), (0x\w+), "([^"]*)", "([^"]*)"\)', (headers / "core/error.hpp").read_text())
responses = re.findall(r"X\((\w+), (0x\w+)\)", (headers / "wire/tpm2_rc.hpp").read_text())
for names, cures in (({name for name, *_ in codes} ^ set(CURES), "CURES"),
                     (set(RESPONSES) ^ ({name for name, _ in responses} - {"SUCCESS"}), "RESPONSES")):
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

| code | number | cause | cure |
|---|---|---|---|""")
for name, number in responses:
    if name != "SUCCESS":
        print(f"| `TPM_RC_{name}` | {number} | {' | '.join(RESPONSES[name])} |")
