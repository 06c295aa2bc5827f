# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What is measured: each function runs one experiment on a started system
and gives the values of its cells; and the table of cells with their targets.
"""
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
import scenario  # noqa: E402
from lab import SRV4, SRV6, LabError  # noqa: E402

MB = 1_000_000
OBJECTS = {"1K": 1000, "100K": 100_000, "1M": MB, "10M": 10 * MB}
OBJECT_COUNTS = {"1K": 40, "100K": 40, "1M": 15, "10M": 5}
STREAMS = 1000
PAGES_MAX = 1000                          # the time ends them
BULK_ALONE_S = 2                          # of a download before pages, counted
CUT_S, RESTORE_S, CUT_END_S = 5, 11, 20   # of the bulk that is cut
OUTAGE_S = 30
BYTES_OF_CPU_RUN = 1_000 * MB
CPU_RUNS = 3
LINK_USED_BYTES = 100_000                 # so many on a link: it is in use
QUIET_TRIES = 60                          # of a second each
QUIET_BYTES = 20_000                      # in a second, all links: keep-alives only


@dataclass
class Run:
    """One system on one scenario with one congestion control."""
    lab: object
    system: object
    quick: bool

    @property
    def seconds(self):
        """How long a flow runs, and how much of its start is not counted."""
        if self.lab.scenario in ("S3", "S5"):
            return (15, 6) if self.quick else (20, 6)
        return (6, 2) if self.quick else (8, 2)


def chosen(words, names):
    """Those of the names that --only lists; all, if it lists none of them."""
    listed = [n for n in names if n in words]
    return listed or list(names)


def load(run, *argv, socks=False, check=True):
    """aggload where the system's client is; its JSON."""
    words = [*run.system.wrap, run.lab.tool("aggload"),
             *(run.system.instead.get(a, str(a)) for a in argv)]
    if socks:
        words += ["-x", run.system.socks]
    done = run.lab.node(run.system.client).run(words, check=False, timeout=400)
    if not done.stdout:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip()}")
    got = json.loads(done.stdout)
    if check and done.returncode:
        raise LabError(f"{' '.join(words)}: {str(got)[:300]}")
    return got


def flow(run, address, direction, count=1, socks=False):
    """Shares of the limit: of all flows, and of the slowest times count. What
    waited for its turn before the counted time and comes out in it can make
    more than the limit; that is no merit."""
    seconds, skip = run.seconds
    got = load(run, "bulk", address, "-d", direction, "-t", seconds, "-k", skip,
               "-n", count, socks=socks, check=False)
    rates = [c["mbps"] for c in got["connections"]]
    if not any(rates):
        raise LabError(f"no byte: {got['connections'][0]['error']}")
    total = sum(rates)
    return min(total / run.lab.limit_mbps(direction), 1), min(rates) * count / total


def one_flow(run):
    cells = {}
    for direction in ("down", "up"):
        cells[f"{direction} IPv4"] = flow(run, SRV4, direction)[0]
        cells[f"{direction} IPv6"] = flow(run, SRV6, direction)[0]
        if run.system.socks:
            cells[f"{direction} SOCKS5"] = flow(run, SRV4, direction, socks=True)[0]
    return cells


def eight_flows(run):
    cells = {}
    for direction in ("down", "up"):
        total, slowest = flow(run, SRV4, direction, 8)
        cells[f"{direction} 8 flows"] = total
        cells[f"{direction} 8 flows, slowest share"] = slowest
    return cells


def wait_quiet(run):
    """Until no link carries more than keep-alives: what an upload left in the
    queues of gateway and client would load the next figure."""
    last = None
    for _ in range(QUIET_TRIES):
        now = sum(link.counters(d)["delivered_bytes"]
                  for link in run.lab.links.values() for d in ("down", "up"))
        if last is not None and now - last < QUIET_BYTES:
            return
        last = now
        time.sleep(1)


