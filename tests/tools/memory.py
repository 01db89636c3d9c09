#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""memory.py PID FILE: waits until the content of FILE stands in the memory of a process, and prints for each place there
how the kernel keeps it: "locked" if it cannot be swapped out, "dumped" if a core dump would have it."""

import re
import sys

pid, path = sys.argv[1:]
with open(path, "rb") as file:
    wanted = file.read()


def regions():
    flags, span = {}, None
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line):
                span = tuple(int(end, 16) for end in found.groups())
            elif re.match(r"[0-9a-f]+-", line):
                span = None
            elif line.startswith("VmFlags:") and span and span[1] - span[0] < 1 << 30:
                flags[span] = line.split()
    return flags


def places():
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for (start, end), flags in regions().items():
            try:
                memory.seek(start)
                octets = memory.read(end - start)
            except OSError:
                continue
            for _ in range(octets.count(wanted)):
                yield flags


while not (found := list(places())):
    pass
for flags in found:
    print("locked" if "lo" in flags else "not locked", "not dumped" if "dd" in flags else "dumped", sep=", ")
