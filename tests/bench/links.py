# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench links: 10 MB over 200 random pairs and triples of simulated links,
with the default scheduler or those named, beside the best link alone and the
fluid bound. Fails where the default misses a goal.

    ./dev bench links                        the default
    ./dev bench links lowrtt ecf,srpt,tail   SCHEDULER[,ORDER[,REINJECTION]]
"""
import argparse
import os
import subprocess

import rounds

TIMEOUT_S = 1200


def words_of(name):
    """SCHEDULER[,ORDER[,REINJECTION]] as the program's arguments, and its bundles'."""
    given = name.split(",")
    return given + ["-"] * (4 - len(given))


def main(words):
    parser = argparse.ArgumentParser(prog="dev bench links", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", default="-", help="how many, 200 by default")
    parser.add_argument("--seed", type=int, help="of the links: other ones")
    parser.add_argument("schedulers", nargs="*", default=["-"])
    args = parser.parse_args(words)
    program = os.path.join(rounds.build_dir(), "tests", "bench", "links")
    if not os.path.exists(program):
        parser.error(f"there is no {program}: ./dev build makes it")
    seed = "-" if args.seed is None else str(args.seed)
    codes = [subprocess.run([program, args.count, *words_of(name), seed], check=False,
                            timeout=TIMEOUT_S).returncode for name in args.schedulers]
    return max(codes)
