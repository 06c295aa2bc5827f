#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Runs the program under callgrind with growing counts: what a step costs, for
each that took part in it, must not grow with how many there are. The clock is
not asked. The program prints, for each step, STEP_COUNT and by how many its
instructions are to be divided.

    flat.py PROGRAM COUNT...
"""
import subprocess
import sys
import tempfile

from cost import instructions

# Of the least count's. Sorting adds a little; a walk of all for each is a
# multiple.
GROWTH_MAX = 1.3


def main(program, *counts):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no",
                               f"--callgrind-out-file={folder}/out", program, *counts],
                              stdout=subprocess.PIPE, text=True, check=True)
        spent = instructions(folder)
    costs = {}
    for line in done.stdout.splitlines():
        name, units = line.split()
        step, count = name.rsplit("_", 1)
        costs.setdefault(step, {})[count] = spent[name] / int(units)
    bad = 0
    for step, by_count in costs.items():
        least = by_count[counts[0]]
        over = max(by_count.values()) > least * GROWTH_MAX
        bad += over
        print(f"{step:12}", *(f"{cost:10.0f} of {count}" for count, cost in by_count.items()),
              "instructions each", "GROWS" if over else "")
    return 1 if bad or not costs else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
