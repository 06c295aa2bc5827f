# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench simtruth: does the simulator tell the truth? Objects on new
connections, one after another, through a fresh pair of daemons with BBR in the
lab, beside what aggsim says of the same links; and how long the receiver of one
download was silent after its first 4 s. Fails where the medians differ by more
than 15 %, and silences by more than 100 ms.

    ./dev bench simtruth --quick             one round
    ./dev bench simtruth --only S2 eat 1M    scenarios, schedulers, sizes
    ./dev bench simtruth --warm              a download comes first, at both
    ./dev bench simtruth --lab               the lab's half only
    ./dev bench simtruth --rounds 0 --add    what --output has, beside aggsim
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile

import cells
import rounds
import scenario as links
from lab import SRV4, LabError

SCENARIOS = ("S1", "S2", "S3", "S4", "S5")
SCHEDULERS = ("lowrtt", "ecf")
SIZES = {"100K": (100_000, 40), "1M": (1_000_000, 15), "10M": (10_000_000, 5)}
SILENCE = "silence"
FLOW_S, FLOW_SKIP_S = 24, 4
SILENCE_APART_MS = 100
ROUNDS = 5
APART_MAX = 0.15
EPSILON = 1e-9
WARM_S = 4
SIM_REPEAT = 5
SIM_TIMEOUT_S = 300

SCENARIO = """\
config scenario
	option title 'simtruth'
	option congestion 'bbr'
	option host '200us'
	option repeat '{repeat}'
	option warmup '{warm}s'
	list scheduler '{scheduler}'

{paths}{load}"""
OBJECTS = """\
config load 'object'
	option kind 'objects'
	option count '{count}'
	list size '{size}'
"""
FLOW = f"""\
config load 'flow'
	option kind 'bulk'
	option duration '{FLOW_S}s'
	option skip '{FLOW_SKIP_S}s'
"""
PATH = """\
config path '{u.name}'
	option rate '{u.down:g}'
	option rate_up '{u.up:g}'
	option delay '{u.delay:g}ms'
	option jitter '{u.jitter:g}ms'
	option loss '{u.loss:g}'
	option queue '{u.queue:g}ms'

"""


def sim_scenario(case, warm_s):
    """The lab's scenario and load in the simulator's words."""
    name, scheduler, size = case
    load = FLOW
    if size != SILENCE:
        size_bytes, count = SIZES[size]
        load = OBJECTS.format(count=count, size=size_bytes)
    return SCENARIO.format(
        repeat=1 if size == SILENCE else SIM_REPEAT, warm=warm_s, scheduler=scheduler, load=load,
        paths="".join(PATH.format(u=u) for u in links.load(name)))


def simulate(case, warm_s):
    """aggsim's median, or silence, ms."""
    with tempfile.NamedTemporaryFile("w", suffix=".scn") as file:
        file.write(sim_scenario(case, warm_s))
        file.flush()
        done = subprocess.run([os.path.join(rounds.build_dir(), "aggsim"), file.name, "--json"],
                              capture_output=True, text=True, timeout=SIM_TIMEOUT_S)
    if done.returncode:
        raise LabError(f"aggsim: {done.stderr.strip()}")
    run = json.loads(done.stdout)["scenarios"][0]["runs"][0]
    if run["error"]:
        raise LabError(f"aggsim: {run['error']}")
    return run["loads"][0]["silence_ms" if case[2] == SILENCE else "p50_ms"]


def measure(case, number, warm_s):
    """The times of a case's objects, in their order, ms."""
    scenario, scheduler, size = case
    with rounds.Visit(scenario, number, gateway={"scheduler": scheduler}) as visit:
        if warm_s:
            cells.load(visit, "bulk", SRV4, "-t", warm_s)
            cells.wait_quiet(visit)
        if size == SILENCE:
            got = cells.load(visit, "bulk", SRV4, "-t", FLOW_S, "-k", FLOW_SKIP_S)
            each = [c["longest_gap_ms"] for c in got["connections"]]
        else:
            size_bytes, count = SIZES[size]
            each = cells.load(visit, "objects", SRV4, "-s", size_bytes, "-n", count)["each_ms"]
    return each, visit.idle


def measure_all(cases, args, truth, save):
    done = max((len(truth.get(case, ())) for case in cases), default=0)
    for number in range(done + 1, done + args.rounds + 1):
        for case in rounds.shuffled(cases, number):
            try:
                each, idle = measure(case, number, args.warm_s)
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


def verdicts(truth, sim):
    """Rows: case, the lab's median, aggsim's or None, their ratio, met?"""
    for case, runs in sorted(truth.items()):
        lab_ms = statistics.median(ms for run in runs for ms in run)
        sim_ms = sim(case)
        ratio = sim_ms / lab_ms if sim_ms else None
        near = ratio is not None and (abs(sim_ms - lab_ms) <= SILENCE_APART_MS
                                      if case[2] == SILENCE
                                      else abs(ratio - 1) <= APART_MAX + EPSILON)
        yield case, lab_ms, sim_ms, ratio, near


def compare(truth, warm_s):
    """Prints both; true if they agree everywhere."""
    def sim(case):
        try:
            return simulate(case, warm_s)
        except (LabError, KeyError, IndexError, ValueError) as error:
            print(f"{' '.join(case)}: {error}")
            return None

    print(f"\n{'':22}{'lab, ms':>10}{'aggsim, ms':>12}{'ratio':>8}")
    agree = True
    for case, lab_ms, sim_ms, ratio, met in verdicts(truth, sim):
        agree &= met
        told = f"{sim_ms:12.1f}{ratio:8.2f}" if ratio else f"{'-':>12}{'':8}"
        print(f"{case[0]:4}{case[1]:11}{case[2]:8}{lab_ms:10.1f}{told}"
              f"   {'met' if met else 'MISSED'}")
    return agree


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
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--output", default=os.path.join(rounds.build_dir(), "simtruth.json"))
    args = parser.parse_args(words)
    schedulers = rounds.words_of("scheduler")
    known = {*SCENARIOS, *schedulers, *SIZES, SILENCE}
    unknown = [w for w in args.only if w not in known]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join(sorted(known))}")
    if args.rounds is None:
        args.rounds = 1 if args.quick else ROUNDS
    args.schedulers = [w for w in args.only if w in schedulers] or SCHEDULERS
    args.warm_s = WARM_S if args.warm else 0
    if not args.lab and not os.path.exists(os.path.join(rounds.build_dir(), "aggsim")):
        parser.error("there is no build/aggsim: ./dev build makes it; --lab does without")
    return args


def main(words):
    args = arguments(words)
    rounds.prefer_us()
    cases = [(a, b, c) for a in cells.chosen(args.only, SCENARIOS)
             for b in args.schedulers
             for c in cells.chosen(args.only, (*SIZES, SILENCE))]

    def save(truth):
        with open(args.output, "w", encoding="utf-8") as file:
            json.dump(as_json(truth), file, indent=1)

    truth = read(args.output) if args.add and os.path.exists(args.output) else {}
    measure_all(cases, args, truth, save)
    print("JSON in", args.output)
    if args.lab:
        return 0 if set(cases) <= set(truth) else 1
    wanted = {case: runs for case, runs in truth.items() if case in cases}
    agree = compare(wanted, args.warm_s)
    return 0 if agree and set(cases) <= set(wanted) else 1