def objects(run):
    wait_quiet(run)
    cells = {}
    for name, size in OBJECTS.items():
        count = max(OBJECT_COUNTS[name] // (3 if run.quick else 1), 3)
        got = load(run, "objects", SRV4, "-s", size, "-n", count)
        cells[f"object {name}, ms"] = got["ms"]["p50"]
    return cells


def echo(run):
    """A small echo without and with a download of the same LAN."""
    seconds = 8 if run.quick else 20
    wait_quiet(run)
    idle = load(run, "echo", SRV4, "-t", 3)["ms"]
    done = {}
    bulk = threading.Thread(target=lambda: done.update(
        load(run, "bulk", SRV4, "-t", seconds + 4, check=False)))
    bulk.start()
    time.sleep(3)
    try:
        loaded = load(run, "echo", SRV4, "-t", seconds, check=False)["ms"]
    finally:
        bulk.join()
    return {"echo idle p50, ms": idle["p50"], "echo loaded p50, ms": loaded["p50"],
            "echo loaded p99, ms": loaded["p99"]}


def bulk_beside(run, lead_s, during, seconds):
    """What during() gives, called lead_s after a download of the LAN began that
    goes on for seconds and some more; and the download's Mbit/s alone, just
    before, and beside it."""
    done, clock = {}, []
    bulk = threading.Thread(target=lambda: done.update(
        load(run, "bulk", SRV4, "-t", lead_s + seconds + 3, "-i", 100, check=False)))
    bulk.start()
    time.sleep(lead_s)
    clock.append(time.monotonic())
    try:
        got = during()
        clock.append(time.monotonic())
    finally:
        bulk.join()
    begin, end = (int((t * 1e6 - done["start_us"]) / 100_000) for t in clock)
    rate = [sum(done["samples"][a:b]) * 8 / 1e5 / max(b - a, 1)
            for a, b in ((begin - BULK_ALONE_S * 10, begin), (begin, end))]
    return got, *rate


def page(run):
    """A page of many objects, without and with a download of the same LAN."""
    seconds = 4 if run.quick else 12
    lead_s = (3 if run.quick else 5) if run.lab.scenario != "S3" else 12
    wait_quiet(run)
    load(run, "page", SRV4, "-l", 1)
    idle = load(run, "page", SRV4, "-l", 3 if run.quick else 8)
    got, alone, beside = bulk_beside(
        run, lead_s, lambda: load(run, "page", SRV4, "-l", PAGES_MAX, "-t", seconds), seconds)
    limit = run.lab.limit_mbps("down")
    return {"page idle, object mean, ms": idle["ms"]["mean"],
            "page idle, whole, ms": idle["page_ms"]["mean"],
            "page loaded, object mean, ms": got["ms"]["mean"],
            "page loaded, object p95, ms": got["ms"]["p95"],
            "page loaded, whole, ms": got["page_ms"]["mean"],
            "down 1 flow before pages": min(alone / limit, 1),
            "down 1 flow beside pages": min(beside / limit, 1)}


def windows(samples, width):
    """Sums of so many samples, at every place."""
    total = sum(samples[:width])
    yield total
    for i in range(width, len(samples)):
        total += samples[i] - samples[i - width]
        yield total


def time_to_rate(samples, start, rate_bits, interval_s, width=20):
    """Seconds from sample start until a window's mean reaches the rate; the
    window's end counts. None: never."""
    need = rate_bits / 8 * width * interval_s
    for i, total in enumerate(windows(samples[start:], width)):
        if total >= need:
            return (i + width) * interval_s
    return None


def longest_gap(samples, start, end, interval_s):
    longest = run = 0
    for n in samples[start:end]:
        run = 0 if n else run + 1
        longest = max(longest, run)
    return longest * interval_s


def cut_and_restore(run):
    """The first link is cut silently under one download, then restored."""
    wait_quiet(run)
    link = run.lab.links[run.lab.uplinks[0].name]
    rest = scenario.limit_mbps(run.lab.uplinks[1:], "down")
    got = {}
    bulk = threading.Thread(target=lambda: got.update(
        load(run, "bulk", SRV4, "-t", CUT_END_S, "-i", 10, check=False)))
    start = time.monotonic()
    bulk.start()
    time.sleep(start + CUT_S - time.monotonic())
    cut_us = time.monotonic() * 1e6
    link.cut()
    time.sleep(start + RESTORE_S - time.monotonic())
    link.restore()
    reused = None
    before = link.counters("down")["delivered_bytes"]
    restored = time.monotonic()
    while reused is None and time.monotonic() < start + CUT_END_S:
        if link.counters("down")["delivered_bytes"] - before > LINK_USED_BYTES:
            reused = time.monotonic() - restored
        time.sleep(0.05)
    bulk.join()
    first = int((cut_us - got["start_us"]) / 10_000)
    last = int((restored * 1e6 - got["start_us"]) / 10_000)
    return {"cut: longest gap, ms": longest_gap(got["samples"], first, last, 0.01) * 1000,
            "cut: to 80 % of the rest, s": time_to_rate(got["samples"], first,
                                                        0.8 * rest * 1e6, 0.01),
            "cut: resets": sum(c["error"] is not None for c in got["connections"]),
            "restored: in use again, s": reused}


def outage(run):
    """Every link is cut for 30 s under 8 downloads; how many went on."""
    got = {}
    end = OUTAGE_S + 25
    bulk = threading.Thread(target=lambda: got.update(
        load(run, "bulk", SRV4, "-n", 8, "-t", end, "-k", 4 + OUTAGE_S, check=False)))
    bulk.start()
    time.sleep(3)
    for link in run.lab.links.values():
        link.cut()
    time.sleep(OUTAGE_S)
    for link in run.lab.links.values():
        link.restore()
    bulk.join()
    went_on = sum(c["mbps"] > 0 and c["error"] is None for c in got["connections"])
    return {"all cut 30 s: streams that went on, of 8": went_on}


def idle_memory(run):
    time.sleep(2)
    return {"idle gateway RSS, MB": run.system.gateway_kib("VmRSS") / 1024}


def streams(run):
    got = load(run, "streams", SRV4, "-n", STREAMS, "-d", "both", "-t", 300, check=False)
    return {"1000 streams: exact": got["ok"], "1000 streams: seconds": got["seconds"],
            "1000 streams: gateway peak RSS, MB": run.system.gateway_kib("VmHWM") / 1024}


def cpu_per_gb(run):
    cells = {}
    for direction in ("down", "up"):
        before = run.system.cpu_s()
        count = 1 if run.quick else CPU_RUNS
        got = load(run, "objects", SRV4, "-d", direction, "-n", count, "-s", BYTES_OF_CPU_RUN)
        moved_gb = got["size"] * count / 1e9
        cells[f"CPU s per GB {direction}"] = (run.system.cpu_s() - before) / moved_gb
        cells[f"fast {direction}, Mbit/s"] = got["size"] * 8 / got["ms"]["p50"] / 1e3
    return cells


# -- which experiments run where, and what their cells have to reach

EXPERIMENTS = {
    "S1": ("flow", "flow8", "cut", "outage", "memory", "streams"),
    "S2": ("flow", "flow8", "objects", "echo", "page"),
    "S3": ("flow", "flow8", "page"),
    "S4": ("flow", "flow8"),
    "S5": ("flow", "flow8", "objects"),
    "fast": ("cpu",),
}
FUNCTIONS = {"flow": one_flow, "flow8": eight_flows, "objects": objects, "echo": echo, "page": page,
             "cut": cut_and_restore, "outage": outage, "memory": idle_memory,
             "streams": streams, "cpu": cpu_per_gb}


@dataclass
class Target:
    """A goal of a cell. relation: '>=' or '<='; None: only to be compared."""
    relation: Optional[str]
    value: Optional[float]
    compare: bool = True          # not worse than the best peer
    peer_factor: float = 1.0      # of the best peer's value


FLOW = {"S1": (0.96, 0.93), "S2": (0.96, 0.93), "S3": (0.90, 0.85), "S4": (0.94, 0.90),
        "S5": (0.96, 0.93)}


def flow_target(name, cell):
    if "slowest" in cell:
        return Target(">=", 0.5, compare=False)
    return Target(">=", FLOW[name][0 if cell.startswith("down") else 1])


def object_target(cell, uplinks):
    size = OBJECTS[cell.split()[1].rstrip(",")]
    if size == 1000:
        return Target("<=", 1.3 * 2 * min(u.delay for u in uplinks))
    factor = 1.6 if size == 100_000 else 1.25
    return Target("<=", factor * scenario.fluid_bound_s(uplinks, size) * 1000)


FIXED = {
    "cut: longest gap, ms": Target("<=", 500),
    "cut: to 80 % of the rest, s": Target("<=", 1.0),
    "cut: resets": Target("<=", 0),
    "restored: in use again, s": Target("<=", 3.0),
    "all cut 30 s: streams that went on, of 8": Target(">=", 8),
    "idle gateway RSS, MB": Target("<=", 12, compare=False),
    "1000 streams: exact": Target(">=", STREAMS),
    "1000 streams: seconds": Target(None, None),
    "1000 streams: gateway peak RSS, MB": Target("<=", 64, compare=False),
    "CPU s per GB down": Target("<=", None, peer_factor=0.7),
    "CPU s per GB up": Target("<=", None, peer_factor=0.7),
    "fast down, Mbit/s": Target(">=", None, compare=False),
    "fast up, Mbit/s": Target(">=", None, compare=False),
}


def target(name, cell):
    """The goal of a cell of a scenario."""
    uplinks = scenario.load(name)
    if cell in FIXED:
        return FIXED[cell]
    if cell.endswith(" pages"):  # what pages leave is no merit by itself
        return Target(">=", None, compare=False)
    if cell.startswith(("down", "up")):
        return flow_target(name, cell)
    if cell.startswith("object"):
        return object_target(cell, uplinks)
    idle_ms = 2 * min(u.delay for u in uplinks)
    if cell == "echo loaded p50, ms":
        return Target("<=", idle_ms + 25)
    if cell == "echo loaded p99, ms":
        return Target("<=", idle_ms + 120)
    return Target("<=", None)


MPTCP_FLOW = {"S1": (0.95, 0.93), "S2": (0.95, 0.93)}


def mptcp_goal(name, cell):
    """Of one flow over carrier mptcp; None: none."""
    if name not in MPTCP_FLOW or not cell.startswith(("down IP", "up IP", "down SO", "up SO")):
        return None
    return MPTCP_FLOW[name][0 if cell.startswith("down") else 1]


def higher_is_better(name, cell):
    return target(name, cell).relation == ">="
