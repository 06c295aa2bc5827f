# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What experiments share that compare policies on a machine that does other
things meanwhile: one visit is a lab with one fresh pair of daemons; a round
visits every case once, in an order of its own; what is told are medians over
the rounds and how far these were apart. So a drift of the machine is nobody's
advantage. Who measures beside others on one machine names a file in
AGGD_LAB_LOCK: each visit holds a lock on it (flock).
"""
import contextlib
import fcntl
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
import aggd  # noqa: E402
import systems  # noqa: E402
from lab import Lab  # noqa: E402

NICE = -15               # of all that is measured, where root may
CONGESTION_CONTROL = "bbr"
ASK = "config aggd 'main'\n\toption role 'gateway'\n\toption {key} '?'\n"


def build_dir():
    return os.environ.get("AGGD_BUILD") or os.path.join(ROOT, "build")


def words_of(key):
    """The words that an option of main takes, as aggd names them; [] where
    there is no such option."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(ASK.format(key=key))
        file.flush()
        done = subprocess.run([os.path.join(build_dir(), "aggd"), "-t", "-c", file.name],
                              capture_output=True, text=True, timeout=10)
    found = re.search(rf"{key} '\?' is not allowed; allowed: (.*)", done.stdout + done.stderr)
    return re.split(r", | or ", found.group(1).strip()) if found else []


def prefer_us():
    """What is measured runs before what else the machine has to do."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    except PermissionError:
        pass


def cpu_times():
    """Jiffies of the machine: idle, all."""
    with open("/proc/stat", encoding="ascii") as file:
        words = [int(w) for w in file.readline().split()[1:9]]
    return words[3] + words[4], sum(words)


@contextlib.contextmanager
def alone():
    """Nobody else with the same AGGD_LAB_LOCK measures now."""
    path = os.environ.get("AGGD_LAB_LOCK")
    if not path:
        yield
        return
    with open(path, "a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Visit:
    """One case measured once: a lab, a load server, a pair of daemons.

        with Visit("S2", 1, gateway={"scheduler": "ecf"}) as visit:
            cells.load(visit, "objects", SRV4)
        visit.idle    the share of the machine's time that nobody used
    """

    quick = False
    system = systems.System()  # the load is on lan, and goes to srv

    def __init__(self, scenario, seed, gateway=None, cc=CONGESTION_CONTROL):
        self.lab = Lab(scenario, cc=cc, seed=seed)
        self.gateway = gateway
        self.ends = contextlib.ExitStack()
        self.idle = None

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            ends.enter_context(alone())
            self.times = cpu_times()
            ends.enter_context(self.lab)
            self.lab.srv.spawn(["aggload", "server"])
            self.lab.srv.wait_listening(7777)
            self.aggd = aggd.Aggd(self.lab, gateway=self.gateway)
            ends.callback(self.aggd.stop)
            self.aggd.start()
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *exc):
        idle, total = (b - a for a, b in zip(self.times, cpu_times()))
        self.idle = idle / max(total, 1)
        self.ends.close()


def shuffled(cases, number):
    """The cases in the order of round number: another one each round, the
    same in every run."""
    cases = list(cases)
    random.Random(number).shuffle(cases)
    return cases


def middle(values):
    """The median, or None of nothing."""
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def spread(values):
    """How far apart: (greatest - least) / median; None of fewer than two."""
    values = [v for v in values if v is not None]
    if len(values) < 2 or not statistics.median(values):
        return None
    return (max(values) - min(values)) / statistics.median(values)
