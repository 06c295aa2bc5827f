#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The gateway's side towards its LAN: what others do to our table, who comes
second, what comes late, and who is not of the LAN.

    lan (clients) -- gw ==S2== isp -- vps -- srv
"""
import contextlib
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import DIRECT4, AggdTest  # noqa: E402
from lab import LabError  # noqa: E402

SOON_S = 8          # "within a second", on a slow machine
STRUGGLE_S = 6      # of somebody who removes our table whenever it is there
NFT_S = 3           # that a slow nft takes


class LanSide(AggdTest):
    scenario = "S2"

    def nft(self, command):
        self.lab.gw.run(["nft", *command.split()])

    def interception(self):
        return self.aggd.status()["sessions"][0]["interception"]

    def wait_in_force(self):
        self.wait(lambda: self.aggd.is_taking("ip", "ip6") and
                  self.interception()["state"] == "in force", SOON_S,
                  lambda: f"the table is there: {self.interception()}\n{self.aggd.ruleset()}")

    def told(self, words):
        return self.aggd.read("gw.log").count(words)

    # -- what others do to our table

    def test_removed_table_comes_again(self):
        for command in ("flush ruleset", "delete table inet aggd", "flush table inet aggd",
                        "flush chain inet aggd lan", "flush set inet aggd connected4"):
            told = self.told("removed or changed by somebody")
            with self.subTest(command), self.flow():
                before = self.aggd.ruleset()
                self.nft(command)
                self.wait(lambda: self.aggd.ruleset() == before, SOON_S,
                          lambda: f"put again after {command}: {self.aggd.ruleset()}")
                self.assertNotIn(self.who(), DIRECT4)
            self.assertLessEqual(self.told("removed or changed by somebody") - told, 1)
        self.assertIn("removed or changed by somebody", self.aggd.read("gw.log"))
        self.wait_in_force()

    def test_tables_of_others_are_left_alone(self):
        before = self.told("interception: ")
        self.nft("add table inet other")
        self.nft("add chain inet other c")
        self.nft("add rule inet other c accept")
        self.nft("add table ip aggd")
        self.nft("delete table inet other")
        self.nft("delete table ip aggd")
        time.sleep(1)
        self.assertEqual(self.told("interception: "), before)
        self.assertEqual(self.interception()["state"], "in force")

    def test_struggle_is_bounded_and_told(self):
        """Somebody removes it whenever it is there."""
        lines, removed, states = self.told("\n"), 0, set()
        end = time.monotonic() + STRUGGLE_S
        while time.monotonic() < end:
            with contextlib.suppress(LabError):
                self.nft("delete table inet aggd")
                removed += 1
            states.add(self.interception()["state"])
        self.assertLess(removed, 3 * STRUGGLE_S)
        self.assertLessEqual(self.told("\n") - lines, 1)
        self.assertIn("broken", states)
        self.wait_in_force()

    # -- nft that fails, or takes its time

    @contextlib.contextmanager
    def other_nft(self, script):
        """The gateway with another program in nft's place. It stands in PATH
        only while the file is there."""
        folder = self.aggd.path("bin")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "nft")

        def put():
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + script + "\n")
            os.chmod(path, 0o755)

        self.aggd.stop_one("gw")
        before = os.environ["PATH"]
        os.environ["PATH"] = folder + ":" + before
        try:
            self.aggd.start_gateway()
        finally:
            os.environ["PATH"] = before
        self.aggd.wait_ready()
        put()
        try:
            yield lambda: os.unlink(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def test_failed_load_is_not_in_force_and_tried_again(self):
        with self.other_nft("echo 'Error: no memory today' >&2; exit 1") as mend:
            self.nft("delete table inet aggd")
            self.wait(lambda: "no memory" in self.interception().get("why", ""), SOON_S,
                      lambda: self.interception())
            self.assertEqual(self.interception()["state"], "broken")
            self.assertEqual(self.told("no memory today"), 1)
            mend()
            self.wait_in_force()
        self.assertNotIn(self.who(), DIRECT4)

    def test_slow_nft_stops_nobody(self):
        with self.other_nft(f"sleep {NFT_S}; exec /usr/sbin/nft \"$@\"") as _:
            with self.flow() as flow:
                self.nft("delete table inet aggd")
                start = time.monotonic()
                self.wait_in_force()
                took = time.monotonic() - start
            self.assertGreater(took, NFT_S - 1)
            self.assertLess(flow.gap_s, NFT_S / 2)
            self.note = f"gap {flow.gap_s * 1000:.0f} ms in {took:.1f} s"

    # -- who comes second

    def kernel_state(self):
        gw = self.lab.gw
        return (self.aggd.ruleset(), gw.run(["ip", "rule"]).stdout,
                gw.run(["ip", "route", "show", "table", "all"]).stdout)

    def test_second_daemon_changes_nothing(self):
        other = self.aggd.read("gw.conf").replace("gw.sock", "gw2.sock").replace(
            "192.168.100.1:1080", "192.168.100.1:1081")
        self.aggd.write("gw2.conf", other)
        with self.flow():
            before = self.kernel_state()
            for conf in ("gw.conf", "gw2.conf"):
                done = self.lab.gw.run(["aggd", "-c", self.aggd.path(conf)], check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"pid {self.aggd.gw_process.pid} ", done.stderr)
                self.assertIn(self.aggd.path("gw.conf"), done.stderr)
                self.assertEqual(self.kernel_state(), before)
            self.who()


if __name__ == "__main__":
    unittest.main()
