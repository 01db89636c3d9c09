#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a manual page to standard output: of snpnv or snpnv-paravisor from the program's --help, of snpnv-boot or
initramfs.conf from the file's comments.

usage: make.py PROGRAM|FILE
"""
import re
import subprocess
import sys

FURTHER = {
    "snpnv": """.SH ENVIRONMENT
.TP
.B SNPNV_TCTI
the TPM to use where no
.B \\-\\-tcti
is given; else
.BR TPM2TOOLS_TCTI ,
.IR /dev/tpmrm0 ,
.IR /dev/tpm0 .
.TP
.B SNPNV_STEP_FILE
a file that always holds the step under way and what it waits for: for whoever has to leave the process behind
.SH FILES
.TP
.I /run/lock/snpnv.lock
held while a report is asked for, so that cooperating processes do not overwrite each other's user data;
in
.B XDG_RUNTIME_DIR
where that is not writable, and for a TPM that is not the machine's own.
.SH EXAMPLES
A fresh report over 64 random octets, and what it says:
.PP
.EX
snpnv report report.bin user\\-data.bin \\-\\-random
snpnv display report report.bin
.EE
.PP
Its verification against the certificates in a folder:
.PP
.EX
snpnv verify attestation certs report.bin
.EE
.SH SEE ALSO
.BR snpnv\\-paravisor (1),
.BR tpm2_nvread (1)
""",
    "snpnv-paravisor": """.SH EXAMPLES
.EX
snpnv\\-paravisor \\-\\-state state \\-\\-listen 127.0.0.1:2321 &
snpnv \\-T swtpm:host=127.0.0.1,port=2321 report report.bin user\\-data.bin \\-\\-random
snpnv verify attestation state report.bin \\-\\-root state/ark.pem
.EE
.SH SEE ALSO
.BR snpnv (1),
.BR swtpm (8)
""",
    "snpnv-boot": """.SH FILES
.TP
.I /etc/snpnv/initramfs.conf
the options, see
.BR snpnv\\-initramfs.conf (5)
.SH SEE ALSO
.BR snpnv (1),
.BR snpnv\\-initramfs.conf (5),
.BR dracut (8),
.BR initramfs\\-tools (7)
""",
    "snpnv-initramfs.conf": """.SH SEE ALSO
.BR snpnv\\-boot (8),
.BR snpnv (1)
""",
}


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout


class Help:
    """The paragraphs of a help text: its usage, prose before and after, and its lists by title."""

    def __init__(self, text):
        self.usage, self.prose, self.lists = "", [], {}
        text = re.sub(r"\n {7,}(?=\S)", " ", text)  # lines that go on
        for paragraph in re.split(r"\n\s*\n", text.strip()):
            lines = paragraph.split("\n")
            title = lines[0].rstrip(":")
            if lines[0].startswith("usage: "):
                self.usage = lines[0].removeprefix("usage: ")
            elif len(lines) > 1 and lines[1].startswith("  "):
                self.lists[title] = [self.entry(line) for line in lines[1:]]
            else:
                self.prose.append(" ".join(lines))

    @staticmethod
    def entry(line):
        what, meaning = re.match(r"^ +(\S(?:\S| (?! ))*(?:,)?(?: +--\S+(?: \S+)?)?) +(\S.*)$", line).groups()
        return re.sub(r" +", " ", what).strip(), meaning


def paragraph(text):
    return ".PP\n" + escape(text) + "\n"


def entries(rows):
    return "".join(f".TP\n.B {escape(what)}\n{escape(meaning)}\n" for what, meaning in rows)


def paragraphs(path):
    """The comments at the beginning of a file; of initramfs.conf all of it, each with its NAME=VALUE."""
    with open(path) as file:
        text = file.read().removeprefix("#!/bin/sh\n")
    text = re.sub(r"(# SPDX-|trap ).*\n", "", text)  # the script's first command stands above what it says of itself
    lines = re.match(r"(#.*\n|\n)+", text).group().split("\n")
    lines = [re.sub(r"^# ?", "", line) for line in lines]
    return [p.split("\n") for p in re.split(r"\n{2,}", "\n".join(lines).strip())]


def version_of_project():
    with open(sys.path[0] + "/../../include/snpnv/version.hpp") as file:
        return re.search(r'SNPNV_VERSION "(.*)"', file.read()).group(1)


def page(name, section, title, synopsis, body):
    sys.stdout.write(f'.TH {name.upper()} {section} "" "snpnv {version_of_project()}"\n.SH NAME\n{escape(name)} \\- '
                     f"{escape(title)}\n.SH SYNOPSIS\n.B {escape(synopsis)}\n.SH DESCRIPTION\n{body}{FURTHER[name]}")


def page_of_script(path):
    body = ""
    for lines in paragraphs(path):
        text = [line for line in lines if not line.startswith("  ")]
        usage = [line for line in lines if line.startswith("  ")]
        body += paragraph(" ".join(text)) + entries(re.split(r" {3,}", line.strip()) for line in usage)
    page("snpnv-boot", 8, "attests a boot from the initramfs", "/usr/lib/snpnv/snpnv-boot [--key] [COMMAND...] | --check [ROOT]", body)


def page_of_configuration(path):
    first, *options = paragraphs(path)
    page("snpnv-initramfs.conf", 5, "what snpnv does in the initramfs", "/etc/snpnv/initramfs.conf",
         paragraph(" ".join(first)) + ".SH OPTIONS\n" +
         entries((lines[-1], " ".join(lines[:-1])) for lines in options))


def page_of_program(program):
    name = program.rsplit("/", 1)[-1]
    top = Help(help_of(program))
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    summary = {"snpnv": "fresh AMD SEV-SNP attestation reports through a vTPM, and their verification",
               "snpnv-paravisor": "a vTPM with emulated AMD SEV-SNP attestation reports"}[name]
    exits = [p for p in top.prose if p.startswith("exit status: ")]
    out = f'.TH {name.upper()} 1 "" "snpnv {version}" "User Commands"\n'
    out += f".SH NAME\n{escape(name)} \\- {escape(summary)}\n"
    out += f".SH SYNOPSIS\n.B {escape(top.usage)}\n.SH DESCRIPTION\n"
    out += "".join(paragraph(p) for p in top.prose if p not in exits)
    commands = top.lists.pop("commands", [])
    common = [row for title, rows in top.lists.items() if title.startswith("options, ") for row in rows]
    if commands:
        out += ".SH COMMANDS\n"
    for command, meaning in commands:
        text = Help(help_of(program, *command.split()))
        out += f".SS {escape(text.usage)}\n" + paragraph(meaning[0].upper() + meaning[1:] + ".")
        out += "".join(paragraph(p) for p in text.prose if p not in exits)
        out += entries([row for row in text.lists.get("options", []) if row not in common])
    for title, rows in top.lists.items():
        out += f".SH {escape(title.upper())}\n" + entries(rows)
    for text in exits:
        rows = re.findall(r"(\d) (.*?)(?:, (?=\d )|$)", text.removeprefix("exit status: "))
        out += ".SH EXIT STATUS\n" + entries(rows)
    sys.stdout.write(out + FURTHER[name])


def main():
    path = sys.argv[1]
    if path.endswith("/snpnv-boot"):
        page_of_script(path)
    elif path.endswith(".conf"):
        page_of_configuration(path)
    else:
        page_of_program(path)


main()
