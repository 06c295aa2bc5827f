#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Makes traces for the page of aggsim, for its tests and to look at it.

    page_sample.py batch|arrivals|mixed|full|cut|one|bare    prints the JSON

A coarse model of its own, seeded, good enough to look like the simulator's:
windows that double each round trip, drop-tail queues that never drop, pieces
of a fixed size. It says nothing about the schedulers that it names.
"""
import functools
import heapq
import json
import random
import sys

TICK_US = 500
PIECE_BYTES = 4096
WINDOW_BYTES = 14480
FRAMES_MAX = 600
MBIT_BPS = 125000
FIGURES = ("mean_ms", "p50_ms", "p95_ms", "p99_ms", "slowdown", "goodput_mbit", "late_percent",
           "stall_ms", "quality_percent")


class Path:
    """A link with its queue, and the window of who sends on it."""

    def __init__(self, spec, rate_at):
        self.delay_us = spec["delay_us"]
        self.rate_bps, self.rate_at = spec["rate_bps"], rate_at
        self.queue_bytes_max = spec["queue_bytes"]
        self.window = WINDOW_BYTES
        self.unacked = self.queued = self.piped = 0
        self.queue = []
        self.credit = 0.0

    def window_max(self):
        product = self.rate_bps * 2 * self.delay_us / 1e6
        return product + min(product, self.queue_bytes_max * 0.8) + 4 * PIECE_BYTES

    def has_room(self):
        return self.unacked + PIECE_BYTES <= self.window

    def arrival_us(self):
        if not self.rate_bps:
            return 1e12
        return self.delay_us + (self.queued + PIECE_BYTES) * 1e6 / self.rate_bps

    def push(self, stream, size):
        self.queue.append((stream, size))
        self.queued += size
        self.unacked += size

    def serve(self, now_us):
        """Gives what leaves the queue in this tick."""
        self.rate_bps = self.rate_at(now_us)
        self.credit += self.rate_bps * TICK_US / 1e6
        gone = []
        while self.queue and self.queue[0][1] <= self.credit:
            stream, size = self.queue.pop(0)
            self.credit -= size
            self.queued -= size
            self.piped += size
            gone.append((stream, size))
        if not self.queue:
            self.credit = 0.0
        return gone

    def acked(self, size):
        self.unacked -= size
        self.window = min(self.window + size, max(self.window_max(), WINDOW_BYTES))


def pick_path(scheduler, paths, turn):
    free = [p for p in paths if p.has_room() and p.rate_bps]
    if not free:
        return None
    if scheduler == "roundrobin":
        return free[turn % len(free)]
    if scheduler in ("lowrtt", "blest"):
        return min(free, key=lambda p: p.delay_us + p.queued * 1e6 / p.rate_bps / 4)
    best = min(paths, key=Path.arrival_us)
    if best.has_room():
        return best
    return min(free, key=Path.arrival_us) if min(
        p.arrival_us() for p in free) < 2.5 * best.arrival_us() else None


def pick_stream(order, streams, active, now):
    if order == "srpt":
        return min(active, key=lambda i: streams[i]["unsent"])
    if order == "fifo":
        return active[0]
    return active[now % len(active)]


def bound_us(paths, size):
    """The time of arrival of the last byte if a stream were alone: fluid."""
    ordered = sorted(paths, key=lambda p: p["delay_us"])
    for m in range(1, len(ordered) + 1):
        rate = sum(p["rate_bps"] for p in ordered[:m])
        base = sum(p["rate_bps"] * p["delay_us"] / 1e6 for p in ordered[:m])
        at = (size + base) * 1e6 / rate
        if m == len(ordered) or at <= ordered[m]["delay_us"]:
            return round(at)


class Run:
    """One scheduler over one load."""

    def __init__(self, policy, specs, loads, rates, until_us):
        self.scheduler, self.order, self.reinjection = policy
        self.specs, self.until_us = specs, until_us
        self.paths = [Path(s, rates[i]) for i, s in enumerate(specs)]
        self.streams = [dict(load, unsent=load["size"], left=load["size"], end_us=None)
                        for load in loads]
        self.events, self.serial, self.turn, self.frames = [], 0, 0, []

    def send(self, now_us):
        active = [i for i, s in enumerate(self.streams)
                  if s["start_us"] <= now_us and s["unsent"]]
        while active:
            path = pick_path(self.scheduler, self.paths, self.turn)
            if path is None:
                return
            self.turn += 1
            i = pick_stream(self.order, self.streams, active, self.turn)
            size = min(PIECE_BYTES, self.streams[i]["unsent"])
            self.streams[i]["unsent"] -= size
            path.push(i, size)
            if not self.streams[i]["unsent"]:
                active.remove(i)

    def arrive(self, now_us):
        while self.events and self.events[0][0] <= now_us:
            at, _, kind, path, i, size = heapq.heappop(self.events)
            if kind == "ack":
                path.acked(size)
                continue
            path.piped -= size
            self.streams[i]["left"] -= size
            if not self.streams[i]["left"]:
                self.streams[i]["end_us"] = round(at)
            self.at(at + path.delay_us, "ack", path, i, size)

    def at(self, at, kind, path, i, size):
        self.serial += 1
        heapq.heappush(self.events, (at, self.serial, kind, path, i, size))

    def frame(self, now_us):
        streams = [[i, s["left"], s["left"] - s["unsent"]]
                   for i, s in enumerate(self.streams) if s["start_us"] <= now_us and s["left"]]
        return [streams, [[p.queued, p.piped, round(p.rate_bps)] for p in self.paths]]

    def play(self, step_us):
        now_us = 0
        while now_us <= self.until_us:
            self.arrive(now_us)
            self.send(now_us)
            for path in self.paths:
                for i, size in path.serve(now_us):
                    self.at(now_us + path.delay_us, "piece", path, i, size)
            if now_us % step_us == 0:
                self.frames.append(self.frame(now_us))
                if all(s["end_us"] is not None for s in self.streams):
                    return now_us
            now_us += TICK_US
        return self.until_us

    def stats(self, load, kind):
        stats = dict.fromkeys(FIGURES)
        done = sorted((s["end_us"] - s["start_us"], bound_us(self.specs, s["size"]), s["size"])
                      for s in self.streams if s["end_us"] is not None and s["load"] == load)
        if done:
            stats["goodput_mbit"] = round(sum(s[2] for s in done) * 8 / done[-1][0], 3)
        if not done or kind == "bulk":
            return stats
        took = [s[0] / 1000 for s in done]
        for name, share in (("p50_ms", .5), ("p95_ms", .95), ("p99_ms", .99)):
            stats[name] = round(took[min(len(took) - 1, int(len(took) * share))], 3)
        stats["mean_ms"] = round(sum(took) / len(took), 3)
        stats["slowdown"] = round(sum(s[0] / s[1] for s in done) / len(done), 3)
        return stats

    def result(self, step_us, kinds):
        end_us = self.play(step_us)
        streams = [{"name": s["name"], "load": s["load"], "size": s["size"],
                    "start_us": s["start_us"], "end_us": s["end_us"],
                    "bound_us": bound_us(self.specs, s["size"])} for s in self.streams]
        whole = all(s["end_us"] is not None for s in self.streams)
        return {"scheduler": self.scheduler, "order": self.order,
                "reinjection": self.reinjection, "end_us": end_us if whole else None,
                "twice_percent": 0, "streams": streams, "frames": self.frames,
                "stats": [self.stats(i, kind) for i, kind in enumerate(kinds)]}


def path(name, mbit, delay_ms, queue_ms):
    return {"name": name, "rate_bps": mbit * MBIT_BPS, "delay_us": delay_ms * 1000,
            "queue_bytes": mbit * MBIT_BPS * queue_ms // 1000}


def load(name, size, start_us=0, nth=0):
    """An object of the nth load."""
    return {"name": name, "load": nth, "size": int(size), "start_us": int(start_us)}


def steady(specs):
    return [lambda now_us, r=s["rate_bps"]: r for s in specs]


def make(title, note, specs, loads, policies, until_us, rates=None, kinds=("batch",)):
    rates = rates or steady(specs)
    # A first go at a coarse step says how long it takes, and so the step.
    longest = max(Run(p, specs, loads, rates, until_us).play(TICK_US * 16) for p in policies)
    step_us = max(1, -(-longest // (TICK_US * (FRAMES_MAX - 2)))) * TICK_US
    runs = [Run(p, specs, loads, rates, until_us).result(step_us, kinds) for p in policies]
    return {"version": 1, "title": title, "note": note, "seed": 7, "repeat": 1,
            "step_us": step_us, "paths": specs, "runs": runs,
            "loads": [{"name": kind, "kind": kind, "count": sum(l["load"] == i for l in loads)}
                      for i, kind in enumerate(kinds)]}


FOUR = [("ecf", "srpt", "tail"), ("lowrtt", "roundrobin", "off"),
        ("roundrobin", "roundrobin", "off"), ("ecf", "roundrobin", "tail")]


def batch(rand):
    specs = [path("dsl", 50, 5, 100), path("lte", 20, 30, 100)]
    loads = [load(f"img-{i}", size) for i, size in enumerate(
        [18000, 250000, 64000, 900000, 32000, 120000, 48000, 400000, 75000, 27000, 160000, 90000])]
    return make("A page over DSL and LTE", "Twelve objects asked for at once, down. Connections "
                "are warm; sizes as a page has them.", specs, loads, FOUR, 10**7)


def arrivals(rand):
    specs = [path("dsl", 30, 10, 100), path("lte", 60, 25, 300), path("satellite", 20, 300, 100)]
    at, loads = 0, []
    for i in range(200):
        at += rand.expovariate(1 / 30000)
        loads.append(load(f"object {i}", min(4e6, 8000 * rand.paretovariate(1.1)), at))
    swing = [1, .8, .45, .15, 0, .3, .7, .9, 1, .6]
    rates = steady(specs)
    rates[1] = lambda now_us: specs[1]["rate_bps"] * swing[now_us // 400000 % len(swing)]
    return make("200 objects arriving over time", "Poisson arrivals, sizes with a heavy tail "
                "(Pareto 1.1); the LTE rate follows a recorded trace.", specs, loads, FOUR,
                3 * 10**7, rates)


def mixed(rand):
    """Three loads: a page, a download, and one of which nothing was done."""
    specs = [path("dsl", 50, 5, 100), path("lte", 20, 30, 100)]
    loads = [load(f"object {i}", 5000 * rand.paretovariate(1.1), i * 20000) for i in range(30)]
    loads += [load("download", 6e6, 0, 1), load("never", 1e6, 10**8, 2)]
    return make("A page during a download", "The page is asked for in turn.", specs, loads, FOUR,
                15 * 10**5, kinds=("page", "bulk", "objects"))


def full(rand):
    """All limits of the format at once."""
    specs = [path(f"uplink-{i + 1}", m, d, 100) for i, (m, d) in enumerate(
        [(50, 5), (20, 30), (30, 12), (8, 45), (100, 8), (16, 60), (4, 300), (25, 20)])]
    loads = [load(f"s{i:03}", 1000 * 4 ** (6 * rand.random()), rand.random() * 1.5e6)
             for i in range(200)]
    policies = [(s, o, "off") for s in ("ecf", "lowrtt", "roundrobin", "blest", "eat")
                for o in ("roundrobin", "srpt")]
    return make("Everything at its limit", "", specs, loads, policies, 2 * 10**7)


def cut(rand):
    specs = [path("fibre", 100, 4, 60), path("lte", 20, 35, 200)]
    loads = [load("a </script><b>hostile</b> & \"quoted\" name", 9e6), load("call", 30000, 150000),
             load("backup", 6e7)]
    rates = steady(specs)
    rates[0] = lambda now_us: 0 if now_us >= 400000 else specs[0]["rate_bps"]
    return make("A cut </script><script>alert(1)</script> & what follows",
                "The fibre is cut after 0.4 s; <!-- the run is stopped --> after 3 s.", specs,
                loads, FOUR[:2], 3 * 10**6, rates)


def one(rand):
    return make("One stream, one run", "The least that can be shown.", [path("dsl", 16, 15, 150)],
                [load("download", 1e6)], [("lowrtt", "roundrobin", "off")], 10**7)


def bare(rand):
    """A run in which nothing was done: no frames, no streams."""
    run = {"scheduler": "ecf", "order": "roundrobin", "reinjection": "off", "end_us": None,
           "twice_percent": 0, "stats": [], "streams": [], "frames": []}
    return {"version": 1, "title": "", "note": "", "seed": 0, "repeat": 1, "step_us": 1000,
            "paths": [], "loads": [], "runs": [run]}


KINDS = {f.__name__: f for f in (batch, arrivals, mixed, full, cut, one, bare)}


@functools.lru_cache(None)
def sample(kind):
    """The same every time; not to be changed."""
    return KINDS[kind](random.Random(7))


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in KINDS:
        json.dump(sample(sys.argv[1]), sys.stdout, separators=(",", ":"))
    else:
        sys.exit(__doc__)
