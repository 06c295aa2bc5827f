#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The build for routers (-Dprofile=router): how large the program is, what memory it
takes, at rest and with 500 streams, and that it says what it leaves out.

    lan (aggload) -- gw (router) ==S2== isp -- vps -- srv (aggload server)
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import AggdTest  # noqa: E402
from lab import ROOT, SRV4, Lab  # noqa: E402

ROUTER = os.path.join(ROOT, "build-router", "aggd")
SIZE_MAX = 400 * 1024
RSS_IDLE_MB_MAX, RSS_BUSY_MB_MAX = 6, 24
STREAMS, BYTES_MAX = 500, 100_000
CALM_S = 60           # agg/role/role.h: 10, here on a slow machine


class Router(AggdTest):
    plain = True  # memory is asserted

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("S2"))
        cls.aggd = Aggd(cls.lab)
        cls.aggd.program = {"gw": ROUTER}
        cls.addClassCleanup(cls.aggd.stop)
        cls.aggd.start()
        cls.start_load_server()

    def test_1_size(self):
        size = os.path.getsize(ROUTER)
        needs = self.lab.gw.run(["ldd", ROUTER]).stdout
        self.assertIn("libmbedcrypto", needs)
        for library in ("libssl", "libcrypto.", "libmicrohttpd"):
            self.assertNotIn(library, needs)
        self.note = f"{size / 1024:.0f} KB"
        self.assertLessEqual(size, SIZE_MAX)

    def test_2_idle_memory(self):
        self.wait(lambda: self.aggd.rss_mb("gw") <= RSS_IDLE_MB_MAX, CALM_S,
                  lambda: f"the gateway is small: {self.aggd.rss_mb('gw'):.1f} MB")
        self.note = (f"{self.aggd.rss_mb('gw'):.1f} MB, "
                     f"{self.aggd.private_mb('gw'):.1f} of it private")

    def test_3_streams(self):
        done = self.lab.lan.run(["aggload", "streams", SRV4, "-n", STREAMS, "-d", "both",
                                 "-s", BYTES_MAX], check=False)
        got = json.loads(done.stdout)
        self.assertEqual((got["ok"], got["bad"], got["failed"], got["errors"]),
                         (STREAMS, 0, 0, []))
        peak = self.aggd.rss_peak_mb("gw")
        self.note = f"{got['bytes'] / 1e6:.0f} MB; at most {peak:.1f} MB of memory"
        self.assertLessEqual(peak, RSS_BUSY_MB_MAX)

    def test_4_no_concentrator(self):
        conf = self.aggd.read("vps.conf").replace("vps.sock", "none.sock")
        self.aggd.write("none.conf", conf)
        done = self.lab.vps.run([ROUTER, "-c", self.aggd.path("none.conf")], check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("built for gateways only", done.stderr)

    def test_5_not_joined_yet(self):
        """It begins, so that its status says what to do; nobody starts it again and again."""
        control = self.aggd.path("new.sock")
        self.aggd.write("new.conf", "config aggd\n\toption role gateway\n"
                        f"\toption control '{control}'\n\toption state '{self.lab.dir}'\n"
                        "\tlist web '127.0.0.1:8080'\n")
        process = self.lab.srv.spawn([ROUTER, "-c", self.aggd.path("new.conf")], log="new.log")
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.wait(lambda: "has not joined a concentrator" in self.lab.srv.run(
            [self.lab.tool("aggctl"), "-s", control, "status"], check=False).stdout,
            CALM_S, "it says that it has not joined")
        self.assertIsNone(process.poll())


if __name__ == "__main__":
    unittest.main()
