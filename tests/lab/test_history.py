#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""`aggctl history`: what a download carried is in it, of its uplinks by what their
devices count, and of the LAN's device.

    lan (clients) -- gw ==fast== isp -- vps -- srv
"""
import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests/unit/report")]
import formats  # noqa: E402
from case import AggdTest  # noqa: E402

BYTES = 3_000_000
SEEN_S = 30
SLACK = 0.02  # of numbers that are rounded; packets' headers come on top


class History(AggdTest):
    scenario = "S2"

    @classmethod
    def prepare(cls):
        with open(os.path.join(TOP, "docs/history.schema.json"), encoding="utf-8") as file:
            cls.schema = json.load(file)

    def history(self, *words):
        got = json.loads(self.aggd.ctl("gw", "history", *words, "--json").stdout)
        formats.validate(got, self.schema["$defs"]["one" if words else "all"], self.schema, "")
        self.assertEqual(formats.failed, [])
        return got

    def subjects(self, kind):
        return [s for s in self.history()["subjects"] if s["kind"] == kind]

    def carried(self, kind):
        return sum(s["minutes"]["down_bytes"] for s in self.subjects(kind))

    def test_a_download(self):
        with self.flow() as flow:
            self.wait(lambda: flow.count > BYTES, 30, "some bytes")
        least = flow.count * (1 - SLACK)
        self.wait(lambda: self.carried("device") >= least, SEEN_S, "the device has them")
        self.wait(lambda: self.carried("uplink") >= least, SEEN_S, "the uplinks have them")
        self.assertEqual({s["name"] for s in self.subjects("uplink")},
                         {u.name for u in self.lab.uplinks})
        [device] = self.subjects("device")
        self.assertRegex(device["name"], r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
        text = self.aggd.ctl("gw", "status", "--metrics").stdout
        named = f'device="{device["name"]}"'
        self.assertIn(f'aggd_device_info{{{named},address="{device["address"]}"}} 1', text)
        [bytes_down] = re.findall(rf'^aggd_device_bytes_total{{{named},direction="down"}} (\d+)$',
                                  text, re.M)
        self.assertGreaterEqual(int(bytes_down), least)
        one = self.history(device["address"], "--minutes")
        self.assertEqual(one["name"], device["name"])
        self.assertGreaterEqual(sum(one["down_bytes"]), least)

    def test_after_a_restart(self):
        """It is on the disk; where that is damaged, another one begins and says so."""
        with self.flow() as flow:
            self.wait(lambda: flow.count > BYTES, 30, "some bytes")
        self.wait(lambda: self.carried("device") >= BYTES, SEEN_S, "the device has them")
        before = self.carried("uplink"), self.carried("device")
        self.restart()
        self.assertGreaterEqual(self.carried("uplink"), before[0] * (1 - SLACK))
        self.assertGreaterEqual(self.carried("device"), before[1] * (1 - SLACK))
        path = self.aggd.path("gw-state/history.db")
        self.restart(lambda: self.aggd.write("gw-state/history.db", "nothing like it"))
        self.assertLess(self.carried("device"), BYTES)
        self.assertTrue(os.path.exists(path + ".damaged"))
        self.assertIn("is damaged", self.aggd.read("gw.log"))

    def restart(self, meanwhile=lambda: None):
        self.aggd.stop_one("gw")
        meanwhile()
        self.aggd.start_gateway()
        self.aggd.wait_ready()

    def test_the_words(self):
        name = self.lab.uplinks[0].name
        self.assertIn(name, self.aggd.ctl("gw", "history").stdout)
        self.assertIn("Mbit/s", self.aggd.ctl("gw", "history", name, "--days").stdout)
        done = self.aggd.ctl("gw", "history", "nothere", check=False)
        self.assertIn("there is no 'nothere'", done.stderr)
        done = self.aggd.ctl("vps", "history", check=False)
        self.assertIn("kept on a gateway", done.stderr)


if __name__ == "__main__":
    unittest.main()
