#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""docs/aggd.conf.md, which is what the key tables say, as scdoc(5) on standard
output: aggd.conf(5). Usage: conf2scd.py MANUAL.md"""
import re
import sys

HEAD = """aggd.conf(5)

# NAME

aggd.conf - configuration of aggd(8)

# DESCRIPTION
"""
TAIL = """
# FILES

_/etc/config/aggd_

# SEE ALSO

*aggd*(8), *aggctl*(1)"""


def escaped(text):
    """What scdoc would take for its own."""
    return re.sub(r"([*_\\#\[\]|<>~])", r"\\\1", text)


def line_of(text):
    """`code` becomes bold."""
    parts = re.split(r"`([^`]*)`", text)
    return "".join(f"*{escaped(p)}*" if i % 2 else escaped(p) for i, p in enumerate(parts))


def convert(lines):
    literal = False
    for line in lines[1:]:  # behind the title
        if line.startswith("    "):
            if not literal:
                yield "```"
            literal = True
            yield line[4:]
            continue
        if literal and line:
            yield "```\n"
            literal = False
        elif literal:
            continue
        if line.startswith("### "):
            yield f"*{escaped(line[4:])}*"
            continue
        if line.startswith("## "):
            yield "# " + line[3:].upper().replace("'", "").replace("_", "\\_")
            continue
        yield line_of(line)


def main(path):
    print(HEAD)
    with open(path, encoding="utf-8") as file:
        lines = file.read().rstrip("\n").split("\n")
    out, indent = [], False
    for text in convert(lines):
        for line in text.split("\n"):
            if line.startswith("# "):
                indent = False
            elif re.fullmatch(r"\*(option|list) .*\*", line):
                indent = True
            elif indent and line:
                line = "\t" + line
            out.append(line)
    # A key's name stands right above what is said of it.
    text = "\n".join(out)
    text = re.sub(r"(\n\*(?:option|list) [^\n]*\*)\n\n", r"\1\n", text)
    print(text)
    print(TAIL)


if __name__ == "__main__":
    main(sys.argv[1])
