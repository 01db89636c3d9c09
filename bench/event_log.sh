#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# event_log.sh [BUILD [EVENTS]]: how many MB of an event log a second are parsed and replayed, beside tpm2_eventlog on
# the same log, and in how much memory; all must come to the same PCRs. BUILD is a folder with bench/bench_event_log and
# bench/bench_event_log_nettle, build/gcc by default.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/gcc}
events=${2:-20000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYTHONPATH=tests/tools python3 - "$build/bench/bench_event_log" "$work" "$events" <<'EOF'
import os, re, subprocess, sys, time
from event_log import IPL, SEPARATOR, header, record

program, work, events = sys.argv[1], sys.argv[2], int(sys.argv[3])


def make(path, count):
    with open(path, "wb") as out:
        out.write(header(("sha256",)) + record(0, SEPARATOR, bytes(4), banks=("sha256",)))
        for i in range(count):
            out.write(record(8 + i % 2, IPL, b"grub_cmd: set number_%06d=%d\0" % (i, i), banks=("sha256",)))


def run(words):
    """The PCRs, the least seconds of processor time of five runs, and the peak of memory if it is told."""
    best = None
    for _ in range(5):
        with open(work + "/out", "wb") as out:
            process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, words
        took = usage.ru_utime + usage.ru_stime
        best = min(best or took, took)
    with open(work + "/out") as out:
        text = out.read()
    peak = re.search(r"VmHWM:\s*(\d+ kB)", text)
    return re.findall(r"(\d+) *: 0x([0-9a-f]{64})$", text, re.M), best, ", peak " + peak[1] if peak else ""


for count in events // 10, events:
    log = work + "/log"
    make(log, count)
    size = os.path.getsize(log) / 1e6
    pcrs, theirs, _ = run(["tpm2_eventlog", log])
    print(f"{'tpm2_eventlog':16} {count:7} events {size:7.2f} MB {size / theirs:8.1f} MB/s")
    for name, suffix in ("snpnv, Mbed TLS", ""), ("snpnv, Nettle", "_nettle"):
        ours, seconds, peak = run([program + suffix, log])
        assert ours and ours == pcrs, (name, ours, pcrs)
        print(f"{name:16} {count:7} events {size:7.2f} MB {size / seconds:8.1f} MB/s, {theirs / seconds:.0f} times as fast{peak}")
EOF
