#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Many sites on one concentrator, each in a file of its own: what they carry at
once is exact, idle ones cost little, and one is added, changed and removed
without another's session noticing.

    crowd (on srv) == vps -- srv (load server)
"""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from crowd import Crowd, cpu_s, make_room  # noqa: E402

SITES, LANES, STREAMS, SIZE_MAX = 200, 2, 10, 20_000
SITE_KB_MAX = 40        # of an idle one, also after much use
IDLE_S = 5
IDLE_CORE_MAX = 0.2     # of 200 idle sites; a broken one turns without end
GONE_S = 20
CALM_S = 30             # agg/role/role.c: 10, here on a slow machine


class CrowdOfSites(AggdTest):
    plain = True  # memory is asserted

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        make_room(cls.lab)
        cls.start_load_server()
        cls.crowd = Crowd(cls.aggd, SITES, LANES, STREAMS, SIZE_MAX)
        cls.aggd.concentrator_options = {"sites": cls.crowd.sites_dir}
        if not cls.aggd.reload("vps"):
            raise AssertionError(cls.aggd.log("vps"))
        cls.before = cls.aggd.rss_mb("vps")
        cls.connected_s = cls.crowd.connect()
        cls.addClassCleanup(cls.crowd.stop)
        cls.idle = cls.aggd.rss_mb("vps")

    def site_kb(self):
        return (self.aggd.rss_mb("vps") - self.before) * 1024 / SITES

    def ages(self):
        """Sites that are connected, and since when, in seconds."""
        return {s["name"]: s["since_us"] / 1e6 for s in self.aggd.status("sites", "vps")["sites"]
                if s["connected"]}

    def test_1_idle_sites_cost_little(self):
        start, used = time.monotonic(), cpu_s(self.aggd.process("vps"))
        time.sleep(IDLE_S)
        share = (cpu_s(self.aggd.process("vps")) - used) / (time.monotonic() - start)
        self.wait(lambda: self.site_kb() <= SITE_KB_MAX, CALM_S,
                  lambda: f"an idle site holds little: {self.site_kb():.0f} KB each")
        self.note = (f"{SITES} connected in {self.connected_s:.1f} s, {self.site_kb():.0f} KB "
                     f"each, {share * 100:.1f} % of a core")
        self.assertLessEqual(share, IDLE_CORE_MAX)

    def test_2_all_streams_at_once(self):
        for _ in range(2):
            got = self.crowd.transfer()
            self.assertEqual((got["ok"], got["bad"], got["failed"]), (SITES * STREAMS, 0, 0),
                             self.crowd.log())
        self.wait(lambda: not self.aggd.status("streams", "vps")["streams"], GONE_S,
                  "no stream is left")
        self.wait(lambda: self.site_kb() <= SITE_KB_MAX, CALM_S,
                  lambda: f"what was used is given back: {self.site_kb()} KB each")
        self.note = (f"{SITES * STREAMS} streams in {got['seconds']:.1f} s; then "
                     f"{self.site_kb():.0f} KB each")

    def test_3_one_is_added_changed_and_removed(self):
        path = os.path.join(self.crowd.sites_dir, "one.conf")
        self.wait_equal(lambda: len(self.ages()), SITES + 1)
        before = self.ages()
        pin = self.aggd.keygen(self.aggd.lab.srv, "one")
        for text in (f"config site one\n\toption pin {pin}\n",
                     f"config site one\n\toption pin {pin}\n\toption order srpt\n", None):
            if text:
                self.aggd.write(path, text)
            else:
                os.unlink(path)
            start = time.monotonic()
            self.assertTrue(self.aggd.hup("vps"), self.aggd.log("vps"))
            took = time.monotonic() - start
            names = [s["name"] for s in self.aggd.status("sites", "vps")["sites"]]
            self.assertEqual("one" in names, text is not None)
        after = self.ages()
        self.assertEqual(set(after), set(before))
        self.assertTrue(all(after[name] >= before[name] for name in before))
        self.note = f"the last took {took * 1000:.0f} ms"

    def test_4_a_mistake_in_one_file_changes_nothing(self):
        path = os.path.join(self.crowd.sites_dir, "one.conf")
        before = self.ages()
        self.aggd.write(path, "config site one\n\toption pin x\n")
        try:
            self.assertFalse(self.aggd.hup("vps"))
        finally:
            os.unlink(path)
        self.assertIn(f"{path}:2: site 'one': pin 'x' is not allowed", self.aggd.log("vps"))
        self.assertEqual(set(self.ages()), set(before))


if __name__ == "__main__":
    unittest.main()
