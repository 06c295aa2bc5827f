#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Puts scenarios into a C file: embed.py OUT FILE.scn..."""
import os
import sys

HEAD = """/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: made by embed.py.
 */
#include "scheduler/sim/shipped.h"

"""


def array(number, data):
    rows = [", ".join(str(b) for b in data[i:i + 16]) + ","
            for i in range(0, len(data), 16)]
    return (f"static const char text{number}[] = {{\n\t" + "\n\t".join(rows)
            + "\n\t0\n};\n\n")


def main(out, paths):
    names = [os.path.basename(p)[:-len(".scn")] for p in paths]
    if len(set(names)) != len(names):
        sys.exit("two scenarios have one name")
    with open(out, "w", encoding="ascii") as file:
        file.write(HEAD)
        rows = []
        for number, (name, path) in enumerate(sorted(zip(names, paths))):
            with open(path, "rb") as scenario:
                data = scenario.read().decode("ascii").encode()
            file.write(array(number, data))
            folder = os.path.basename(os.path.dirname(path))
            published = "true" if folder == "published" else "false"
            rows.append(f'\t{{ "{name}", {published}, text{number}, '
                        f"sizeof(text{number}) - 1 }},\n")
        file.write("const struct shipped shipped_all[] = {\n" + "".join(rows)
                   + "};\nconst size_t shipped_count = "
                   "sizeof(shipped_all) / sizeof(shipped_all[0]);\n")


main(sys.argv[1], sys.argv[2:])
