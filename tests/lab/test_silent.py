#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What fails without a word: an uplink that swallows large packets, and a
concentrator that hangs while its kernel goes on.

    lan (aggload) -- gw ==S1== isp -- vps -- srv (aggload server)
"""
import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from lab import SRV4  # noqa: E402

NOTICED_S = 40
HANG_S = 6


class Silent(AggdTest):
    scenario = "S1"
    plain = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_load_server()

    def uplink(self, name):
        return self.aggd.uplinks()[name]

    def rate(self, direction, seconds=4):
        done = self.lab.lan.run(["aggload", "bulk", SRV4, "-d", direction, "-t", seconds,
                                 "-k", 1])
        return json.loads(done.stdout)["total_mbps"]

    def large_packets(self, sizes, directions):
        name = self.lab.uplinks[0].name
        before = {d: self.rate(d) for d in directions}
        self.lab.drop_large(name, sizes)
        self.addCleanup(self.lab.drop_large, name, None)
        for d in directions: # what is under way shows it
            self.rate(d)
        self.wait(lambda: self.uplink(name)["state"] == "up"
                  and "full packets" in (self.uplink(name)["why"] or ""), NOTICED_S,
                  lambda: f"it is found and said: {self.uplink(name)}")
        after = {}
        for d in directions:
            for _ in range(4): # it begins slowly, like any new connection
                after[d] = self.rate(d)
                if after[d] > 0.7 * before[d]:
                    break
        self.note = f"before {before}, after {after}, Mbit/s"
        for d in directions:
            self.assertGreater(after[d], 0.7 * before[d], self.note)

    def test_large_packets_vanish(self):
        self.large_packets("meta length > 1400", ("down", "up"))

    def is_hang_told(self):
        status = self.aggd.status()
        return all("only the peer's kernel answers" in (what["why"] or "")
                   for what in status["sessions"] + status["uplinks"])

    def test_stopped_concentrator(self):
        with self.flow() as flow:
            time.sleep(1)
            self.aggd.process("vps").send_signal(signal.SIGSTOP)
            start = time.monotonic()
            try:
                self.wait(lambda: all(u["state"] != "up" for u in self.aggd.uplinks().values()),
                          NOTICED_S, lambda: f"all are suspect: {self.aggd.uplinks()}")
                self.note = f"suspect after {time.monotonic() - start:.1f} s"
                self.wait(lambda: self.aggd.status()["sessions"][0]["state"] == "outage",
                          NOTICED_S, lambda: f"it is an outage: {self.aggd.status()['sessions']}")
                self.wait(lambda: self.aggd.status()["sessions"][0]["interception"]["why"] ==
                          "new connections leave directly", NOTICED_S, self.aggd.status)
                self.wait(self.is_hang_told, NOTICED_S, self.aggd.status)
                time.sleep(max(0, HANG_S - (time.monotonic() - start)))
                # after new connections, too
                self.wait(self.is_hang_told, NOTICED_S, self.aggd.status)
            finally:
                self.aggd.process("vps").send_signal(signal.SIGCONT)
            self.wait(lambda: self.aggd.status()["sessions"][0]["state"] == "up", NOTICED_S,
                      "it goes on")
            got = flow.count
            self.wait(lambda: flow.count > got + 500_000, NOTICED_S, "the download, too")


if __name__ == "__main__":
    unittest.main()
