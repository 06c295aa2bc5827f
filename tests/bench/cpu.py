# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench cpu: what a byte costs, ours beside shadowsocks-libev's
aes-256-gcm: CPU seconds per GB of both ends together (user and system, as the
process accounts show them) on links that nothing limits, one flow and eight,
down and up, and of one download on S2; and what 200 downloads at once hold, as
the resident memory of each side. Each round visits all in another order, each
with fresh daemons. A CPU figure drifts with the machine: judged is the median
of the rounds' ratios.

    ./dev bench cpu --quick              one round, shorter
    ./dev bench cpu --only S2 aggd       scenarios, systems, cells (down1, memory ...)
    ./dev bench cpu --rounds 3 --output FILE
"""
import argparse
import json
import os
import threading
import time

import cells
import rounds
import systems
from lab import SRV4, Lab, LabError

ROUNDS = 5
PEER = "ss-aes256"
CONGESTION_CONTROLS = {"fast": "cubic", "S2": "bbr"}
SETTLE_S = 1
MANY = 200
SAMPLE_S = 0.05

# By scenario and cell: direction, flows, seconds.
LOADS = {
    "fast": {"down1": ("down", 1, 4), "down8": ("down", 8, 4), "up1": ("up", 1, 4),
             "up8": ("up", 8, 4), "memory": ("down", MANY, 6)},
    "S2": {"down1": ("down", 1, 10)},
}
GOALS = {"fast": 0.5, "S2": 0.55}  # of the peer's CPU
GOAL_MB = 40                       # of each side


class Peak:
    """The greatest resident memory of each side while it is entered, in MB."""

    def __init__(self, system):
        self.sides = {"gateway": system.gateway, "concentrator": system.concentrator}
        self.mb = dict.fromkeys(self.sides, 0)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.stop.wait(SAMPLE_S):
            for side, processes in self.sides.items():
                kib = sum(systems.process_kib(p.pid, "VmRSS") for p in processes)
                self.mb[side] = max(self.mb[side], kib / 1024)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()


def one_load(run, direction, flows, seconds):
    """CPU seconds per GB, Mbit/s, and the greatest memory of each side."""
    time.sleep(SETTLE_S)
    with Peak(run.system) as peak:
        before = run.system.cpu_s()
        got = cells.load(run, "bulk", SRV4, "-d", direction, "-n", flows, "-t", seconds,
                         "-i", 100, check=False)
        cpu_s = run.system.cpu_s() - before
    moved = sum(got["samples"])
    if not moved:
        raise LabError(f"no byte: {got['connections'][0]['error']}")
    return {"s/GB": cpu_s / moved * 1e9, "Mbit/s": moved * 8 / 1e6 / seconds, "MB": peak.mb}


def visit(scenario, system, chosen, quick):
    with Lab(scenario, cc=CONGESTION_CONTROLS[scenario]) as lab:
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        system.start(lab)
        run = cells.Run(lab, system, quick)
        try:
            return {name: one_load(run, direction, flows, seconds / 2 if quick else seconds)
                    for name, (direction, flows, seconds) in LOADS[scenario].items()
                    if name in chosen}
        finally:
            system.stop()


def show(number, scenario, system, got):
    for name, cell in got.items():
        mb = cell["MB"]
        print(f"round {number}  {scenario:4} {system:10} {name:6} {cell['s/GB']:6.2f} s/GB "
              f"{cell['Mbit/s']:6.0f} Mbit/s  gateway {mb['gateway']:5.1f} MB  "
              f"concentrator {mb['concentrator']:5.1f} MB", flush=True)


def measure_all(scenarios, names, chosen, args):
    by_name = {s.name: s for s in systems.all_systems()}
    visits = []
    cases = [(s, n) for s in scenarios for n in names if set(LOADS[s]) & set(chosen)]
    for number in range(1, args.rounds + 1):
        for scenario, name in rounds.shuffled(cases, number):
            try:
                with rounds.alone():
                    got = visit(scenario, by_name[name], chosen, args.quick)
            except (LabError, KeyError, OSError, TypeError) as error:
                print(f"error: {scenario} {name}: {error!r}", flush=True)
                visits.append({"round": number, "error": repr(error)})
                continue
            show(number, scenario, name, got)
            visits += [{"round": number, "scenario": scenario, "system": name, "cell": cell,
                        **values} for cell, values in got.items()]
    return visits


def by_round(visits, scenario, cell, system):
    return {v["round"]: v for v in visits
            if (v.get("scenario"), v.get("cell"), v.get("system")) == (scenario, cell, system)}


def cpu_row(visits, scenario, cell, ours="aggd"):
    """Medians, ours and the peer's; the median of the rounds' ratios; a verdict."""
    own, peer = (by_round(visits, scenario, cell, s) for s in (ours, PEER))
    ratios = [own[n]["s/GB"] / peer[n]["s/GB"] for n in own if n in peer]
    ratio = rounds.middle(ratios)
    verdict = "" if ratio is None else "met" if ratio <= GOALS[scenario] else "MISSED"
    return {"scenario": scenario, "cell": cell, "ratio": ratio, "goal": GOALS[scenario],
            "spread": rounds.spread(ratios), "verdict": verdict,
            "aggd": rounds.middle([v["s/GB"] for v in own.values()]),
            "peer": rounds.middle([v["s/GB"] for v in peer.values()]),
            "aggd, Mbit/s": rounds.middle([v["Mbit/s"] for v in own.values()]),
            "peer, Mbit/s": rounds.middle([v["Mbit/s"] for v in peer.values()])}


def memory_row(visits, scenario, side, ours="aggd"):
    own, peer = ([v["MB"][side] for v in by_round(visits, scenario, "memory", s).values()]
                 for s in (ours, PEER))
    most = max(own, default=None)
    verdict = "" if most is None else "met" if most <= GOAL_MB else "MISSED"
    return {"scenario": scenario, "cell": f"{MANY} downloads, {side}, MB", "aggd": most,
            "peer": max(peer, default=None), "goal": GOAL_MB, "verdict": verdict}


def rows(visits):
    for scenario, loads in LOADS.items():
        for cell in loads:
            if not any(v.get("scenario") == scenario and v.get("cell") == cell for v in visits):
                continue
            if cell == "memory":
                yield memory_row(visits, scenario, "gateway")
                yield memory_row(visits, scenario, "concentrator")
            else:
                yield cpu_row(visits, scenario, cell)


def text(value):
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def print_table(table):
    print("\nCPU s per GB, both ends: median of the rounds; ratio: median of the rounds' ratios")
    print(f"{'':36}{'aggd':>8}{PEER:>12}{'ratio':>8}{'goal':>8}")
    for row in table:
        print(f"{row['scenario']:5}{row['cell']:31}{text(row['aggd']):>8}{text(row['peer']):>12}"
              f"{text(row.get('ratio')):>8}{row['goal']:>8}  {row['verdict']}")


def arguments(words):
    parser = argparse.ArgumentParser(prog="dev bench cpu", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--output", default=os.path.join(rounds.build_dir(), "cpu.json"))
    args = parser.parse_args(words)
    args.names = ["aggd", PEER]
    args.cells = list(dict.fromkeys(c for loads in LOADS.values() for c in loads))
    known = [*LOADS, *args.names, *args.cells]
    unknown = [w for w in args.only if w not in known]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join(known)}")
    if args.rounds is None:
        args.rounds = 1 if args.quick else ROUNDS
    return args


def main(words):
    args = arguments(words)
    rounds.prefer_us()
    visits = measure_all(cells.chosen(args.only, list(LOADS)), cells.chosen(args.only, args.names),
                         cells.chosen(args.only, args.cells), args)
    table = list(rows(visits))
    print_table(table)
    with open(args.output, "w", encoding="utf-8") as file:
        json.dump({"when": time.strftime("%Y-%m-%dT%H:%M:%S"), "rows": table, "visits": visits},
                  file, indent=1)
    print("\nJSON in", args.output)
    return 1 if any("error" in v for v in visits) or \
        any(r["verdict"] == "MISSED" for r in table) else 0
