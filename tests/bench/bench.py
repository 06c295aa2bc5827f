#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench: our figures, and those of others in the same run on the same
links, each with CUBIC and with BBR as the congestion control of every host.
The better of the two counts for a peer; ours are judged by their better one
too, and both are shown. Flows are shares of the limit. aggd is ours over its
own subflows, aggd-mptcp over the kernel's MPTCP; mptcp is the kernel's alone,
between the gateway and the VPS, no proxy in between: for comparison.

    ./dev bench --quick                    shorter flows, CUBIC only
    ./dev bench --only S2 objects aggd     scenarios, experiments, systems, cubic, bbr

    ./dev bench cpu                        what a byte costs, and what many downloads hold
    ./dev bench schedulers                 our schedulers beside each other
    ./dev bench simtruth                   the simulator beside the lab
    ./dev bench pick                       what a scheduler's decision costs
    ./dev bench links                      random links, in the simulator
    ./dev bench sites                      a thousand sites on one concentrator
    ./dev bench smooth                     a download moment by moment
    ./dev bench tunnel                     what is not TCP
    ./dev bench boards                     what a small board carries, an estimate
    (each with --help)
"""
import argparse
import json
import os
import platform
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boards  # noqa: E402
import cells  # noqa: E402
import cpu  # noqa: E402
import links  # noqa: E402
import pick  # noqa: E402
import schedulers  # noqa: E402
import simtruth  # noqa: E402
import sites  # noqa: E402
import smooth  # noqa: E402
import systems  # noqa: E402
import tunnel  # noqa: E402
from lab import Lab, LabError, install_signals, remove_stale  # noqa: E402

CONGESTION_CONTROLS = ("cubic", "bbr")
OTHERS = {"boards": boards.main, "cpu": cpu.main, "schedulers": schedulers.main,
          "simtruth": simtruth.main, "pick": pick.main, "links": links.main,
          "sites": sites.main, "smooth": smooth.main, "tunnel": tunnel.main}
TIE = 0.02   # a peer is not better within this share
TIE_MS = 0.5 # nor within this time


class Figures:
    """Every value: by scenario, cell, system and congestion control."""

    def __init__(self):
        self.values = {}
        self.errors = []

    def put(self, scenario, cell, system, cc, value):
        self.values.setdefault((scenario, cell), {})[(system, cc)] = value

    def best(self, scenario, cell, systems_chosen):
        """The best value of the systems, and who gave it."""
        found = [(v, s) for (s, _), v in self.values[scenario, cell].items()
                 if s in systems_chosen and v is not None]
        if not found:
            return None, None
        pick = max if cells.higher_is_better(scenario, cell) else min
        return pick(found)


def run_system(figures, name, cc, system, experiments, quick):
    prefix = f"{name:4} {cc:5} {system.name:11}"
    with Lab(name, cc=cc) as lab:
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        try:
            system.start(lab)
        except LabError as error:
            figures.errors.append(f"{prefix} start: {error}")
            print(f"{prefix} did not start: {error}", flush=True)
            return
        run = cells.Run(lab, system, quick)
        for experiment in experiments:
            if experiment in system.skips:
                continue
            try:
                got = cells.FUNCTIONS[experiment](run)
            except (LabError, KeyError, OSError, TypeError) as error:
                figures.errors.append(f"{prefix} {experiment}: {error!r}")
                print(f"{prefix} {experiment}: {error!r}", flush=True)
                continue
            for cell, value in got.items():
                figures.put(name, cell, system.name, cc, value)
                print(f"{prefix} {cell:42} {text(value)}", flush=True)
        system.stop()


def text(value):
    if value is None:
        return "never"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def slack(cell, value):
    """How much worse than a peer still counts as equal."""
    return max(abs(value) * TIE, TIE_MS if cell.endswith(", ms") else 0)


def judge(figures, name, cell, ours, peers):
    """'met', or which goals are missed; '' where there is nothing to say."""
    target = cells.target(name, cell)
    peer, _ = figures.best(name, cell, peers)
    sign = 1 if target.relation == ">=" else -1
    missed = []
    if ours is None:
        return "MISSED: never"
    if target.value is not None and sign * ours < sign * target.value:
        missed.append("goal")
    if target.compare and peer is not None and target.relation:
        bound = peer * target.peer_factor
        allowed = 0 if target.peer_factor != 1 else slack(cell, bound)
        if sign * ours < sign * bound - allowed:
            missed.append("peer")
    return "MISSED: " + ", ".join(missed) if missed else "met"


def judge_mptcp(name, cell, best):
    """What carrier mptcp has to reach by itself."""
    goal = cells.mptcp_goal(name, cell)
    if goal is None or "aggd-mptcp" not in best:
        return ""
    return "met" if best["aggd-mptcp"] >= goal else f"MISSED: mptcp {goal}"


def rows(figures, peers):
    """The table: a row a cell."""
    for (name, cell), by_system in sorted(figures.values.items(), key=lambda kv: kv[0][0]):
        target = cells.target(name, cell)
        ours = {cc: v for (s, cc), v in by_system.items() if s == "aggd"}
        best = {s: figures.best(name, cell, [s])[0] for s in dict.fromkeys(s for s, _ in by_system)}
        yield {"scenario": name, "cell": cell, "relation": target.relation,
               "goal": target.value, "peer_factor": target.peer_factor,
               "best": best, "aggd": ours,
               "verdict": judge(figures, name, cell, best["aggd"], peers) if ours else "",
               "mptcp_verdict": judge_mptcp(name, cell, best)}


def print_table(table, names):
    head = f"{'':5}{'':44}{'goal':>10}" + "".join(f"{n:>13}" for n in names)
    print(f"\n{head}   cubic/bbr")
    for row in table:
        goal = "" if row["goal"] is None else f"{row['relation']} {text(row['goal'])}"
        if row["peer_factor"] != 1:
            goal = f"{row['peer_factor']:g} x peer"
        values = "".join(f"{text(row['best'][n]) if n in row['best'] else '':>13}" for n in names)
        both = "/".join(text(v) for v in row["aggd"].values())
        missed = row["mptcp_verdict"] if row["mptcp_verdict"] != "met" else ""
        print(f"{row['scenario']:5}{row['cell']:44}{goal:>10}{values}   {both}  {row['verdict']} "
              f"{missed}")


def main(words):
    if words and words[0] in OTHERS:
        return OTHERS[words[0]](words[1:])
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--output", default=os.path.join(systems.ROOT, "build", "bench.json"))
    args = parser.parse_args(words)
    candidates = systems.all_systems()
    known = {*cells.EXPERIMENTS, *cells.FUNCTIONS, *CONGESTION_CONTROLS,
             *(s.name for s in candidates)}
    unknown = [w for w in args.only if w not in known]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join(sorted(known))}")
    if not os.path.exists(os.path.join(systems.ROOT, "build", "aggd")):
        print("bench: no build/aggd: the others only")
        candidates = [s for s in candidates if not s.is_ours]
    names = cells.chosen(args.only, [s.name for s in candidates])
    controls = cells.chosen(args.only, CONGESTION_CONTROLS)
    if args.quick and not set(args.only) & set(CONGESTION_CONTROLS):
        controls = controls[:1]
    wanted = cells.chosen(args.only, list(cells.FUNCTIONS))
    install_signals()
    remove_stale()
    figures = Figures()
    start = time.monotonic()
    try:
        for name in cells.chosen(args.only, list(cells.EXPERIMENTS)):
            experiments = [e for e in cells.EXPERIMENTS[name] if e in wanted]
            for cc in controls if experiments else ():
                for system in candidates:
                    if system.name in names and set(experiments) - system.skips:
                        run_system(figures, name, cc, system, experiments, args.quick)
    except KeyboardInterrupt:
        print("bench: interrupted; what was measured:")
    peers = [s.name for s in candidates if s.is_peer]
    table = list(rows(figures, peers))
    print_table(table, names)
    for error in figures.errors:
        print("error: " + error)
    write(args.output, figures, table, args.quick)
    print(f"\n{len(table)} cells in {time.monotonic() - start:.0f} s; JSON in {args.output}")
    missed = figures.errors or any("MISSED" in r["verdict"] + r["mptcp_verdict"] for r in table)
    if not args.only and cpu.main(["--quick"] if args.quick else []):
        missed = True
    return 1 if missed else 0


def write(path, figures, table, quick):
    values = [{"scenario": n, "cell": c, "system": s, "congestion_control": cc, "value": v}
              for (n, c), by in figures.values.items() for (s, cc), v in by.items()]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"when": time.strftime("%Y-%m-%dT%H:%M:%S"), "kernel": platform.release(),
                   "cores": os.cpu_count(), "quick": quick, "rows": table, "values": values,
                   "errors": figures.errors}, file, indent=1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
