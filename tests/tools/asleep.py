#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""asleep.py FILE COMMAND...: runs the command and ends as it does. FILE then has two numbers of milliseconds: for
how long it slept, and how long it took. Asleep is who neither runs nor is kept from running: what a busy machine
costs does not count. Linux, Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat."""

import os
import sys
import time


def awake(process):
    try:
        with open(f"/proc/{process}/schedstat") as file:
            ran, kept_waiting, _ = file.read().split()
        return int(ran) + int(kept_waiting)
    except FileNotFoundError:  # a kernel without: the clock on the wall
        return 0


mine = awake("self")
start = time.monotonic_ns()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
took = time.monotonic_ns() - start
slept = took - awake(child) - (awake("self") - mine)
with open(sys.argv[1], "w") as file:
    print(slept // 1000000, took // 1000000, file=file)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
