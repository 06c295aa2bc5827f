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
TRIES_MAX = 3                # a machine that stands still carries less meanwhile
GOES_ON = 0.4                # of both links, by the download beside it
PAYLOAD = 1448 / 1518        # of a frame
LOADS = ["page", "bulk", "video", "call"]


class Advice(AggdTest):
    scenario = "S2"

    def advise(self, role, *words, check=True):
        return self.aggd.ctl(role, "advise", *words, check=check)

    def shares(self, advice):
        """What was measured of both uplinks, by what the scenario has."""
        got = {u["name"]: u for u in advice["uplinks"]}
        want = {u.name: u for u in self.lab.uplinks}
        self.assertEqual(set(got), set(want))
        for name, link in want.items():
            self.assertGreaterEqual(got[name]["min_rtt_us"], 2 * link.delay * 1000, got)
        return [got[n]["down_bytes_per_s"] / (link.down * 1e6 / 8 * PAYLOAD)
                for n, link in want.items()]

    def measured(self, *words):
        """The advice after a download that was as fast as the links are."""
        for _ in range(TRIES_MAX):
            with self.flow():
                time.sleep(DOWNLOAD_S)
            advice = json.loads(self.advise(*words, "--json").stdout)
            shares = self.shares(advice)
            if all(abs(s - 1) <= RATE_OFF_MOST for s in shares):
                return advice
        self.fail(f"measured, of the links' rates: {shares}")

    def beside(self):
        """The advice while a download goes on: its rate by the links', and how
        long it took."""
        with self.flow() as flow:
            begin = time.monotonic()
            advice = json.loads(self.advise("gw", "--json").stdout)
            took = time.monotonic() - begin
            rate = flow.bytes_between(begin, begin + took) * 8 / took / 1e6
        return advice, rate / sum(u.down for u in self.lab.uplinks), took

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
        self.measured("gw")
        for _ in range(TRIES_MAX):
            advice, share, took = self.beside()
            self.assert_advice(advice)
            if share > GOES_ON:
                break
        self.assertGreater(share, GOES_ON)
        said = self.advise("gw").stdout
        for word in ("dsl", "lte", "least rtt", *LOADS):
            self.assertIn(word, said)
        page = self.advise("gw", "--html").stdout
        self.assertIn("</html>", page)
        for word in ("dsl", "lte", "srpt_ecf", "lowrtt"):
            self.assertIn(f'"{word}"', page)
        self.note = f"{took:.1f} s, the download beside it {share:.2f} of the links\n{said}"

    def test_3_the_concentrator_knows_its_site(self):
        advice = self.measured("vps", "home")
        self.assertEqual(advice["site"], "home")
        done = self.advise("vps", "hut", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("allowed: home", done.stderr)
        self.assertEqual(self.advise("gw", "home", check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
