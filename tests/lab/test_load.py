#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The load tool against its own server: sizes of 0, 1 and many bytes are
exact, an echo comes back, many streams end, errors are told.

    srv (aggload server) -- vps -- isp ==fast== gw -- lan (aggload client)
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SRV4, SRV6, Lab  # noqa: E402


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast"))
        cls.lab.srv.spawn(["aggload", "server"])
        cls.lab.srv.wait_listening(7777)

    def load(self, *argv, node="lan", code=0):
        done = self.lab.run(node, ["aggload", *argv], check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_objects_are_exact(self):
        for size in ("0", "1", "1448", "3000001"):
            for direction in ("down", "up"):
                for address in (SRV4, SRV6):
                    got = self.load("objects", address, "-s", size, "-n", "3", "-d", direction)
                    self.assertEqual((got["ok"], got["failed"]), (3, 0))

    def test_a_half_closed_upload_is_answered(self):
        self.load("objects", SRV4, "-s", "100000", "-d", "up", "-f")

    def test_streams_both_ways(self):
        got = self.load("streams", SRV4, "-n", "300", "-d", "both")
        self.assertEqual((got["ok"], got["bad"], got["failed"]), (300, 0, 0))
        self.assertGreater(got["bytes"], 300 * 1000)

    def test_echo_comes_back(self):
        got = self.load("echo", SRV6, "-t", "0.5")
        self.assertEqual(got["received"], got["sent"])
        self.assertGreaterEqual(got["sent"], 20)

    def test_bulk_counts_both_ways(self):
        for direction in ("down", "up"):
            got = self.load("bulk", SRV4, "-t", "1", "-n", "2", "-d", direction)
            self.assertGreater(got["total_mbps"], 100)
            self.assertEqual(len(got["connections"]), 2)

    def test_a_device_can_be_chosen(self):
        self.load("bulk", SRV4, "-t", "0.5", "-b", "wan2", node="gw")
        self.lab.gw.ip("link set wan2 down")
        self.load("bulk", SRV4, "-t", "0.5", "-b", "wan2", node="gw", code=1)

    def test_a_refusal_is_told(self):
        got = self.load("bulk", SRV4, "-p", "1", "-t", "1", code=1)
        self.assertEqual(got["connections"][0]["error"], "Connection refused")

    def test_an_absent_proxy_is_told(self):
        got = self.load("objects", SRV4, "-x", SRV4 + ":1080", "-n", "1", code=1)
        self.assertEqual((got["failed"], got["error"]), (1, "Connection refused"))


if __name__ == "__main__":
    unittest.main()
