# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench smooth --tasks: what a person does on links that differ, in figures
beside those of the best link alone, the kernel's MPTCP and shadowsocks.

    first     Mbit/s of a download's first second, the paths cold
    object    ms of 10 MB, each on a connection of its own
    video     ms that a player stood still after its first chunk: chunks of 4 s at
              VIDEO of the sum of the rates, one asked for every 4 s
    echo      ms of a small echo beside a download, p50 and p99
    cut       ms of the longest gap when the fastest link is cut silently
    memory    Mbit/s of a download with `option memory` 8 MiB at both ends (aggd)

The median of the runs, and their worst.
"""
import dataclasses
import statistics
import threading
import time

import aggd
import cells
import rounds
import scenario
import systems
from lab import SRV4, Lab, LabError

CHUNK_S, VIDEO = 4, 0.6
VIDEO_S, VIDEO_QUICK_S = 60, 20
CUT_AFTER_S, CUT_FOR_S = 8, 4
SMALL_MEMORY = str(8 << 20)
SECONDS, SKIP_S = 24, 4
OBJECT_BYTES = 10_000_000
LOWER_IS_BETTER = {"object", "video", "echo p50", "echo p99", "cut"}


class SmallMemory(systems.Aggd):
    """Ours with the least memory that is sensible."""

    def __init__(self):
        super().__init__("subflows")
        self.name = "aggd-8M"

    def start(self, lab):
        systems.System.start(self, lab)
        options = {"memory": SMALL_MEMORY}
        self.aggd = aggd.Aggd(lab, gateway={"carrier": self.carrier, **options},
                              concentrator=options)
        self.aggd.start()
        aggd.wait_until(self.is_ready, systems.READY_S, lambda: str(self.aggd.status()))


def first(run):
    return {"first": cells.load(run, "bulk", SRV4, "-t", 1, check=False)["total_mbps"]}


def objects(run):
    got = cells.load(run, "objects", SRV4, "-s", OBJECT_BYTES, "-n", 3)
    return {"object": got["ms"]["p50"]}


def stood_still_ms(took_s):
    """Of chunks that were asked for every CHUNK_S, or when the one before was
    there, the first of them being what the player waits for anyway."""
    ends, asked, still = took_s[0] + CHUNK_S, max(CHUNK_S, took_s[0]), 0
    for took in took_s[1:]:
        there = asked + took
        still += max(there - ends, 0)
        ends = max(ends, there) + CHUNK_S
        asked = max(asked + CHUNK_S, there)
    return still * 1000


def video(run):
    rate = VIDEO * scenario.limit_mbps(run.lab.uplinks, "down") * 1e6
    size, took = int(rate * CHUNK_S / 8), []
    for _ in range((VIDEO_QUICK_S if run.quick else VIDEO_S) // CHUNK_S):
        begin = time.monotonic()
        got = cells.load(run, "objects", SRV4, "-s", size, "-n", 1)
        took.append(got["ms"]["p50"] / 1000)
        time.sleep(max(begin + CHUNK_S - time.monotonic(), 0))
    return {"video": stood_still_ms(took)}


def echo(run):
    got = cells.echo(run)
    return {"echo p50": got["echo loaded p50, ms"], "echo p99": got["echo loaded p99, ms"]}


def cut(run):
    link = run.lab.links[max(run.lab.uplinks, key=lambda u: u.down).name]
    got = {}
    bulk = threading.Thread(target=lambda: got.update(cells.load(
        run, "bulk", SRV4, "-t", CUT_AFTER_S + CUT_FOR_S, "-i", 10, check=False)))
    bulk.start()
    time.sleep(CUT_AFTER_S)
    at_us = time.monotonic() * 1e6
    link.cut()
    bulk.join()
    link.restore()
    first_sample = int((at_us - got["start_us"]) / 10_000)
    return {"cut": cells.longest_gap(got["samples"], first_sample, None, 0.01) * 1000}


def memory(run):
    got = cells.load(run, "bulk", SRV4, "-t", SECONDS // (2 if run.quick else 1),
                     "-k", SKIP_S, check=False)
    return {"memory": got["total_mbps"]}


TASKS = {"first": first, "object": objects, "video": video, "echo": echo, "cut": cut,
         "memory": memory}


@dataclasses.dataclass
class Case:
    """A task on a scenario, by a system."""
    scenario: str
    task: str
    system: systems.System


def run_once(case, number, quick):
    with Lab(case.scenario, cc=rounds.CONGESTION_CONTROL, seed=number) as lab:
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        case.system.start(lab)
        try:
            return TASKS[case.task](cells.Run(lab, case.system, quick))
        finally:
            case.system.stop()


def measure(case, runs, quick):
    """By figure: one of each run."""
    out = {}
    for number in range(1, runs + 1):
        try:
            got = run_once(case, number, quick)
        except (LabError, KeyError, OSError, TypeError) as error:
            print(f"{case.scenario} {case.task} {case.system.name}: {error!r}", flush=True)
            continue
        for name, value in got.items():
            out.setdefault(name, []).append(value)
    for name, values in out.items():
        worst = max(values) if name in LOWER_IS_BETTER else min(values)
        print(f"{case.scenario} {name:9} {case.system.name:10} "
              f"{statistics.median(values):8.1f}   worst {worst:8.1f}", flush=True)
    return out


def run_all(scenarios, tasks, candidates, runs, quick):
    """By scenario, system and figure."""
    everything = {}
    for name in scenarios:
        for task in tasks:
            for system in candidates:
                if task == "memory" and system.is_ours:
                    system = SmallMemory()
                if task == "memory" and system.name not in ("alone", "aggd-8M"):
                    continue
                everything.setdefault(f"{name} {system.name}", {}).update(
                    measure(Case(name, task, system), runs, quick))
    return everything
