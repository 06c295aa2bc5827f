# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench simtruth: does the simulator tell the truth? Objects on new
connections, one after another, through a fresh pair of daemons with BBR in the
lab, beside what aggsim says of the same scenario. Fails where they differ by
more than 15 %.

    ./dev bench simtruth --quick             one round
    ./dev bench simtruth --only S2 ecf 1M    scenarios, schedulers, sizes
    ./dev bench simtruth --lab               the lab's half only
    ./dev bench simtruth --truth FILE        the lab's half from an earlier --output
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import cells
import rounds
from lab import SRV4, LabError

SCENARIOS = ("S1", "S2", "S3", "S4")
SCHEDULERS = ("lowrtt", "ecf")
SIZES = {"100K": (100_000, 40), "1M": (1_000_000, 15), "10M": (10_000_000, 5)}
ROUNDS = 5
APART_MAX = 0.15
SIM_TIMEOUT_S = 120


def measure(case, number):
    """The times of a case's objects, in their order, ms."""
    scenario, scheduler, size = case
    size_bytes, count = SIZES[size]
    with rounds.Visit(scenario, number, gateway={"scheduler": scheduler}) as visit:
        got = cells.load(visit, "objects", SRV4, "-s", size_bytes, "-n", count)
    return got["each_ms"], visit.idle


def measure_all(cases, count, truth, save):
    done = max((len(truth.get(case, ())) for case in cases), default=0)
    for number in range(done + 1, done + count + 1):
        for case in rounds.shuffled(cases, number):
            try:
                each, idle = measure(case, number)
            except LabError as error:
                print(f"{' '.join(case)}: {error}", flush=True)
                continue
            truth.setdefault(case, []).append(each)
            print(f"round {number} {case[0]:3} {case[1]:10} {case[2]:5}"
                  f" median {statistics.median(each):8.1f} ms  idle {idle:4.0%}", flush=True)
        save(truth)


def as_json(truth):
    """By scenario, scheduler and size."""
    out = {"what": "ms from connect() to the last byte, new connections one after another, a fresh "
                   "pair of daemons (BBR) each round; each_ms: a list a round, in order"}
    for (scenario, scheduler, size), runs in sorted(truth.items()):
        every = [ms for run in runs for ms in run]
        out.setdefault(scenario, {}).setdefault(scheduler, {})[size] = {
            "median_ms": statistics.median(every), "mean_ms": statistics.fmean(every),
            "n": len(every), "round_medians_ms": [statistics.median(r) for r in runs],
            "first_ms": statistics.median(r[0] for r in runs), "each_ms": runs}
    return out


def from_json(data):
    return {(scenario, scheduler, size): values["each_ms"]
            for scenario, by in data.items() if isinstance(by, dict)
            for scheduler, sizes in by.items() for size, values in sizes.items()}


def read(path):
    with open(path, encoding="utf-8") as file:
        return from_json(json.load(file))


def arguments(words):
    parser = argparse.ArgumentParser(prog="dev bench simtruth", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--add", action="store_true", help="to what --output has already")
    parser.add_argument("--lab", action="store_true")
    parser.add_argument("--truth", metavar="FILE")
    parser.add_argument("--output", default=os.path.join(rounds.build_dir(), "simtruth.json"))
    args = parser.parse_args(words)
    known = {*SCENARIOS, *SCHEDULERS, *SIZES}
    unknown = [w for w in args.only if w not in known]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join(sorted(known))}")
    args.rounds = args.rounds or (1 if args.quick else ROUNDS)
    return args


def main(words):
    args = arguments(words)
    rounds.prefer_us()
    cases = [(a, b, c) for a in cells.chosen(args.only, SCENARIOS)
             for b in cells.chosen(args.only, SCHEDULERS)
             for c in cells.chosen(args.only, SIZES)]

    def save(truth):
        with open(args.output, "w", encoding="utf-8") as file:
            json.dump(as_json(truth), file, indent=1)

    truth = read(args.output) if args.add else {}
    measure_all(cases, args.rounds, truth, save)
    print("JSON in", args.output)
    return 0
