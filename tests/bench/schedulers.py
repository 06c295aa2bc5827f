# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench schedulers: every scheduler of aggd on the same links: a page of
30 objects with and without a download beside it, and objects of 100 KB, 1 MB
and 10 MB on new connections. Each round visits all in another order, each with
fresh daemons; the table has medians of the rounds, in brackets how far the
rounds were apart, and the median of the rounds' ratios to lowrtt.

    ./dev bench schedulers --quick           one round, shorter
    ./dev bench schedulers --only S2 ecf     scenarios, schedulers
    ./dev bench schedulers --only ecf ecf,order=srpt,reinjection=tail
                                             more options of the daemons' 'main'
    ./dev bench schedulers --add --rounds 3  to what --output has already
    ./dev bench schedulers --rounds 0 --add  only prints it
"""
import argparse
import json
import os
import sys
import time

import cells
import rounds
from lab import SRV4, LabError

SCENARIOS = ("S2", "S3")
OBJECTS = {"100K": (100_000, 20), "1M": (1_000_000, 10), "10M": (10_000_000, 3)}
REFERENCE = "lowrtt"
ROUNDS = 5

# The table's columns: a cell, its head, is less better?
COLUMNS = (
    ("page loaded, object mean, ms", "page+dl mean", True),
    ("page loaded, object p95, ms", "page+dl p95", True),
    ("page loaded, whole, ms", "page+dl whole", True),
    ("page idle, object mean, ms", "page mean", True),
    ("object 100K, ms", "100 KB", True),
    ("object 1M, ms", "1 MB", True),
    ("object 10M, ms", "10 MB", True),
    ("down 1 flow before pages", "dl alone", False),
    ("down 1 flow beside pages", "dl+page", False),
)


def options_of(variant):
    """'ecf,order=srpt' as options of the daemon."""
    name, *more = variant.split(",")
    return dict([("scheduler", name)] + [word.split("=", 1) for word in more])


def measure(scenario, variant, number, quick):
    with rounds.Visit(scenario, number, gateway=options_of(variant)) as visit:
        visit.quick = quick
        got = {}
        cells.load(visit, "page", SRV4, "-l", 2)  # the first connections of all: not counted
        for name, (size, count) in OBJECTS.items():
            count = max(count // 3, 1) if quick else count
            got[f"object {name}, ms"] = cells.load(
                visit, "objects", SRV4, "-s", size, "-n", count)["ms"]["mean"]
        got.update(cells.page(visit))
    return {"round": number, "scenario": scenario, "scheduler": variant, "idle": visit.idle,
            "cells": got}


def measure_all(visits, scenarios, variants, args):
    first = max((v["round"] for v in visits), default=0) + 1
    cases = [(s, v) for s in scenarios for v in variants]
    for number in range(first, first + args.rounds):
        for scenario, variant in rounds.shuffled(cases, number):
            start = time.monotonic()
            try:
                visit = measure(scenario, variant, number, args.quick)
            except (LabError, KeyError, OSError, TypeError) as error:
                visit = {"round": number, "scenario": scenario, "scheduler": variant,
                         "error": repr(error), "cells": {}}
                print(f"error: {scenario} {variant}: {error!r}", flush=True)
            visits.append(visit)
            if visit["cells"]:
                print(f"round {number}  {scenario}  {variant:20}"
                      f" page+dl {visit['cells']['page loaded, object mean, ms']:6.1f}"
                      f"  1 MB {visit['cells']['object 1M, ms']:6.1f}"
                      f"  idle {visit['idle']:4.0%}  {time.monotonic() - start:.0f} s", flush=True)
        write(args.output, visits)


def values_of(visits, scenario, variant, cell):
    """By round."""
    return {v["round"]: v["cells"][cell] for v in visits
            if (v["scenario"], v["scheduler"]) == (scenario, variant) and cell in v["cells"]}


def ratio(values, reference):
    """The median of the ratios of the rounds that both were in, or None."""
    return rounds.middle([values[n] / reference[n] for n in values if reference.get(n)])


def rows(visits):
    """A row a scenario and scheduler: by cell (median, spread, ratio, n)."""
    for scenario in dict.fromkeys(v["scenario"] for v in visits):
        names = dict.fromkeys(v["scheduler"] for v in visits if v["scenario"] == scenario)
        for variant in sorted(names, key=lambda n: (n != REFERENCE, n)):
            row = {}
            for cell, _, _ in COLUMNS:
                values = values_of(visits, scenario, variant, cell)
                reference = values_of(visits, scenario, REFERENCE, cell)
                row[cell] = {"median": rounds.middle(values.values()), "n": len(values),
                             "spread": rounds.spread(values.values()),
                             "ratio": ratio(values, reference)}
            yield scenario, variant, row


def text(cell, ratio_too):
    """'123 [8 %] x0.91'"""
    value = cell["median"]
    if value is None:
        return "-"
    out = f"{value:.2f}" if value < 2 else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    if cell["spread"] is not None:
        out += f" [{cell['spread']:.0%}]"
    if ratio_too and cell["ratio"] is not None:
        out += f" x{cell['ratio']:.2f}"
    return out


def print_table(visits):
    """Markdown, so that it can be shown as it is."""
    shown = None
    for scenario, variant, row in rows(visits):
        if scenario != shown:
            shown = scenario
            count = max(cell["n"] for cell in row.values())
            print(f"\n{scenario}: median of {count} rounds [spread] ratio to {REFERENCE}; ms, "
                  "download as share of the limit\n")
            print("| scheduler | " + " | ".join(head for _, head, _ in COLUMNS) + " |")
            print("|---" * (len(COLUMNS) + 1) + "|")
        print(f"| {variant} | " + " | ".join(
            text(row[cell], variant != REFERENCE) for cell, _, _ in COLUMNS) + " |")


def write(path, visits):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"when": time.strftime("%Y-%m-%dT%H:%M:%S"), "visits": visits}, file, indent=1)


def arguments(words):
    parser = argparse.ArgumentParser(prog="dev bench schedulers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--output", default=os.path.join(rounds.build_dir(), "schedulers.json"))
    args = parser.parse_args(words)
    known = rounds.words_of("scheduler")
    unknown = [w for w in args.only if w.partition(",")[0] not in (*SCENARIOS, *known)]
    if unknown:
        parser.error(f"--only: '{unknown[0]}': there are {' '.join((*SCENARIOS, *known))}")
    if args.rounds is None:
        args.rounds = 1 if args.quick else ROUNDS
    args.variants = [w for w in args.only if w not in SCENARIOS] or known
    return args


def main(words):
    args = arguments(words)
    rounds.prefer_us()
    visits = []
    if args.add and os.path.exists(args.output):
        with open(args.output, encoding="utf-8") as file:
            visits = json.load(file)["visits"]
    try:
        measure_all(visits, cells.chosen(args.only, SCENARIOS), args.variants, args)
    except KeyboardInterrupt:
        print("interrupted; what was measured:")
    print_table(visits)
    print("\nJSON in", args.output)
    return 1 if any("error" in v for v in visits) else 0
