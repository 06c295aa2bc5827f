#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The benchmark's arithmetic: gaps, times to a rate, goals and verdicts; and
that a peer can be measured at all."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(os.path.dirname(HERE), "bench")
sys.path.insert(0, BENCH)
import bench  # noqa: E402
import cells  # noqa: E402


class Arithmetic(unittest.TestCase):
    def test_the_longest_gap_counts_empty_samples(self):
        self.assertEqual(cells.longest_gap([0, 0, 5, 0, 0, 0, 5, 0], 0, 8, 0.01), 0.03)
        self.assertEqual(cells.longest_gap([5, 5, 5], 0, 3, 0.01), 0)
        self.assertEqual(cells.longest_gap([0, 0, 0, 5], 1, 3, 0.01), 0.02)

    def test_time_to_a_rate_is_of_a_window_s_end(self):
        samples = [0] * 30 + [1000] * 50
        self.assertAlmostEqual(cells.time_to_rate(samples, 0, 800_000, 0.01), 0.5)
        self.assertAlmostEqual(cells.time_to_rate(samples, 30, 800_000, 0.01), 0.2)
        self.assertIsNone(cells.time_to_rate(samples, 0, 900_000, 0.01))

    def judge(self, cell, ours, peer):
        figures = bench.Figures()
        if peer is not None:
            figures.put("S2", cell, "ss", "cubic", peer)
        figures.put("S2", cell, "aggd", "cubic", ours)
        return bench.judge(figures, "S2", cell, ours, ["ss"])

    def test_verdicts(self):
        for cell, ours, peer, verdict in (
                ("down IPv4", 0.97, None, "met"), ("down IPv4", 0.95, None, "MISSED: goal"),
                ("down IPv4", 0.97, 0.98, "met"), ("down IPv4", 0.965, 0.99, "MISSED: peer"),
                ("object 1K, ms", 12.9, 12.5, "met"), ("object 1K, ms", 14, 22, "MISSED: goal"),
                ("object 1K, ms", 14, 12, "MISSED: goal, peer"),
                ("object 1K, ms", None, 12, "MISSED: never"),
                ("CPU s per GB down", 0.7, 1.0, "met"),
                ("CPU s per GB down", 0.71, 1.0, "MISSED: peer"),
                ("down 8 flows, slowest share", 0.6, 0.9, "met"),
                ("1000 streams: seconds", 9, 3, "met")):
            with self.subTest(cell=cell, ours=ours, peer=peer):
                self.assertEqual(self.judge(cell, ours, peer), verdict)

    def test_the_better_congestion_control_counts(self):
        figures = bench.Figures()
        for cc, value in (("cubic", 0.5), ("bbr", 0.98)):
            figures.put("S4", "down IPv4", "ss", cc, value)
            figures.put("S4", "cut: longest gap, ms", "ss", cc, value)
        self.assertEqual(figures.best("S4", "down IPv4", ["ss"]), (0.98, "ss"))
        self.assertEqual(figures.best("S4", "cut: longest gap, ms", ["ss"]), (0.5, "ss"))


class Peers(unittest.TestCase):
    def run_bench(self, *words):
        with tempfile.NamedTemporaryFile(suffix=".json") as output:
            return subprocess.run(["/usr/bin/python3", os.path.join(BENCH, "bench.py"), "--quick",
                                   "--output", output.name, "--only", *words],
                                  capture_output=True, text=True, timeout=120)

    def test_the_best_uplink_alone_is_measured(self):
        done = self.run_bench("S2", "objects", "alone", "cubic")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"S2 +object 1K, ms +<= 13\.0 +2\d\.")

    def test_an_unknown_word_names_what_there_is(self):
        done = self.run_bench("S9")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'S9': there are S1 S2", done.stderr)


if __name__ == "__main__":
    unittest.main()
