#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A life of both roles under valgrind: start, bytes, reload and the end touch
no memory that is not theirs, and lose none.

    lan -- gw ==fast== isp -- vps -- srv
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import VPS_SEEN4, VPS_SEEN6, AggdTest, FlowServer  # noqa: E402
from lab import SRV4, SRV6, Lab  # noqa: E402

PATIENCE = 4         # times the usual limits of waiting
FLOW_BYTES = 200_000
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--error-exitcode=99",
            "--child-silent-after-fork=yes"]


class Valgrind(AggdTest):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast"))
        cls.flows = FlowServer(cls.lab)

    def report(self, role):
        return self.aggd.path(f"{role}.valgrind")

    def setUp(self):
        self.aggd = Aggd(self.lab, gateway={"carrier": "auto"})
        self.aggd.patience = PATIENCE
        self.aggd.under = {role: [*VALGRIND, "--log-file=" + self.report(role)]
                           for role in ("gw", "vps")}
        self.addCleanup(self.aggd.stop)
        self.aggd.start()

    def test_start_reload_stop(self):
        aggd = self.aggd
        self.assertEqual((self.who(SRV4), self.who(SRV6)), (VPS_SEEN4, VPS_SEEN6))
        for direction in ("down", "up"):
            with self.flow(direction) as flow:
                self.wait(lambda: flow.count > FLOW_BYTES or flow.direction == b"U", 60, "bytes")
        self.assertNotEqual(self.socks_code("127.0.0.1"), 0)
        names = list(aggd.uplinks())
        aggd.only = names[:1]
        aggd.bypass = ["192.0.2.0/24"]
        aggd.sites = {"other": "sha256:" + 43 * "A"}
        for role in ("gw", "vps"):
            self.assertTrue(aggd.reload(role), aggd.log(role))
        self.assertEqual(self.who(SRV4), VPS_SEEN4)
        aggd.only = None
        self.assertTrue(aggd.reload("gw"), aggd.log("gw"))
        aggd.wait_ready()
        for role in ("gw", "vps"):
            self.assertEqual(aggd.stop_one(role), 0, aggd.read(f"{role}.valgrind"))


if __name__ == "__main__":
    unittest.main()
