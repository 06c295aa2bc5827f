#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""aggctl advise: what the daemon measured in a download is what the links are,
the advice is about it, and a transfer meanwhile loses nothing.

    lan -- gw ==S2== isp -- vps -- srv
"""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402

DOWNLOAD_S = 10
RATE_OFF_MOST = 0.4          # of the scenario's
PAYLOAD = 1448 / 1518        # of a frame
LOADS = ["page", "bulk", "video", "call"]


class Advice(AggdTest):
    scenario = "S2"

    def advise(self, role, *words, check=True):
        return self.aggd.ctl(role, "advise", *words, check=check)

    def assert_measured(self, advice):
        """Both uplinks, as the scenario has them."""
        got = {u["name"]: u for u in advice["uplinks"]}
        want = {u.name: u for u in self.lab.uplinks}
        self.assertEqual(set(got), set(want))
        for name, link in want.items():
            rate = link.down * 1e6 / 8 * PAYLOAD
            self.assertAlmostEqual(got[name]["down_bytes_per_s"] / rate, 1,
                                   delta=RATE_OFF_MOST, msg=got)
            self.assertGreaterEqual(got[name]["min_rtt_us"], 2 * link.delay * 1000, got)

    def assert_advice(self, advice):
        self.assertEqual(list(advice["loads"]), LOADS)
        names = {c["name"] for c in self.aggd.status("scheduler")["choices"]
                 if c["kind"] == "scheduler"}
        candidates = advice["candidates"]
        self.assertEqual({c["bulk"] for c in candidates}, names)
        present = self.aggd.status()["sessions"][0]["down"]
        self.assertEqual({key: candidates[0][key] for key in present}, present)
        best = max(candidates, key=lambda c: c["score"])
        self.assertLess(best["score"] / candidates[advice["pick"]]["score"], 1.06)
        for load in LOADS:
            self.assertTrue(advice["loads"][load]["why"])

    def test_1_nothing_measured_is_said(self):
        done = self.advise("gw", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("run a large download", done.stderr)
        self.assertIn("dsl", done.stderr)

    def test_2_after_a_download_beside_another(self):
        with self.flow():
            time.sleep(DOWNLOAD_S)
        with self.flow() as flow:
            begin = time.monotonic()
            advice = json.loads(self.advise("gw", "--json").stdout)
            took = time.monotonic() - begin
            rate = flow.bytes_between(begin, begin + took) * 8 / took / 1e6
        self.assert_measured(advice)
        self.assert_advice(advice)
        self.assertGreater(rate, 0.6 * sum(u.down for u in self.lab.uplinks))
        said = self.advise("gw").stdout
        for word in ("dsl", "lte", "least rtt", *LOADS):
            self.assertIn(word, said)
        self.note = f"{took:.1f} s, the download beside it {rate:.0f} Mbit/s\n{said}"

    def test_3_the_concentrator_knows_its_site(self):
        with self.flow():
            time.sleep(DOWNLOAD_S)
        advice = json.loads(self.advise("vps", "home", "--json").stdout)
        self.assertEqual(advice["site"], "home")
        self.assert_measured(advice)
        done = self.advise("vps", "hut", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("allowed: home", done.stderr)
        self.assertEqual(self.advise("gw", "home", check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
