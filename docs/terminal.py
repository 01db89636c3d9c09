#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints an SVG of what a terminal shows: terminal.py TITLE <OUTPUT. Colours and bold are those of the output."""
import html
import re
import sys

SIZE, WIDE, HIGH = 13, 7.83, 18
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff", "2": "#8b949e"}
lines = [line.rstrip() for line in sys.stdin.read().replace("\r", "").rstrip().split("\n")]
plain = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in lines]
width, height = round(max(map(len, plain)) * WIDE) + 32, len(lines) * HIGH + 28
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="monospace" '
      f'font-size="{SIZE}" fill="#e6edf3">\n<title>{html.escape(sys.argv[1])}</title>\n'
      f'<rect width="{width}" height="{height}" rx="6" fill="#0d1117"/>')
for i, line in enumerate(lines):
    spans, style = "", ""
    for part in re.split(r"(\x1b\[[0-9;]*[A-Za-z])", line):
        if part.startswith("\x1b"):
            codes = part[2:-1].split(";")
            style = "".join(f' fill="{COLOURS[code]}"' for code in codes if code in COLOURS)
            style += ' font-weight="bold"' if "1" in codes else ""
        elif part:
            spans += f"<tspan{style}>{html.escape(part)}</tspan>"
    print(f'<text x="16" y="{26 + i * HIGH}" xml:space="preserve">{spans}</text>')
print("</svg>")
