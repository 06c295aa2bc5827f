#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Two gateways with one key, as boxes with a copied identity are: one is
served, the other is told why and knocks seldom.

    lan -- gw ==fast== isp -- vps -- srv, where the other gateway is
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest, wait_until  # noqa: E402
from lab import VPS4  # noqa: E402

REASON = ("refused by the peer: another gateway with the same key is connected; each needs an "
          "identity of its own")
TOLD_S = 40    # who was replaced is late for ten seconds first
SERVED_S = 60  # who has it must be away for ten, and the other knocks within twenty
LINES_MAX = 12

RIVAL = """\
config aggd 'main'
	option role 'gateway'
	option control '{dir}/rival.sock'
	option state '{dir}/gw-state'
config concentrator 'vps'
	list endpoint '{endpoint}:443'
	option pin '{pin}'
config uplink 'eth'
	option device 'eth0'
"""


class Rivals(AggdTest):
    scenario = "fast"

    def report(self, node, name):
        done = node.run(["aggctl", "-s", self.aggd.path(f"{name}.sock"), "status", "--json"],
                        check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def state(self, node, name):
        """"up", or why not: of the session and of the first uplink."""
        report = self.report(node, name)
        if not report:
            return None
        session, uplink = report["sessions"][0], report["uplinks"][0]
        # What happens meanwhile is said after the reason.
        return ((session["why"] or session["state"])[:len(REASON)],
                uplink["why"] or uplink["state"])

    def states(self):
        return {"gw": self.state(self.lab.gw, "gw"), "rival": self.state(self.lab.srv, "rival")}

    def test_one_is_served_and_the_other_told_why(self):
        self.aggd.write("rival.conf", RIVAL.format(dir=self.lab.dir, endpoint=VPS4,
                                                   pin=self.aggd.keygen(self.lab.vps, "vps-state")))
        rival = self.lab.srv.spawn(["aggd", "-c", self.aggd.path("rival.conf")], log="rival.log")
        wait_until(lambda: sorted(map(str, self.states().values())) ==
                   sorted(map(str, [("up", "up"), (REASON, REASON)])), TOLD_S, self.states)
        lines = self.aggd.read("vps.log").splitlines()
        self.assertEqual(sum("two gateways with one key" in line for line in lines), 1)
        self.assertIn("another gateway with the same key", self.aggd.ctl("vps", "sites").stdout)
        for name in ("gw", "rival", "vps"):
            self.assertLess(len(self.aggd.read(f"{name}.log").splitlines()), 4 * LINES_MAX)
        refused = [name for name, state in self.states().items() if state[0] == REASON]
        told = sum(REASON in line for line in self.aggd.read(f"{refused[0]}.log").splitlines())
        self.assertLess(told, LINES_MAX)
        rival.terminate()
        rival.wait(SERVED_S)
        self.aggd.wait_ready(SERVED_S)


if __name__ == "__main__":
    unittest.main()
