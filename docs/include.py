#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renews what README.md and docs/*.md show of other files: the block behind each `<!-- file PATH -->`, and the table
behind `<!-- options -->`. With --check changes nothing, and fails where there is something to renew, or where a page
names a file, or a heading, that is not there.
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


def anchors(page):
    """The headings of a page, as links name them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", page.read_text(), re.M)}


FOLDERS = "|".join(sorted(f.name for f in root.iterdir() if f.is_dir() and f.name != "build" and f.name[0] != "."))


def astray(page):
    """What a page links to or names by its path, and is not there."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for link, path, anchor in re.findall(r"\]\((?!https?:)(([^)#]*)#?([^)]*))\)", text):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link
    for path in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text):
        if not (root / path).exists():
            yield path


bad = 0
for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
    text = page.read_text()
    if renewed(text) == text:
        continue
    if "--check" in sys.argv:
        bad += 1
        print(f"{page.relative_to(root)}: renew it by docs/include.py")
    else:
        page.write_text(renewed(text))
if "--check" in sys.argv:
    for page in [*root.glob("*.md"), *(root / "docs").glob("*.md"), *(root / "packaging").rglob("*.md")]:
        for name in astray(page):
            bad += 1
            print(f"{page.relative_to(root)}: there is no {name}")
sys.exit(1 if bad else 0)
