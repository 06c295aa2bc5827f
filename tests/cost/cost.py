#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Runs the program under callgrind: what a byte of each kind of frame costs at
most, in instructions and in bytes of memory. The clock is not asked.

    cost.py PROGRAM
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

# By kind: instructions, and bytes of memory, per byte of input. Twice of what
# it was when this was written, or so; a walk of all that is there is a hundred
# times it.
LIMITS = {
    "PING": (60, 1),
    "SETTINGS": (70, 1),
    "ACK": (60, 1),
    "OPEN": (250, 90),
    "OPEN_AGAIN": (80, 1),
    "CREDIT": (100, 1),
    "CLASS": (130, 1),
    "RESET_UNKNOWN": (250, 110),
    "DATA_APART": (120, 1),
    "DATA_DOUBLES": (120, 1),
    "DATA_IN_ORDER": (80, 3),
    "DATA_FIN": (90, 1),
    "PAD": (120, 1),
}


def instructions(folder):
    found = {}
    for path in glob.glob(os.path.join(folder, "out*")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        trigger = re.search(r"^desc: Trigger: Client Request: (\w+)", text, re.M)
        if trigger:
            found[trigger[1]] = int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1])
    return found


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no",
                               f"--callgrind-out-file={folder}/out", program],
                              stdout=subprocess.PIPE, text=True, check=True)
        spent = instructions(folder)
    bad = 0
    for line in done.stdout.splitlines():
        kind, given, memory = line.split()
        cost, bytes_held = spent[kind] / int(given), int(memory) / int(given)
        most, most_bytes = LIMITS[kind]
        over = cost > most or bytes_held > most_bytes
        bad += over
        print(f"{kind:14} {cost:8.1f} instructions (limit {most}), {bytes_held:6.2f} bytes of "
              f"memory (limit {most_bytes}) per byte{'  TOO MUCH' if over else ''}")
    missing = set(LIMITS) - {line.split()[0] for line in done.stdout.splitlines()}
    if missing:
        print("not measured:", *sorted(missing))
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
