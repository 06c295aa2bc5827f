# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench sites: what thousands of sites cost one concentrator. Light
gateways (tests/lab/crowd.c) in one process, each with a file of its own: how
long they take to connect, what idle ones hold and use, whether all their streams
at once are exact, and what it costs to add, change and remove one, beside a
concentrator with one site.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from aggd import Aggd  # noqa: E402
from crowd import LOAD_PORT, Crowd, cpu_s, make_room  # noqa: E402
from lab import Lab  # noqa: E402

IDLE_S = 20
CALM_S = 15
RELOADS = 20
WAIT_S = 300
GOAL_MB = 64


class Concentrator:
    """One, without a gateway on gw; sites as the crowd's files say."""

    def __init__(self, lab, args, sites):
        self.aggd = Aggd(lab)
        make_room(lab)
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(LOAD_PORT)
        self.aggd.keygen(lab.vps, "vps-state")
        self.crowd = Crowd(self.aggd, sites, args.lanes, args.streams, args.bytes)
        self.aggd.concentrator_options = {"sites": self.crowd.sites_dir}
        self.aggd.write_configs()
        self.aggd.start_concentrator()
        self.process = self.aggd.process("vps")

    def rss_mb(self):
        return self.aggd.rss_mb("vps")

    def share(self, seconds):
        """Of a core that it uses in that time, per cent."""
        used, start = cpu_s(self.process), time.monotonic()
        time.sleep(seconds)
        return (cpu_s(self.process) - used) / (time.monotonic() - start) * 100

    def change_ms(self):
        """CPU of adding, changing and removing one, each as the mean."""
        path = os.path.join(self.crowd.sites_dir, "one.conf")
        pin = self.aggd.keygen(self.aggd.lab.srv, "one")
        text = f"config site one\n\toption pin {pin}\n"
        spent = {"add": 0, "change": 0, "remove": 0}
        for _ in range(RELOADS):
            for what, content in (("add", text), ("change", text + "\toption order srpt\n"),
                                  ("remove", None)):
                if content:
                    self.aggd.write(path, content)
                else:
                    os.unlink(path)
                before = cpu_s(self.process)
                if not self.aggd.hup("vps"):
                    raise AssertionError(self.aggd.log("vps"))
                spent[what] += cpu_s(self.process) - before
        return {what: s / RELOADS * 1000 for what, s in spent.items()}


def say_changes(concentrator, sites):
    ms = concentrator.change_ms()
    print(f"{sites} sites: CPU ms to " +
          ", ".join(f"{what} one {value:.1f}" for what, value in ms.items()), flush=True)


def measure(args):
    bad = 0
    with Lab("fast") as lab:
        few = Concentrator(lab, args, 1)
        few.crowd.connect(WAIT_S)
        say_changes(few, 1)
        few.aggd.stop()
    with Lab("fast") as lab:
        many = Concentrator(lab, args, args.sites)
        before = many.rss_mb()
        took = many.crowd.connect(WAIT_S)
        share = many.share(IDLE_S)
        idle = many.rss_mb()
        bad += idle > GOAL_MB
        print(f"{args.sites} sites of {args.lanes} lanes: connected in {took:.1f} s; idle "
              f"{idle:.1f} MB (goal {GOAL_MB}), {(idle - before) * 1024 / args.sites:.0f} KB "
              f"each, {share:.1f} % of a core", flush=True)
        say_changes(many, args.sites)
        for _ in range(args.rounds):
            used = cpu_s(many.process)
            got = many.crowd.transfer(WAIT_S)
            bad += got["bad"] + got["failed"]
            print(f"{args.sites} x {args.streams} streams at once: {got['ok']} exact, "
                  f"{got['bad']} wrong, {got['failed']} failed in {got['seconds']:.1f} s, "
                  f"{cpu_s(many.process) - used:.1f} s of CPU", flush=True)
        time.sleep(CALM_S)
        print(f"then {many.rss_mb():.1f} MB, {many.aggd.rss_peak_mb('vps'):.1f} at most")
        many.aggd.stop()
    return 1 if bad else 0


def main(argv):
    parser = argparse.ArgumentParser(prog="./dev bench sites", description=__doc__)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=2, help="subflows of each")
    parser.add_argument("--streams", type=int, default=10, help="of each site, at once")
    parser.add_argument("--bytes", type=int, default=20_000, help="of the largest stream")
    parser.add_argument("--rounds", type=int, default=3)
    return measure(parser.parse_args(argv))
