#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A site's `option rate` holds for streams and packets, each way; its `option quota`, used
up, slows it down and cuts nobody off, and outlives a restart of the concentrator.

    lan (clients) -- gw ==S1== isp -- vps -- srv
"""
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from lab import SRV4  # noqa: E402

RATE = 8           # Mbit/s
BYTES = 3_000_000  # three seconds of it
SOONEST = 0.85     # of the time that those take
QUOTA = 3_000_000
SLOW = 125_000     # bytes/s, of a quota that is used up
LOOK_S = 3
WAIT_S = 60        # however slow the machine
TRIES = 10
UDP_PORT = 7070
UDP_BYTES = 1200
BLAST_S = 3


class Quota(AggdTest):
    scenario = "S1"
    options = {"site": {"rate": str(RATE)}}

    def site(self):
        return self.aggd.status("sites", "vps")["sites"][0]

    def used(self):
        return self.site()["month_bytes"] or 0

    def set_site(self, **options):
        self.aggd.site_options = options
        self.aggd.reload("vps")

    def least_s(self, count):
        return count * 8 / 1e6 / RATE * SOONEST

    def test_1_streams(self):
        start = time.monotonic()
        with self.flow() as one, self.flow() as two:
            before = one.count, two.count
            self.wait(lambda: one.count + two.count >= sum(before) + BYTES, WAIT_S, "it came")
            self.assertGreater(time.monotonic() - start, self.least_s(BYTES))
            # One does not take all of it.
            self.wait(lambda: min(one.count - before[0], two.count - before[1]) > BYTES / 10,
                      WAIT_S, lambda: f"both get of it: {one.count}, {two.count} bytes")
        start = time.monotonic()
        with self.flow("up") as flow:
            time.sleep(LOOK_S)
        self.assertGreater(flow.count, SLOW)  # all of it arrived
        self.assertGreater(time.monotonic() - start, self.least_s(flow.count))

    def test_2_packets(self):
        """As many as there is room for, each way."""
        with self.lab.srv.inside():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with self.lab.lan.inside():
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        server.bind((SRV4, UDP_PORT))
        client.connect((SRV4, UDP_PORT))
        peer = self.greet(client, server)
        self.check_blast(client, client.send, server)
        self.check_blast(server, lambda data: server.sendto(data, peer), client)

    def greet(self, client, server):
        """Where the client comes from, when the tunnel is up."""
        server.settimeout(0.5)
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            client.send(b"hello")
            try:
                return server.recvfrom(100)[1]
            except TimeoutError:
                continue
        raise AssertionError("no packet came")

    def check_blast(self, sender, send, receiver):
        sender.settimeout(None)
        receiver.settimeout(0)
        data, got, start = bytes(UDP_BYTES), 0, time.monotonic()
        while ((now := time.monotonic()) < start + BLAST_S or
               got <= UDP_BYTES * 10 and now < start + WAIT_S):
            for _ in range(10):
                send(data)
            got += self.take(receiver)
            time.sleep(max(0.002 - (time.monotonic() - now), 0))
        got += self.take(receiver)
        seconds = time.monotonic() - start
        self.note += f" {got * 8 / 1e6 / seconds:.1f}"
        self.assertGreater(got, UDP_BYTES * 10)
        self.assertLess(got, (RATE * 1e6 / 8 * seconds + 65536) / SOONEST)

    def take(self, receiver):
        got = 0
        while True:
            try:
                got += len(receiver.recv(2000))
            except BlockingIOError:
                return got

    def test_3_a_quota(self):
        self.set_site(quota="1GB")
        self.wait(lambda: self.site()["quota_bytes"], WAIT_S, "there is a quota")
        used = self.site()["month_bytes"]
        self.assertGreater(used, BYTES)  # of before, too
        self.set_site(quota=str(used + QUOTA))
        with self.flow() as flow:
            self.wait(lambda: self.site()["note"], WAIT_S, "it is used up")
            self.assertIn(" is used up: 1 Mbit/s until ", self.site()["note"])
            rates = []
            while not rates or (rates[-1] >= 4 * SLOW and len(rates) < TRIES):
                time.sleep(1)  # what was under way
                start, count = time.monotonic(), flow.count
                time.sleep(LOOK_S)
                rates.append((flow.count - count) / (time.monotonic() - start))
            self.assertLess(rates[-1], 4 * SLOW, rates)
            self.set_site(quota="100GB")
            count = flow.count
            self.wait(lambda: flow.count > count + BYTES, WAIT_S, "it goes on as before")
        self.set_site(quota=str(used + QUOTA))
        self.aggd.stop_one("vps")
        self.aggd.start_concentrator()
        self.wait(lambda: self.site()["note"], WAIT_S, "it is used up, after a restart")

    def test_4_an_update(self):
        """What streams of before use, which another process carries, is of the quota, too."""
        self.set_site(quota="100GB")
        self.wait(lambda: self.site()["quota_bytes"], WAIT_S, "there is a quota")
        self.aggd.wait_ready()
        with self.flow() as flow:
            old = self.aggd.update("vps")
            self.aggd.wait_ready()
            used, count = self.used(), flow.count
            self.wait(lambda: flow.count > count + BYTES, WAIT_S, "it goes on")
            self.wait(lambda: self.used() > used + BYTES / 2, WAIT_S,
                      "and is counted")
            self.assertIsNone(old.poll())
        self.wait(lambda: old.poll() is not None, WAIT_S, "the process before ends")


if __name__ == "__main__":
    unittest.main()
