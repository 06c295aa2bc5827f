#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""aggsim as a person runs it: aggsim_cli.py AGGSIM. The same run comes out to
the byte, JSON parses and says what the table says, and errors say what is
wrong, with an exit status."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

AGGSIM = sys.argv.pop(1)
LOSSY = """config scenario
    option title 'lossy'
config path 'a'
    option rate '20'
    option delay '15ms'
    option jitter '5ms'
    option loss '1'
config path 'b'
    option rate '10'
    option delay '40ms'
    option trace 'b.trace'
config load 'object'
    option kind 'poisson'
    option rate '20'
    option count '60'
    option sizes 'pareto'
    option size_min '1000'
    option size_max '300000'
"""


def run(*args, status=0):
    done = subprocess.run([AGGSIM, *args], capture_output=True, timeout=100,
                          check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    return done.stdout, done.stderr.decode()


class Aggsim(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.lossy = self.file("lossy.scn", LOSSY)
        self.file("b.trace", "0 10\n100 2\n300 12\n")

    def tearDown(self):
        self.folder.cleanup()

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def test_same_seed_same_bytes(self):
        for args in (["--json"], []):
            first, noise = run(self.lossy, "batch20", *args)
            self.assertEqual(first, run(self.lossy, "batch20", *args)[0])
            self.assertEqual(noise, "")
            other = run(self.lossy, "batch20", "--seed", "2", *args)[0]
            self.assertNotEqual(first, other)

    def test_same_page(self):
        pages = []
        for seed in ("1", "1", "2"):
            path = os.path.join(self.folder.name, "page.html")
            run(self.lossy, "--seed", seed, "--html", path)
            with open(path, "rb") as file:
                pages.append(file.read())
        self.assertEqual(pages[0], pages[1])
        self.assertNotEqual(pages[0], pages[2])
        self.assertIn(b"<html", pages[0])

    def test_json_says_what_the_table_says(self):
        table = run(self.lossy)[0].decode()
        got = json.loads(run(self.lossy, "--json")[0])
        scenario, = got["scenarios"]
        self.assertEqual(scenario["name"], "lossy")
        self.assertGreater(len(scenario["runs"]), 3)
        for one in scenario["runs"]:
            load, = one["loads"]
            self.assertIsNone(one["error"])
            self.assertEqual(load["done"], 60)
            row, = [r for r in table.splitlines()
                    if r.split()[:1] == [one["scheduler"]]]
            self.assertAlmostEqual(float(row.split()[3]), load["mean_ms"],
                                   delta=0.06)
            self.assertAlmostEqual(sum(one["share_percent"].values()), 100,
                                   delta=0.01)

    def test_one_scheduler_and_policies(self):
        out = run(self.lossy, "--json", "--scheduler", "ecf", "--scheduler",
                  "lowrtt", "--order", "fifo", "--reinjection", "off")[0]
        runs = json.loads(out)["scenarios"][0]["runs"]
        self.assertEqual([r["scheduler"] for r in runs], ["ecf", "lowrtt"])
        self.assertEqual({r["order"] for r in runs}, {"fifo"})
        self.assertEqual({r["reinjection"] for r in runs}, {"off"})

    def test_verbose_is_on_stderr(self):
        quiet = run("batch20")
        loud = run("batch20", "--verbose")
        self.assertEqual(quiet[0], loud[0])
        self.assertIn("events in", loud[1])

    def test_list_and_help(self):
        out = run("--list")[0].decode()
        for word in ("batch20", "s1", "ecf", "srpt", "deadline"):
            self.assertIn(f"  {word} ", out)
        self.assertIn("--scheduler", run("--help")[0].decode())
        self.assertIn("config path", run("--manual")[0].decode())

    def test_wrong_usage(self):
        for args, want in (
                ([], "no scenario is named"),
                (["nowhere"], "'nowhere' is neither a file nor a scenario"),
                (["./nowhere"], "./nowhere: cannot be read"),
                (["batch20", "--scheduler", "lowrt"], "did you mean 'lowrtt'?"),
                (["batch20", "--order", "x"], "allowed: roundrobin"),
                (["batch20", "--reinjection", "x"], "allowed: off, suspect"),
                (["batch20", "--seed", "-1"], "seed '-1' is not allowed"),
                (["batch20", "s1", "--html", "x"], "one scenario, not 2"),
                (["batch20", "--published", "--json"], "goes neither"),
                (["batch20", "--wrong"], "'aggsim --help'"),
                (["batch20", "--sheduler", "ecf"], "did you mean '--scheduler'?"),
                (["batch20", "--seed"], "--seed needs a value"),
                (["bacth20"], "did you mean 'batch20'?"),
                ([self.file("bad.scn", "config scenario\noption titel x\n")],
                 "bad.scn:2: scenario: unknown key 'titel', did you mean")):
            out, err = run(*args, status=2)
            self.assertEqual(out, b"")
            self.assertIn(want, err)

    def test_a_failed_run_is_told(self):
        path = self.file("slow.scn", LOSSY.replace(
            "option title", "option limit '1s'\noption title"))
        out, err = run(path, "--scheduler", "lowrtt", status=1)
        self.assertIn("lowrtt: not done after 1 s", err)
        self.assertIn(b"lowrtt FAILED: not done after 1 s", out)

    def test_a_page_that_cannot_be_written(self):
        _, err = run("batch20", "--html", "/nowhere/page.html", status=1)
        self.assertIn("/nowhere/page.html: No such file", err)

    def test_published_has_our_figures(self):
        out = run("--published", "sigcomm20_b")[0].decode()
        rows = [r.split("|") for r in out.splitlines() if r.startswith("| mean")]
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertGreater(float(row[4]), 0)


unittest.main()
