#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The load tool against its own server: sizes of 0, 1 and many bytes are
exact, an echo comes back, many streams end, a page is whole, errors are told.

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
        got = self.load("echo", SRV6, "-t", "2")
        self.assertEqual(got["received"], got["sent"])
        self.assertGreaterEqual(got["sent"], 20)

    def test_bulk_counts_both_ways(self):
        for direction in ("down", "up"):
            got = self.load("bulk", SRV4, "-t", "2", "-n", "2", "-d", direction)
            self.assertGreater(got["total_mbps"], 10)
            self.assertEqual(len(got["connections"]), 2)

    def test_objects_tell_each_time_in_order(self):
        got = self.load("objects", SRV4, "-s", "1000", "-n", "5")
        self.assertEqual(len(got["each_ms"]), 5)
        self.assertAlmostEqual(sum(got["each_ms"]) / 5, got["ms"]["mean"], 2)

    def test_pages_are_the_same_list(self):
        words = ("page", SRV4, "-n", "7", "-c", "3", "-l", "2", "-i", "1", "-m", "100")
        got, again = self.load(*words, "-s", "9000"), self.load(*words, "-s", "9000")
        self.assertEqual((got["pages"], got["ok"], got["failed"]), (2, 14, 0))
        self.assertEqual((got["ms"]["count"], got["page_ms"]["count"]), (14, 2))
        sizes = [o["size"] for o in got["list"]]
        self.assertEqual(sizes, [o["size"] for o in again["list"]])
        self.assertEqual(sum(sizes), got["bytes"])
        self.assertTrue(all(100 <= s <= 9000 for s in sizes) and len(set(sizes)) > 3, sizes)
        self.assertAlmostEqual(sum(o["sum_ms"] for o in got["list"]), 14 * got["ms"]["mean"], 1)
        other = self.load(*words, "-r", "2")
        self.assertNotEqual(sizes, [o["size"] for o in other["list"]])

    def test_a_page_s_objects_at_once(self):
        one = self.load("page", SRV4, "-l", "1", "-c", "1")
        self.assertGreaterEqual(one["page_ms"]["mean"], 30 * one["ms"]["mean"] - 1)
        many = self.load("page", SRV6, "-l", "1", "-c", "30")
        self.assertGreaterEqual(many["page_ms"]["mean"], many["ms"]["max"])
        self.assertLess(many["page_ms"]["mean"], 30 * many["ms"]["mean"])

    def test_time_ends_pages(self):
        got = self.load("page", SRV4, "-n", "2", "-l", "100000", "-t", "2")
        self.assertGreater(got["pages"], 1)
        self.assertEqual(got["ok"], 2 * got["pages"])

    def test_a_failed_page_is_told(self):
        got = self.load("page", SRV4, "-p", "1", "-n", "4", "-l", "2", "-i", "1", code=1)
        self.assertEqual((got["failed"], got["error"]), (8, "Connection refused"))
        self.assertEqual((got["page_ms"], got["list"][0]["ok"]), (None, 0))

    def test_a_device_can_be_chosen(self):
        self.load("bulk", SRV4, "-t", "1", "-b", "wan2", node="gw")
        self.lab.gw.ip("link set wan2 down")
        self.load("bulk", SRV4, "-t", "1", "-b", "wan2", node="gw", code=1)

    def test_a_refusal_is_told(self):
        got = self.load("bulk", SRV4, "-p", "1", "-t", "1", code=1)
        self.assertEqual(got["connections"][0]["error"], "Connection refused")

    def test_an_absent_proxy_is_told(self):
        got = self.load("objects", SRV4, "-x", SRV4 + ":1080", "-n", "1", code=1)
        self.assertEqual((got["failed"], got["error"]), (1, "Connection refused"))


if __name__ == "__main__":
    unittest.main()
