#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Makes the page of aggsim one C file.

    embed.py PLAYER.HTML OUT.C

The style sheet and the scripts that the page names, beside it, are put into
it; the whole is cut in two at the place of the trace, as arrays of bytes.
"""
import os
import re
import sys

STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
TRACE = '<script id="trace" type="application/json">'
BYTES_A_LINE = 20


def part(folder, name, tag):
    """A file, between its tags; it must not hold what would end it."""
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        text = file.read()
    if re.search(f"</{tag}|<!--", text, re.IGNORECASE):
        sys.exit(f"{name}: must not hold </{tag} or <!--: it is put into the page")
    return f"<{tag}>\n{text}</{tag}>"


def assemble(path):
    folder = os.path.dirname(path)
    with open(path, encoding="utf-8") as file:
        page = file.read()
    page = STYLE.sub(lambda m: part(folder, m[1], "style"), page)
    page = SCRIPT.sub(lambda m: part(folder, m[1], "script"), page)
    before, mark, after = page.partition(TRACE)
    if not mark or TRACE in after:
        sys.exit(f"{path}: has one {TRACE}, where the trace goes")
    return before + mark, after


def array(name, text):
    data = text.encode()
    lines = [", ".join(map(str, data[i:i + BYTES_A_LINE])) + ","
             for i in range(0, len(data), BYTES_A_LINE)]
    return (f"const unsigned char {name}[] = {{\n" + "\n".join(lines) +
            f"\n}};\nconst size_t {name}_size = sizeof({name});\n")


def main(page, out):
    before, after = assemble(page)
    with open(out, "w", encoding="ascii") as file:
        file.write('/* Made by embed.py of the page; never changed by hand. */\n'
                   '#include "scheduler/sim/page_text.h"\n\n')
        file.write(array("page_before", before) + "\n" + array("page_after", after))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
