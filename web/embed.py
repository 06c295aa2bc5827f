#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Writes the page's files as a table in C.

    embed.py OUT.c FILE...    index.html is "/", the others "/NAME"

A line of index.html that asks for a file which is not among them is left out: what
npm brings may not be there.
"""
import os
import re
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
HEAD = """/* Made by web/embed.py. */
#include "web/files.h"
"""


def with_what_is_there(data, names):
    return b"".join(line for line in data.splitlines(True)
                    if all(name.decode() in names
                           for name in re.findall(rb'(?:src|href)="/([^"]+)"', line)))


def main(out, paths):
    names = {os.path.basename(path) for path in paths}
    paths.sort(key=lambda p: (os.path.basename(p) != "index.html", os.path.basename(p)))
    rows = []
    with open(out, "w", encoding="ascii") as file:
        file.write(HEAD)
        for i, path in enumerate(paths):
            name = os.path.basename(path)
            with open(path, "rb") as source:
                data = source.read()
            if name == "index.html":
                data = with_what_is_there(data, names)
            lines = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
            file.write(f"static const unsigned char bytes_{i}[] = {{\n" + ",\n".join(lines) +
                       "\n};\n")
            url = "/" if name == "index.html" else "/" + name
            rows.append(f'\t{{ "{url}", "{TYPES[os.path.splitext(name)[1]]}", '
                        f"bytes_{i}, sizeof(bytes_{i}) }},\n")
        file.write("const struct web_file web_files[] = {\n" + "".join(rows) +
                   "\t{ 0 },\n};\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
