# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Many light gateways on srv, in one process (crowd.c), and what they cost the
concentrator.

    crowd = Crowd(aggd, sites=200, lanes=2, streams=10, size=20_000)
    aggd.concentrator_options = {"sites": crowd.sites_dir}
    aggd.reload("vps")
    crowd.connect()
    print(crowd.transfer())
"""
import json
import os
import signal

from aggd import wait_until
from lab import SRV4, VPS4, LabError

LOAD_PORT = 7777
PIN_AT = -1  # aggctl pin's last word


def make_room(lab):
    """Hosts for thousands of connections at once, all from one address to one
    port: else they wait for a place in the server's backlog, and the kernel seeks
    long for a port that no connection of before has still."""
    for key in ("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog"):
        lab.srv.run(["sysctl", "-qw", f"{key}=16384"])
    lab.vps.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535",
                 "net.ipv4.tcp_max_tw_buckets=0"])


class Crowd:
    """Its identities and its files of sites are made at once; the concentrator
    shall read sites_dir. size: of the largest stream, bytes; they are spread
    evenly over the logarithm."""

    def __init__(self, aggd, sites, lanes, streams, size, program=("crowd",)):
        self.aggd, self.sites, self.lanes, self.streams, self.size = (
            aggd, sites, lanes, streams, size)
        self.program = program  # its words; another processor's has an emulator before it
        self.dir = aggd.path("crowd")
        self.sites_dir = os.path.join(self.dir, "sites.d")
        self.process = None
        aggd.lab.srv.run([*program, "make", self.dir, sites])

    def said(self):
        """The lines of JSON so far."""
        return [json.loads(line) for line in self.aggd.read("crowd.log").splitlines()
                if line.startswith("{")]

    def wait_line(self, count, timeout, what):
        def line():
            if self.process.poll() is not None:
                raise LabError("crowd ended: " + self.log())
            lines = self.said()
            return lines[count] if len(lines) > count else None

        return wait_until(line, timeout, lambda: f"{what}: {self.log()}")

    def log(self):
        return self.aggd.read("crowd.log")[-1000:]

    def connect(self, timeout=60):
        """All lanes of all sites; how long that took, seconds."""
        vps = self.aggd.lab.vps
        pin = vps.run(["aggctl", "pin", self.aggd.path("vps-state")]).stdout.split()[PIN_AT]
        self.process = self.aggd.lab.srv.spawn(
            [*self.program, "run", self.dir, f"{VPS4}:443", pin, f"{SRV4}:{LOAD_PORT}", self.sites,
             self.lanes, self.streams, self.size], log="crowd.log")
        return self.wait_line(0, timeout, "all lanes joined")["seconds"]

    def transfer(self, timeout=120):
        """All streams of all sites at once: {"ok": ..., "bad": ..., "failed": ...,
        "seconds": ...}."""
        before = len(self.said())
        self.process.send_signal(signal.SIGUSR1)
        return self.wait_line(before, timeout, "all streams are over")

    def stop(self):
        self.aggd.lab.kill(self.process)


def cpu_s(process):
    """Seconds of CPU that the process has used."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
