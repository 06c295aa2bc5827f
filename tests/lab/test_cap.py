#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""`option cap`: near its cap an uplink becomes metered, used up under load a backup, and
what it was before in the next month; no stream is lost, and it still works where no other
does.

    lan (clients) -- gw ==S1== isp -- vps -- srv
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402

CAP = 8_000_000
LOADED_S = 60      # in which the cap is used up, however slow the machine
SAID_S = 30
STILL = 100_000    # of a backup: pings, and what was under way
LOOKS = 3          # one after the other


class Cap(AggdTest):
    scenario = "S1"

    @classmethod
    def prepare(cls):
        cls.first, cls.second = (u.name for u in cls.lab.uplinks[:2])
        cls.options = {"uplinks": {cls.second: {"cap": str(CAP)}}}

    def uplink(self):
        return self.aggd.uplinks()[self.second]

    def is_cost(self, cost):
        return self.uplink()["cost"] == cost

    def test_a_cap_is_used_up(self):
        self.assertTrue(self.is_cost("normal"))
        with self.flow() as flow, self.flow("up"):
            self.wait(lambda: self.is_cost("backup"), LOADED_S,
                      lambda: f"the cap is used up: {self.uplink()}")
            self.assertGreaterEqual(self.uplink()["month_bytes"], CAP)
            self.assertEqual(self.uplink()["cap_bytes"], CAP)
            self.check_rests(flow)
            # No other works: the backup does.
            self.lab.link(self.first).cut()
            self.addCleanup(self.lab.link(self.first).restore)
            self.wait_used(self.second)
            self.lab.link(self.first).restore()
            self.wait(lambda: self.uplinks_up() == 2, LOADED_S, "both are up")
            self.check_rests(flow)
        self.assertIn("is backup (its cap of 8.00 MB is used up, until ",
                      self.aggd.status()["limit"])
        self.assertIn(f"uplink {self.second}: backup from now on: its cap",
                      self.aggd.log("gw", 1000))
        self.check_after_a_restart()
        self.check_near_the_cap()
        self.check_without_a_cap()

    def uplinks_up(self):
        return sum(u["state"] == "up" for u in self.aggd.uplinks().values())

    def check_rests(self, flow):
        """It carries nothing any more while the load goes on by the other."""
        for look in range(LOOKS):
            before, count = self.down_bytes(self.second), flow.count
            self.wait(lambda: flow.count > count + 20 * STILL, LOADED_S, "the load goes on")
            if self.down_bytes(self.second) - before < STILL:
                return
        self.fail(f"the backup still carries: {self.uplink()}")

    def check_after_a_restart(self):
        self.aggd.stop_one("gw")
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.assertEqual(self.uplink()["cost"], "backup")
        self.assertGreaterEqual(self.uplink()["month_bytes"], CAP)

    def set(self, **options):
        self.aggd.uplink_options = {self.second: options}
        self.aggd.reload("gw")

    def check_near_the_cap(self):
        """Where less than a tenth is left it is metered, and says so."""
        self.set(cap=str(int(self.uplink()["month_bytes"] / 0.94)))
        self.wait(lambda: self.is_cost("metered"), SAID_S, self.uplink)
        self.assertIn(" is metered (", self.aggd.status()["limit"])

    def check_without_a_cap(self):
        """What it costs changes without a lost subflow; metered it is used when the other is
        full."""
        for _ in range(LOOKS):  # a machine that stands still may lose one, too
            before = self.uplink()["reconnects"]
            for cost in ("metered", "normal"):
                self.set(cost=cost)
                self.wait(lambda: self.is_cost(cost), SAID_S, self.uplink)
                with self.flow():
                    self.wait_used(self.second)
            if self.uplink()["reconnects"] == before:
                return
        self.fail(f"a subflow is lost each time: {self.uplink()}")


if __name__ == "__main__":
    unittest.main()
