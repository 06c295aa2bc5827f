#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A power cut at a hundred random moments: the history opens, and has all that was
written; what is missing is of the last ten minutes.

    store.py STORE_TOOL
"""
import os
import random
import subprocess
import sys
import tempfile
import time

CUTS = 100
LONGEST_S = 0.03   # after the first line, which comes when it has begun
ROUNDED = 0.001    # numbers are within a thousandth
EVERY_S, RATE = 600, 1000


def cut(tool, path, pause_s):
    """How often it was written, and its last words."""
    with subprocess.Popen([tool, "write", path], stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        time.sleep(pause_s)
        process.kill()
        said = (first + process.stdout.read()).splitlines()
    whole = [line for line in said if line.count(" ") == 2]
    return len(whole), [int(word) for word in whole[-1].split()[1:]]


def main(tool):
    rand = random.Random(7)
    writes, moments = 0, set()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "history.db")
        for i in range(CUTS):
            count, (now_s, count_bytes) = cut(tool, path, rand.uniform(0, LONGEST_S))
            writes += count
            moments.add(os.path.exists(path + "-journal"))
            done = subprocess.run([tool, "read", path], capture_output=True, text=True,
                                  check=False)
            if done.returncode:
                print(f"cut {i}: {done.stdout}")
                return 1
            newest_s, found = map(int, done.stdout.split())
            least, most = count_bytes * (1 - ROUNDED), \
                (count_bytes + EVERY_S * RATE) * (1 + ROUNDED)
            # A write that nobody was told of may be there.
            if newest_s + 60 <= now_s or not least <= found <= most:
                print(f"cut {i}: written were {now_s} {count_bytes}, there is {done.stdout}")
                return 1
        size = os.path.getsize(path)
        if os.stat(path).st_mode & 0o077:
            print("others may read it")
            return 1
    print(f"{CUTS} cuts in {writes} writes, journals seen: {moments}; {size} bytes in the end")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
