#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The lab itself: links give their rate, delay and loss, and change while
they run; nothing is left behind, not even by a lab that was killed.

    srv (aggload server) -- vps -- isp ==dsl, lte== gw -- lan (aggload client)
"""
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import wait_until  # noqa: E402
from lab import PREFIX, SRV4, SRV6, VPS4, Lab, LabError  # noqa: E402
import lab as lab_module  # noqa: E402
import scenario  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TRIES = 4          # of a figure that a machine which stands still makes worse
ENDS_S = 60


def load(node, *argv, check=True):
    done = node.run(["aggload", *argv], check=check)
    return json.loads(done.stdout)


def ping_ms(node, address, count=10, *options):
    """The shortest of them: what is over it, the machine may have added."""
    out = node.run(["ping", "-q", "-c", count, "-i", "0.02", *options, address], check=False).stdout
    if " 0 received" in out:
        return None
    return float(out.rpartition("= ")[2].split("/")[0])


class Links(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("S2"))
        cls.lab.srv.spawn(["aggload", "server"])
        cls.lab.srv.wait_listening(7777)

    def test_rate_is_the_link_s_in_each_family_and_direction(self):
        for address, direction, rate, overhead in (
                (SRV4, "down", 50, 1448), (SRV6, "down", 50, 1428),
                (SRV4, "up", 20, 1448), (SRV6, "up", 20, 1428)):
            with self.subTest(address=address, direction=direction):
                limit = rate * overhead / 1518
                self.assertGreater(self.best_rate(address, direction, limit) / limit, 0.9)

    def best_rate(self, address, direction, limit):
        """Of some tries: a link that stands still with its machine carries less."""
        best = 0
        for _ in range(TRIES):
            got = load(self.lab.lan, "bulk", address, "-d", direction, "-t", "4", "-k", "2")
            # A machine that pauses moves bytes from one moment to a later one,
            # but no more come out since the start than the rate lets through.
            seconds = len(got["samples"]) * got["interval_ms"] / 1e3
            whole = sum(got["samples"]) * 8e-6 / seconds
            self.assertLess(whole / limit, 1.005)
            best = max(best, got["total_mbps"])
            if best / limit > 0.9:
                break
        return best

    def test_delay_is_the_link_s(self):
        for device, delay_ms in (("wan1", 10), ("wan2", 60)):
            for address in (SRV4, SRV6):
                best = float("inf")
                for _ in range(TRIES):
                    got = ping_ms(self.lab.gw, address, 10, "-I", device)
                    self.assertGreater(got, delay_ms - 0.3)
                    best = min(best, got)
                    if best < delay_ms + 5:
                        break
                self.assertLess(best, delay_ms + 5)

    def test_rate_and_delay_change_while_it_runs(self):
        link = self.lab.link("dsl")
        link.set("down", rate=10)
        link.set(delay=40)
        try:
            rates = []
            for _ in range(TRIES):
                rates.append(load(self.lab.lan, "bulk", SRV4, "-t", "4", "-k", "2")["total_mbps"])
                if 8.5 < rates[-1] < 11: # 9.5, and what a pause takes, or brings
                    break
            self.assertTrue(8.5 < rates[-1] < 11, rates)
            self.assertGreater(ping_ms(self.lab.lan, SRV4), 79)
        finally:
            link.set(rate=50, delay=5)
            link.set("up", rate=20)

    def test_loss_is_near_its_value(self):
        link = self.lab.link("lte")
        link.set("down", loss=10)
        before = link.counters("down")
        try:
            self.lab.gw.run(["ping", "-q", "-c", "1000", "-i", "0.002", "-W", "1", "-I", "wan2",
                             SRV4], check=False)
        finally:
            link.set("down", loss=0)
        after = link.counters("down")
        lost = after["dropped_loss"] - before["dropped_loss"]
        self.assertGreater(lost, 50)
        self.assertLess(lost, 160)

    def test_cut_is_silent_and_restored(self):
        link = self.lab.link("dsl")
        link.cut()
        try:
            self.assertIsNone(ping_ms(self.lab.gw, SRV4, 3, "-W", "1", "-I", "wan1"))
            self.assertIn("UP", self.lab.gw.run(["ip", "-br", "link", "show", "wan1"]).stdout)
            self.assertIsNotNone(ping_ms(self.lab.gw, SRV4, 3, "-I", "wan2"))
        finally:
            link.restore()
        self.assertIsNotNone(ping_ms(self.lab.gw, SRV4, 3, "-I", "wan1"))

    def test_carrier_goes_and_comes(self):
        def no_carrier():
            return "NO-CARRIER" in self.lab.gw.run(["ip", "link", "show", "wan2"]).stdout

        link = self.lab.link("lte")
        link.carrier(False)
        try:
            wait_until(no_carrier, ENDS_S, "the kernel says so")
        finally:
            link.carrier(True)
        wait_until(lambda: not no_carrier(), ENDS_S, "the kernel says so")
        self.assertIsNotNone(ping_ms(self.lab.gw, SRV4, 3, "-I", "wan2"))

    def test_each_uplink_has_an_address_of_its_own(self):
        for device, address in (("wan1", "203.0.113.101"), ("wan2", "203.0.113.102")):
            self.lab.vps.nft("table ip seen { chain in { type filter hook input priority 0;\n"
                             f"ip saddr {address} counter\n}}\n}}\n")
            ping_ms(self.lab.gw, VPS4, 3, "-I", device)
            listing = self.lab.vps.run(["nft", "list", "table", "ip", "seen"]).stdout
            self.lab.vps.run(["nft", "delete", "table", "ip", "seen"])
            self.assertIn("counter packets 3", listing)

    def test_errors_say_what_is_allowed(self):
        with self.assertRaisesRegex(LabError, "no link 'cable'; there are: dsl lte"):
            self.lab.linkem("cut", "cable")


class Scenarios(unittest.TestCase):
    def test_all_are_read_and_have_their_limits(self):
        down = {name: scenario.limit_mbps(scenario.load(name), "down")
                for name in os.listdir(scenario.SCENARIOS)}
        self.assertAlmostEqual(down["S1"], 95.4, 1)
        self.assertAlmostEqual(down["S2"], 66.8, 1)
        self.assertAlmostEqual(down["S3"], 104.9, 1)
        self.assertAlmostEqual(scenario.limit_mbps(scenario.load("S2"), "up"), 28.6, 1)

    def test_a_wrong_word_names_its_line(self):
        path = f"/tmp/{PREFIX}-{os.getpid()}.scenario"
        for text, error in (("uplink a device=w1 spee=3", ":1: 'spee=3': allowed are device="),
                            ("# x\n\nlink a", ":3: expected 'uplink NAME"),
                            ("uplink a rate=3", "rate=3"), ("", "1 to 9 uplinks, not 0")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            with self.assertRaisesRegex(scenario.ScenarioError, error):
                scenario.load(path)
        os.unlink(path)

    def test_fluid_bound_of_one_and_two_paths(self):
        uplinks = scenario.load("S2")
        small = scenario.fluid_bound_s(uplinks, 1000)
        self.assertGreater(small, 0.010)
        self.assertLess(small, 0.0103)
        large = scenario.fluid_bound_s(uplinks, 10_000_000)
        self.assertGreater(large, 80 / 66.8)
        self.assertLess(large, 80 / 66.8 + 0.03)


def leftovers(pid):
    """What of a lab with that pid is still there."""
    found = [n for n in os.listdir("/run/netns") if n.startswith(f"{PREFIX}{pid}-")]
    if os.path.exists(f"/run/{PREFIX}{pid}"):
        found.append("run directory")
    processes = subprocess.run(["pgrep", "-f", f"{PREFIX}{pid}/linkem.sock"],
                               capture_output=True, text=True)
    return found + processes.stdout.split()


class Ends(unittest.TestCase):
    def start(self):
        process = subprocess.Popen(
            ["/usr/bin/python3", "-c",
             f"import sys; sys.path.insert(0, {HERE!r})\nfrom lab import *\n"
             "with Lab('S1') as lab:\n    print('up', flush=True)\n    sys.stdin.read()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "up\n")
        self.assertGreater(len(leftovers(process.pid)), 5)
        return process

    def test_an_end_leaves_nothing(self):
        process = self.start()
        process.stdin.close()
        self.assertEqual(process.wait(ENDS_S), 0)
        self.assertEqual(leftovers(process.pid), [])

    def test_a_signal_leaves_nothing(self):
        process = self.start()
        process.send_signal(signal.SIGTERM)
        process.wait(ENDS_S)
        process.stdin.close()
        self.assertEqual(leftovers(process.pid), [])

    def test_what_a_killed_lab_left_is_removed_by_the_next(self):
        process = self.start()
        process.kill()
        process.wait()
        process.stdin.close()
        self.assertGreater(len(leftovers(process.pid)), 0)
        lab_module.remove_stale()
        wait_until(lambda: not leftovers(process.pid), ENDS_S, lambda: leftovers(process.pid))

    def test_the_host_s_congestion_controls_stay(self):
        def allowed():
            with open(lab_module.CC_ALLOWED, encoding="ascii") as file:
                return file.read()
        before = allowed()
        for cc in ("cubic", "bbr", "reno"):
            with Lab("S1", cc=cc) as lab:
                self.assertEqual(lab.gw.run(["sysctl", "-n", "net.ipv4.tcp_congestion_control"])
                                 .stdout.strip(), cc)
        self.assertEqual(allowed(), before)


if __name__ == "__main__":
    unittest.main()
