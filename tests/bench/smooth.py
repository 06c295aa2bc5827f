# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench smooth: one download, or upload, as its receiver sees it after the
first 4 s: the mean, the worst half second, and the longest silence; beside the
best link alone, the kernel's MPTCP and shadowsocks. Three runs each with fresh
processes and BBR; the worst of them counts. What aggd sent again is a share of
what it sent.

    ./dev bench smooth --quick               one run each, 12 s
    ./dev bench smooth --only S3 down aggd   scenarios, directions, systems
    ./dev bench smooth --count 4             so many at once; the worst of them
    ./dev bench smooth --tasks [video ...]   what a person does there, in place of
                                             that (smooth_tasks.py)
"""
import argparse
import json
import os

import cells
import rounds
import scenario
import smooth_tasks
import systems
from lab import SRV4, Lab, LabError, install_signals, remove_stale

SCENARIOS = ("S1", "S2", "S3", "S4", "S5")
TASK_SCENARIOS = ("S3", "S5")
DIRECTIONS = ("down", "up")
NAMES = ("alone", "mptcp", "ss-aes256", "aggd")
RUNS, SECONDS, QUICK_SECONDS, SKIP_S = 3, 24, 12, 4
SAMPLE_MS = 20
HALF_SAMPLES = 500 // SAMPLE_MS
PAUSE_MS = 100        # more silence than the best link alone has
HARD = "S3"           # where that one's own silences are no measure
HARD_SILENCE_MS, HARD_MEAN, MEAN = 200, 0.92, 0.96
UP_SILENCE_MS = 250   # an upload's, or that of the worst of several
HALF_SHARE = 0.95     # of the best link's own worst half second
AGAIN_MAX = 0.04


def worst_half_mbps(samples):
    """Of half seconds laid end to end, the least."""
    halves = [sum(samples[i:i + HALF_SAMPLES])
              for i in range(0, len(samples) - HALF_SAMPLES + 1, HALF_SAMPLES)]
    return min(halves) * 8 / 0.5e6


def figures(got):
    """What aggload's bulk says of its counted time."""
    samples = got["samples"][int(got["skip"] * 1000 / got["interval_ms"]):]
    return {"mean": got["total_mbps"], "half": worst_half_mbps(samples),
            "silence": max(c["longest_gap_ms"] for c in got["connections"])}


def again_share(system, direction):
    """Of what the sending end sent; None: it does not say."""
    if not system.is_ours:
        return None
    role = "vps" if direction == "down" else "gw"
    session = system.aggd.status(role=role)["sessions"][0]
    return sum(session["again_bytes"].values()) / max(session[f"{direction}_bytes"], 1)


def run_once(name, direction, system, number, args):
    with Lab(name, cc=rounds.CONGESTION_CONTROL, seed=number) as lab:
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        system.start(lab)
        try:
            run = cells.Run(lab, system, args.quick)
            got = cells.load(run, "bulk", SRV4, "-d", direction, "-t", args.seconds,
                             "-k", SKIP_S, "-i", SAMPLE_MS, "-n", args.count)
            out = figures(got)
            out["again"] = again_share(system, direction)
        finally:
            system.stop()
    return out


def worst(runs):
    """The worst of each figure."""
    again = [r["again"] for r in runs if r["again"] is not None]
    return {"mean": min(r["mean"] for r in runs), "half": min(r["half"] for r in runs),
            "silence": max(r["silence"] for r in runs), "again": max(again, default=None)}


def missed(name, direction, count, ours, alone):
    """Which goals; alone: the best link's worst figures, None: not measured."""
    limit = scenario.limit_mbps(scenario.load(name), direction)
    out = []
    if direction == "down" and count == 1 and \
            ours["mean"] < (HARD_MEAN if name == HARD else MEAN) * limit:
        out.append("mean")
    if alone and ours["half"] < HALF_SHARE * alone["half"]:
        out.append("half")
    allowed = UP_SILENCE_MS
    if direction == "down" and count == 1:
        allowed = HARD_SILENCE_MS if name == HARD else \
            alone["silence"] + PAUSE_MS if alone else None
    if allowed is not None and ours["silence"] > allowed:
        out.append("silence")
    if ours["again"] is not None and ours["again"] > AGAIN_MAX:
        out.append("again")
    return out


def text(f):
    again = "" if f["again"] is None else f"   again {f['again']:.1%}"
    return f"{f['mean']:6.1f} / {f['half']:5.1f} / {f['silence']:5.0f}{again}"


def arguments(words):
    parser = argparse.ArgumentParser(prog="dev bench smooth", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--tasks", nargs="*", choices=sorted(smooth_tasks.TASKS), default=None)
    parser.add_argument("--output", default=os.path.join(rounds.build_dir(), "smooth.json"))
    args = parser.parse_args(words)
    known = {*SCENARIOS, *DIRECTIONS, *NAMES}
    unknown = [w for w in args.only if w not in known]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join(sorted(known))}")
    args.seconds = QUICK_SECONDS if args.quick else SECONDS
    if args.runs is None:
        args.runs = 1 if args.quick else RUNS
    return args


def measure(name, direction, candidates, args):
    """By system: its runs."""
    out = {}
    for number in range(1, args.runs + 1):
        for system in candidates:
            try:
                got = run_once(name, direction, system, number, args)
            except (LabError, KeyError, OSError, TypeError) as error:
                print(f"{name} {direction} {system.name}: {error!r}", flush=True)
                continue
            out.setdefault(system.name, []).append(got)
            print(f"run {number} {name} {direction:4} {system.name:10} {text(got)}", flush=True)
    return out


def write(args, everything):
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump(everything, file, indent=1)
    print("JSON in", args.output)
    return 0


def main(words):
    args = arguments(words)
    rounds.prefer_us()
    install_signals()
    remove_stale()
    names = cells.chosen(args.only, NAMES)
    candidates = [s for s in systems.all_systems() if s.name in names]
    if args.tasks is not None:
        return write(args, smooth_tasks.run_all(
            cells.chosen(args.only, TASK_SCENARIOS), args.tasks or list(smooth_tasks.TASKS),
            candidates, args.runs, args.quick))
    everything, well = {}, True
    print(f"{'':28}mean Mbit/s / worst half second / longest silence, ms")
    for name in cells.chosen(args.only, SCENARIOS):
        for direction in cells.chosen(args.only, DIRECTIONS):
            runs = measure(name, direction, candidates, args)
            everything[f"{name} {direction}"] = runs
            well &= set(runs) == set(names)
            for system, figures_of in runs.items():
                verdict = ""
                if system == "aggd":
                    alone = runs.get("alone")
                    goals = missed(name, direction, args.count, worst(figures_of),
                                   worst(alone) if alone else None)
                    verdict = "MISSED: " + ", ".join(goals) if goals else "met"
                    well &= not goals
                print(f"worst {name} {direction:4} {system:10} {text(worst(figures_of))}   "
                      f"{verdict}", flush=True)
    write(args, everything)
    return 0 if well else 1
