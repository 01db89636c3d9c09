#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the deepest path of stack below each entry of a call graph that GCC wrote.

usage: deepest.py GRAPH.ci ENTRY...
prints ENTRY OCTETS, a line each; with -v the path too, in order
"""
import re
import sys


def read(path):
    frames, calls = {}, {}
    for line in open(path):
        if match := re.match(r'node: \{ title: "([^"]*)" label: "([^"]*)"', line):
            size = re.search(r"\\n(\d+) bytes \(([^)]*)\)", match[2])
            if size and size[2] not in ("static", "dynamic,bounded"):
                sys.exit(f"{match[1]}: a frame without bound")
            frames[match[1]] = int(size[1]) if size else 0
        elif match := re.match(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', line):
            calls.setdefault(match[1], set()).add(match[2])
    return frames, calls


def deepest(frames, calls, name, above=()):
    if name in above:
        sys.exit(f"{name} calls itself: no bound")
    best = max((deepest(frames, calls, callee, (*above, name)) for callee in calls.get(name, ())), default=(0, ()))
    return best[0] + frames.get(name, 0), ((name, frames.get(name, 0)), *best[1])


def main():
    words = [word for word in sys.argv[1:] if word != "-v"]
    frames, calls = read(words[0])
    for entry in words[1:]:
        if entry not in frames:
            sys.exit(f"no function {entry}")
        octets, path = deepest(frames, calls, entry)
        print(entry, octets)
        if "-v" in sys.argv:
            for name, size in path:
                print(f"    {size:6} {name}")


main()
