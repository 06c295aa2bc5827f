#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A LAN whose device is a bridge, made anew while the gateway runs, beside
br_netfilter, by which TPROXY's choice is forgotten.

    lan -- (bridge) gw ==fast== isp -- vps -- srv
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import DIRECT4, VPS_SEEN4, VPS_SEEN6, AggdTest  # noqa: E402
from lab import SRV4, SRV6  # noqa: E402

SOON_S = 30
SETTINGS = ("net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")


class Bridge(AggdTest):
    def set_filter(self, value):
        """False: this kernel has none."""
        return not self.lab.gw.run(["sysctl", "-qw", *(f"{s}={value}" for s in SETTINGS)],
                                   check=False).returncode

    def make_bridge(self):
        self.lab.gw.ip("link add lan0 type bridge", "addr add 192.168.100.1/24 dev lan0",
                       "addr add 2001:db8:100::1/64 dev lan0 nodad", "link set lan0 up",
                       "addr flush dev port0", "link set port0 master lan0", "link set port0 up")

    def interception(self):
        return self.aggd.status()["sessions"][0]["interception"]

    def wait_interception(self, state):
        self.wait(lambda: self.interception()["state"] == state, SOON_S, self.interception)

    def seen(self):
        return self.who(SRV4), self.who(SRV6)

    def test_bridge_comes_and_goes(self):
        self.lab.gw.ip("link set lan0 down", "link set lan0 name port0")
        self.make_bridge()
        has_filter = self.set_filter(1)
        if has_filter:
            self.wait_interception("broken")
            self.assertIn("bridge lan0", self.interception()["why"])
            self.wait(lambda: not self.aggd.is_taking("ip"), SOON_S, self.aggd.ruleset)
            self.wait_equal(lambda: self.who() in DIRECT4, True)
            self.set_filter(0)
        self.wait_interception("in force")
        self.wait(lambda: self.aggd.is_taking("ip", "ip6"), SOON_S, self.aggd.ruleset)
        self.wait_equal(self.seen, (VPS_SEEN4, VPS_SEEN6))
        with self.flow() as flow:
            self.lab.gw.ip("link del lan0")
            self.make_bridge()
            count = flow.count
            self.wait(lambda: flow.count > count + 1_000_000, SOON_S, "it goes on")
            self.wait(lambda: self.aggd.is_taking("ip", "ip6"), SOON_S, self.aggd.ruleset)
            self.wait_equal(self.seen, (VPS_SEEN4, VPS_SEEN6))
        self.assertLessEqual(self.aggd.read("gw.log").count("br_netfilter hides"), 1)
        self.note = "" if has_filter else "no br_netfilter here"


if __name__ == "__main__":
    unittest.main()
