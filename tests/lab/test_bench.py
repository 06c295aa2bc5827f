#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The benchmark's arithmetic: gaps, times to a rate, goals and verdicts, what
rounds say; and that a peer, our schedulers and the simulator's truth can be
measured at all."""
import json
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
import cpu  # noqa: E402
import pick  # noqa: E402
import rounds  # noqa: E402
import schedulers  # noqa: E402
import simtruth  # noqa: E402
import smooth  # noqa: E402
import smooth_tasks  # noqa: E402


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

    def test_the_worst_half_second_and_the_counted_time(self):
        got = {"samples": [0] * 200 + [1000] * 25 + [200] * 25 + [0] * 10, "skip": 4,
               "interval_ms": 20, "total_mbps": 3,
               "connections": [{"longest_gap_ms": 12.5}, {"longest_gap_ms": 40}]}
        self.assertEqual(smooth.figures(got), {"mean": 3, "half": 0.08, "silence": 40})

    def test_what_a_download_has_to_reach_moment_by_moment(self):
        alone = {"mean": 46, "half": 28, "silence": 15}
        well = {"mean": 65, "half": 27, "silence": 110, "again": 0.01}
        self.assertEqual(smooth.missed("S2", "down", 1, well, alone), [])
        for key, value in (("mean", 60), ("half", 26), ("silence", 120), ("again", 0.05)):
            with self.subTest(key=key):
                self.assertEqual(smooth.missed("S2", "down", 1, {**well, key: value}, alone),
                                 [key])
        self.assertEqual(smooth.missed("S3", "down", 1, {**well, "mean": 97, "silence": 199},
                                       None), [])

    def test_a_player_stands_still_for_what_comes_late(self):
        self.assertEqual(smooth_tasks.stood_still_ms([3, 1, 2.9, 2, 1]), 0)
        self.assertEqual(smooth_tasks.stood_still_ms([1, 6, 1, 1]), 5000)
        self.assertEqual(smooth_tasks.stood_still_ms([9, 1, 1]), 0)

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

    def test_cpu_is_judged_by_the_ratios_of_rounds(self):
        visits = [{"round": n, "scenario": "fast", "cell": cell, "system": system, "s/GB": s_gb,
                   "Mbit/s": 1000, "MB": {"gateway": 9, "concentrator": mb}}
                  for n, ours, peer in ((1, 1.0, 3.0), (2, 2.0, 4.0), (3, 9.0, 10.0))
                  for cell in ("down1", "memory")
                  for system, s_gb, mb in (("aggd", ours, 30 + 5 * n), ("ss-aes256", peer, 10))]
        table = {(r["cell"]): r for r in cpu.rows(visits + [{"round": 4, "error": "x"}])}
        self.assertEqual((table["down1"]["ratio"], table["down1"]["verdict"]), (0.5, "met"))
        self.assertEqual(table["200 downloads, gateway, MB"]["verdict"], "met")
        self.assertEqual(table["200 downloads, concentrator, MB"]["aggd"], 45)
        self.assertEqual(table["200 downloads, concentrator, MB"]["verdict"], "MISSED")

    def test_the_better_congestion_control_counts(self):
        figures = bench.Figures()
        for cc, value in (("cubic", 0.5), ("bbr", 0.98)):
            figures.put("S4", "down IPv4", "ss", cc, value)
            figures.put("S4", "cut: longest gap, ms", "ss", cc, value)
        self.assertEqual(figures.best("S4", "down IPv4", ["ss"]), (0.98, "ss"))
        self.assertEqual(figures.best("S4", "cut: longest gap, ms", ["ss"]), (0.5, "ss"))


class Rounds(unittest.TestCase):
    def visit(self, number, scheduler, ms):
        return {"round": number, "scenario": "S2", "scheduler": scheduler,
                "cells": {"object 1M, ms": ms}}

    def test_each_round_has_an_order_of_its_own(self):
        cases = list(range(20))
        orders = [rounds.shuffled(cases, n) for n in (1, 2, 1)]
        self.assertEqual(sorted(orders[0]), cases)
        self.assertNotEqual(orders[0], orders[1])
        self.assertEqual(orders[0], orders[2])

    def test_middle_and_spread(self):
        self.assertEqual(rounds.middle([9, None, 1, 2]), 2)
        self.assertIsNone(rounds.middle([None]))
        self.assertEqual(rounds.spread([8, 10, 13]), 0.5)
        self.assertIsNone(rounds.spread([8]))

    def test_ratios_are_of_the_same_round(self):
        visits = [self.visit(n, s, ms) for n, s, ms in (
            (1, "lowrtt", 100), (1, "ecf", 90), (2, "lowrtt", 200), (2, "ecf", 180),
            (3, "lowrtt", 400), (3, "ecf", 360), (4, "ecf", 1))]
        table = {name: row["object 1M, ms"] for _, name, row in schedulers.rows(visits)}
        self.assertEqual(list(table), ["lowrtt", "ecf"])
        self.assertEqual(table["lowrtt"], {"median": 200, "n": 3, "spread": 1.5, "ratio": 1})
        self.assertEqual(table["ecf"]["ratio"], 0.9)

    def test_a_variant_is_options_of_the_daemon(self):
        self.assertEqual(schedulers.options_of("ecf"), {"scheduler": "ecf"})
        self.assertEqual(schedulers.options_of("ecf,order=srpt"),
                         {"scheduler": "ecf", "order": "srpt"})

    def test_a_truth_is_read_as_it_was_written(self):
        truth = {("S2", "ecf", "1M"): [[160.0, 170.0, 180.0], [150.0]]}
        data = json.loads(json.dumps(simtruth.as_json(truth)))
        self.assertEqual(simtruth.from_json(data), truth)
        self.assertEqual(data["S2"]["ecf"]["1M"]["median_ms"], 165)

    def test_the_simulator_is_met_within_15_percent(self):
        truth = {("S2", "ecf", size): [[90.0, 100.0, 150.0]] for size in ("100K", "1M", "10M")}
        sim = {"100K": 85.0, "1M": 116.0, "10M": None}
        got = [(case[2], ratio, met)
               for case, _, _, ratio, met in simtruth.verdicts(truth, lambda case: sim[case[2]])]
        self.assertEqual(got, [("100K", 0.85, True), ("10M", None, False), ("1M", 1.16, False)])

    def test_the_simulator_gets_the_lab_s_links(self):
        text = simtruth.sim_scenario(("S3", "ecf", "1M"), 0)
        self.assertEqual(text.count("config path"), 3)
        for line in ("rate '30'", "delay '300ms'", "loss '0.2'", "jitter '8ms'", "size '1000000'"):
            self.assertIn(line, text)

    def test_a_pick_s_cost(self):
        runs = [pick.parse(t) for t in ("ecf 100\nslow 301.5 ns\n", "ecf 900\nslow 300.5\n",
                                        "ecf 50\nslow 310\n")]
        self.assertEqual(pick.verdicts(runs), {"ecf": (100, True), "slow": (301.5, False)})


class Runs(unittest.TestCase):
    def run_words(self, *words):
        with tempfile.NamedTemporaryFile(suffix=".json") as output:
            done = subprocess.run(["/usr/bin/python3", os.path.join(BENCH, "bench.py"), *words,
                                   "--output", output.name],
                                  capture_output=True, text=True, timeout=240)
            self.output = output.read()
            return done

    def run_bench(self, *words):
        return self.run_words("--quick", "--only", *words)

    def test_a_scheduler_is_measured(self):
        done = self.run_words("schedulers", "--quick", "--only", "S2", "lowrtt")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\| lowrtt \|( [0-9.]+ \|){9}")
        cells_of = json.loads(self.output)["visits"][0]["cells"]
        self.assertEqual({c for c, _, _ in schedulers.COLUMNS} - set(cells_of), set())

    def test_an_unknown_scheduler_names_what_there_is(self):
        done = self.run_words("schedulers", "--only", "fastest")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "'fastest': there are S2 S3 .*lowrtt")

    def test_the_lab_s_half_of_the_simulator_s_truth(self):
        done = self.run_words("simtruth", "--lab", "--quick", "--only", "S1", "lowrtt", "100K")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(self.output)["S1"]["lowrtt"]["100K"]["n"], 40)

    def test_the_best_uplink_alone_is_measured(self):
        done = self.run_bench("S2", "objects", "alone", "cubic")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"S2 +object 1K, ms +<= 13\.0 +[23]\d\.")

    def test_an_unknown_word_names_what_there_is(self):
        done = self.run_bench("S9")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'S9': there are S1 S2", done.stderr)


if __name__ == "__main__":
    unittest.main()
