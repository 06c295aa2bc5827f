# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench pick: nanoseconds of one decision of every scheduler, the median
of several runs. Fails where one costs more than 300.
"""
import argparse
import os
import subprocess

import rounds

RUNS = 5
COST_MAX_NS = 300
TIMEOUT_S = 60


def parse(text):
    """Lines 'NAME NS' as {name: ns}."""
    return {words[0]: float(words[1]) for words in map(str.split, text.splitlines())
            if len(words) >= 2}


def verdicts(runs):
    """By name: (median ns, met?)."""
    costs = {}
    for run in runs:
        for name, ns in run.items():
            costs.setdefault(name, []).append(ns)
    return {name: (rounds.middle(ns), rounds.middle(ns) <= COST_MAX_NS)
            for name, ns in costs.items()}


def main(words):
    parser = argparse.ArgumentParser(prog="dev bench pick", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(words)
    program = os.path.join(rounds.build_dir(), "tests", "bench", "pick_cost")
    if not os.path.exists(program):
        parser.error(f"there is no {program}: ./dev build makes it")
    rounds.prefer_us()
    found = verdicts([parse(subprocess.run([program], capture_output=True, text=True, check=True,
                                           timeout=TIMEOUT_S).stdout) for _ in range(RUNS)])
    print(f"{'scheduler':16}{'ns':>8}   goal <= {COST_MAX_NS}")
    for name, (ns, met) in found.items():
        print(f"{name:16}{ns:8.1f}   {'met' if met else 'MISSED'}")
    return 0 if found and all(met for _, met in found.values()) else 1
