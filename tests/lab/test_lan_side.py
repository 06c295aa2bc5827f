#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The gateway's side towards its LAN: what others do to our table, who comes
second, what comes late, and who is not of the LAN.

    lan (clients) -- gw ==S2== isp -- vps -- srv
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402


class LanSide(AggdTest):
    scenario = "S2"

    # -- who comes second

    def kernel_state(self):
        gw = self.lab.gw
        return (self.aggd.ruleset(), gw.run(["ip", "rule"]).stdout,
                gw.run(["ip", "route", "show", "table", "all"]).stdout)

    def test_second_daemon_changes_nothing(self):
        other = self.aggd.read("gw.conf").replace("gw.sock", "gw2.sock").replace(
            "192.168.100.1:1080", "192.168.100.1:1081")
        self.aggd.write("gw2.conf", other)
        with self.flow():
            before = self.kernel_state()
            for conf in ("gw.conf", "gw2.conf"):
                done = self.lab.gw.run(["aggd", "-c", self.aggd.path(conf)], check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"pid {self.aggd.gw_process.pid} ", done.stderr)
                self.assertIn(self.aggd.path("gw.conf"), done.stderr)
                self.assertEqual(self.kernel_state(), before)
            self.who()


if __name__ == "__main__":
    unittest.main()
