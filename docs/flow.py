#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints docs/flow.svg from docs/flow.txt: who sends what to whom, from top to bottom."""
import html
import pathlib

COLUMN, ROW, TOP = 240, 40, 60
lines = [line for line in (pathlib.Path(__file__).parent / "flow.txt").read_text().splitlines()
         if line and not line.startswith("#")]
names = lines[0].split(" | ")
steps = lines[1:]
x = {name: COLUMN // 2 + COLUMN * i for i, name in enumerate(names)}
width, height = COLUMN * len(names), TOP + ROW * len(steps) + 20


def text(at, y, words, anchor="middle", weight="normal"):
    return (f'<text x="{at}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{html.escape(words)}</text>\n')


out = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
       'font-size="13">\n<title>How a report is asked for, proven fresh and verified</title>\n'
       f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
       '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
       '<path d="M0 0 8 4 0 8z"/></marker></defs>\n')
for name in names:
    out += text(x[name], 24, name, weight="bold")
    out += f'<path d="M{x[name]} 34V{height - 10}" stroke="#999" stroke-dasharray="4 3"/>\n'
for i, step in enumerate(steps):
    y = TOP + ROW * i + 14
    who, what = step.split(": ", 1)
    if " -> " in who:
        begin, end = (x[name] for name in who.split(" -> "))
        out += f'<path d="M{begin} {y}H{end}" stroke="#000" marker-end="url(#head)"/>\n'
        at, anchor = (begin + end) // 2, "middle"
    else:
        y += 6
        at, anchor = x[who], "start" if x[who] < COLUMN else "middle"
        at -= COLUMN // 2 - 8 if anchor == "start" else 0
    words = len(what) * 7
    left = at - words // 2 if anchor == "middle" else at
    out += f'<rect x="{left - 2}" y="{y - 19}" width="{words + 4}" height="16" fill="#fff"/>\n'
    out += text(at, y - 7, what, anchor)
print(out + "</svg>")
