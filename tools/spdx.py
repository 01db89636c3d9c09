#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the line with the licence on top of every source that lacks it; with --check names those, and fails."""
import os
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parent.parent
TEXT = "SPDX-License-Identifier: Apache-2.0"
SLASHES = (".cpp", ".hpp", ".c", ".h")
HASHES = (".sh", ".py", ".cmake", ".bash", ".fish", "CMakeLists.txt", ".mk", "Doxyfile")


def comment(name, first):
    """The line for this file; nothing where it is no source."""
    name = name.removesuffix(".in")
    if name.endswith(SLASHES):
        return f"// {TEXT}\n"
    if name.endswith(HASHES) or first.startswith(("#!", "#compdef")):
        return f"# {TEXT}\n"
    if name.endswith(".ld"):
        return f"/* {TEXT} */\n"
    return None


def sources():
    """Names of all files but those of builds, hidden folders, and what Python leaves."""
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", "__pycache__") and not f.startswith(".")]
        yield from (os.path.relpath(os.path.join(folder, file), root) for file in files)


missing = []
for name in sorted(sources()):
    path = root / name
    if path.is_symlink() or not path.is_file():
        continue
    first, *rest = path.read_bytes().decode("utf-8", "surrogateescape").splitlines(keepends=True) or [""]
    line = comment(name, first)
    if line is None or line in (first, *rest[:1]):
        continue
    missing.append(name)
    if "--check" not in sys.argv:
        first = first + line if first.startswith(("#!", "#compdef")) else line + first
        path.write_bytes("".join([first, *rest]).encode("utf-8", "surrogateescape"))
if missing and "--check" in sys.argv:
    print("no licence on top; tools/spdx.py adds it:", *missing, sep="\n")
    sys.exit(1)
