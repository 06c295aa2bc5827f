#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A thousand streams at once: all whole, in little memory, and nothing is
left of them.

    lan (aggload) -- gw ==S2== isp -- vps -- srv (aggload server)
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from lab import SRV4, SRV6  # noqa: E402

STREAMS = 1000
BYTES_MAX = 300_000           # of one; 1,000 at least
IDLE_MB_MAX = 10, 3            # resident, and of that private: 6 to 8, and 2.1 to 2.4
RSS_BUSY_MB_MAX = 64
CALM_S = 60                   # agg/role/role.h: 10, here on a slow machine
GONE_S = 60


class Many(AggdTest):
    scenario = "S2"
    plain = True  # memory is asserted
    options = {"gateway": {"carrier": "auto"}} # as it is by default

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_load_server()

    def idle_mb(self):
        return {role: (self.aggd.rss_mb(role), self.aggd.private_mb(role))
                for role in ("gw", "vps")}

    def test_idle_memory(self):
        """What only the start needed is given back when nobody has come for a while."""
        self.wait(lambda: all(is_mb <= most for is_mb, most in
                              zip(self.idle_mb()["gw"], IDLE_MB_MAX)), CALM_S,
                  lambda: f"the gateway is small: {self.idle_mb()}")
        idle = self.idle_mb()
        self.note = "; ".join(f"{role}: {rss:.1f} MB, {private:.1f} private"
                              for role, (rss, private) in idle.items())

    def streams(self, address, direction):
        done = self.lab.lan.run(["aggload", "streams", address, "-n", STREAMS, "-d", direction,
                                 "-s", BYTES_MAX], check=False)
        got = json.loads(done.stdout)
        self.assertEqual((got["ok"], got["bad"], got["failed"], got["errors"]),
                         (STREAMS, 0, 0, []))
        self.wait(lambda: not self.left("gw") and not self.left("vps"), GONE_S,
                  lambda: f"no stream is left: {self.left('gw')} {self.left('vps')}")
        peak = {role: self.aggd.rss_peak_mb(role) for role in ("gw", "vps")}
        self.note = (f"{got['bytes'] / 1e6:.0f} MB in {got['seconds']:.1f} s; at most "
                     f"{peak['gw']:.1f} MB of memory, concentrator {peak['vps']:.1f} MB")
        self.assertLessEqual(peak["gw"], RSS_BUSY_MB_MAX)

    def left(self, role):
        return self.aggd.status("streams", role)["streams"]

    def test_thousand_streams_both_ways(self):
        self.streams(SRV4, "both")

    def test_thousand_streams_down_by_ipv6(self):
        self.streams(SRV6, "down")


if __name__ == "__main__":
    unittest.main()
