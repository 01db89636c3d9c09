#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renews what README.md and docs/*.md show of other files: the block behind each `<!-- file PATH -->`, and the table
behind `<!-- options -->`. With --check changes nothing, and fails where there is something to renew.
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent


def block(path):
    language = {".cpp": "cpp", ".hpp": "cpp", ".sh": "sh"}.get(pathlib.Path(path).suffix, "")
    return f"```{language}\n{(root / path).read_text()}```\n"


def options():
    """The options of CMakeLists.txt, as they stand there."""
    text = (root / "CMakeLists.txt").read_text()
    rows = "| option | default | meaning |\n|---|---|---|\n"
    for name, meaning, default in re.findall(
            r'^(?:option|cmake_dependent_option)\((SNPNV_\w+) "([^"]*)" (\S+?)\)?(?: .*)?$', text, re.M):
        default = {"${PROJECT_IS_TOP_LEVEL}": "ON, in another project OFF"}.get(default, default)
        rows += f"| `{name}` | {default} | {meaning} |\n"
    for name, default, meaning in re.findall(r'^set\((SNPNV_\w+) "(.*?)" CACHE STRING "(.*?)"\)$', text, re.M):
        rows += f"| `{name}` | {default or 'none'} | {meaning} |\n"
    if rows.count("`SNPNV_") != len(re.findall(r"^(?:option|cmake_dependent_option|set)\(SNPNV_\w+ \"", text, re.M)):
        sys.exit("CMakeLists.txt has options that are not understood")
    return rows


def renewed(text):
    text = re.sub(r"(<!-- file (\S+) -->\n)```.*?\n```\n", lambda m: m[1] + block(m[2]), text, flags=re.S)
    return re.sub(r"(<!-- options -->\n)(\|.*\n)*", lambda m: m[1] + options(), text)


old = 0
for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    text = page.read_text()
    if renewed(text) != text:
        old += 1
        if "--check" in sys.argv:
            print(f"{page.relative_to(root)}: renew it by docs/include.py")
        else:
            page.write_text(renewed(text))
sys.exit(1 if old and "--check" in sys.argv else 0)
