#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""`aggctl speedtest`: an uplink alone carries what its link has, and the others
nothing meanwhile; the LAN's streams go on; who asks no more ends it.

    lan (clients) -- gw ==S2== isp -- vps -- srv
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from lab import LabError  # noqa: E402

LEAST, MOST = 0.3, 1.1  # of the link's rate
OTHER_SHARE = 0.2       # what another uplink carries at most: what was under way
TRIES_MAX = 3           # a machine that stands still measures less
FORGOTTEN_S = 15


class Speedtest(AggdTest):
    scenario = "S2"

    def ask(self, *words, check=True):
        return self.aggd.ctl("gw", "speedtest", *words, check=check)

    def measure(self, first, second):
        """Of the second uplink: what was measured by its link's rate, how long echoes
        took by its delay, and the bytes of both upwards meanwhile."""
        before = self.aggd.uplinks()
        with self.flow():
            [result] = json.loads(self.ask("--json", second.name).stdout)["results"]
        after = self.aggd.uplinks()
        self.assertEqual(result["uplink"], second.name)
        return ([result[f"{way}_bytes_per_s"] * 8 / 1e6 / getattr(second, way)
                 for way in ("down", "up")],
                [result[f"{way}_echo_us"] / 1000 / second.delay for way in ("down", "up")],
                [after[u.name]["up_bytes"] - before[u.name]["up_bytes"] for u in (first, second)])

    def test_one_alone(self):
        first, second = self.lab.uplinks[:2]
        for _ in range(TRIES_MAX):
            shares, echoes, up = self.measure(first, second)
            self.note += " down {:.2f} up {:.2f}".format(*shares)
            if (all(LEAST < s < MOST for s in shares) and min(echoes) > 1
                    and up[0] < OTHER_SHARE * up[1]):
                return
        self.fail(f"of the link's rate:{self.note}; of its delay: {echoes}; bytes up of the "
                  f"other and it: {up}")

    def test_wrong_words(self):
        done = self.ask("nothere", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no uplink 'nothere' that is up", done.stderr)
        done = self.aggd.ctl("vps", "speedtest", check=False)
        self.assertIn("begun on a gateway", done.stderr)
        with self.assertRaises(LabError):
            self.ask("a", "b")

    def test_who_asks_no_more_ends_it(self):
        process = self.lab.gw.spawn(["aggctl", "-s", self.aggd.path("gw.sock"), "speedtest"],
                                    log="test.log")
        self.wait(self.streams, FORGOTTEN_S, "it began")
        self.assertIn("under way", self.ask(check=False).stderr)
        process.kill()
        self.wait(lambda: "that is up" in self.ask("nothere", check=False).stderr, FORGOTTEN_S,
                  "it ended")
        # The stream's reset follows what of its upload was sent already.
        self.wait(lambda: not self.streams(), FORGOTTEN_S,
                  lambda: f"the concentrator has no stream: {self.streams()}")

    def streams(self):
        return self.aggd.status("streams", "vps")["streams"]


if __name__ == "__main__":
    unittest.main()
