#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What the gateway makes in the kernel is there while it runs and gone after,
however it ended; what others made is never touched; and only what shall be
taken is taken.

    lan -- gw ==S2== isp -- vps -- srv
    192.168.100.0/24 lan0       somebody else's rule, route and table on gw
    192.168.101.0/24 dmz0 -- dmz (a host beside, connected to gw)
"""
import contextlib
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from aggd import wait_until  # noqa: E402
from case import DIRECT4, VPS_SEEN4, VPS_SEEN6, WWW, AggdTest, accept, listen  # noqa: E402
from lab import LAN4, LAN6, SRV4, SRV6, LabError  # noqa: E402

OTHERS_TABLE = """\
table inet other {
	chain prerouting {
		type filter hook prerouting priority -300; policy accept;
		tcp dport 9 counter
	}
}
"""
GW_LAN4, GW_DMZ4, DMZ4 = "192.168.100.1", "192.168.101.1", "192.168.101.10"
GW_DMZ6, DMZ6 = "2001:db8:101::1", "2001:db8:101::10"
PORT = 8000
SETTLED_LOOKS = 5
APPLIED_S = 20
DRAIN_S = 2
DRAINED_BYTES = 100_000
ANSWER_MS_MAX = 100           # of a reset that the gateway itself sends
TRIES = 8                     # the best of them: a machine may stand still


class Traces(AggdTest):
    scenario = "S2"
    options = {"lan": {"tunnel": "0"}}  # whose traces test_tunnel.py looks at

    @classmethod
    def prepare(cls):
        """A network that is connected to the gateway but not its LAN, on
        srv's side as good as anywhere, and things of somebody else."""
        gw, srv = cls.lab.gw, cls.lab.srv
        gw.ip(f"link add dmz0 type veth peer name dmz0 netns {srv.ns}",
              f"addr add {GW_DMZ4}/24 dev dmz0", f"-6 addr add {GW_DMZ6}/64 dev dmz0 nodad",
              "link set dmz0 up")
        srv.ip(f"addr add {DMZ4}/24 dev dmz0", f"-6 addr add {DMZ6}/64 dev dmz0 nodad",
               "link set dmz0 up",
               f"route add {LAN4}/32 via {GW_DMZ4}", f"-6 route add {LAN6}/128 via {GW_DMZ6}")
        for family in ("-4", "-6"):
            gw.run(["ip", family, "rule", "add", "fwmark", "0x77", "lookup", "77",
                    "priority", "777"])
        gw.ip("route add 192.0.2.0/24 via 10.11.0.1 dev wan1 table 77",
              "-6 route add 2001:db8:77::/64 via 2001:db8:1::1 dev wan1 table 77")
        gw.nft(OTHERS_TABLE)
        cls.before = cls.settled_traces()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = listen(cls.lab.srv, PORT)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        if not self.aggd.gw_process:
            self.aggd.start_gateway()
            self.aggd.wait_ready()

    @classmethod
    def traces(cls):
        """All that a program can leave in the gateway's kernel."""
        return "\n".join(cls.lab.gw.run(words).stdout for words in (
            ["nft", "list", "ruleset"],
            ["ip", "-4", "rule"], ["ip", "-6", "rule"],
            ["ip", "-4", "route", "show", "table", "all"],
            ["ip", "-6", "route", "show", "table", "all", "proto", "169"],
            ["ip", "-6", "route", "show", "table", "77"],
            ["ip", "-6", "route", "show", "table", "main"],
            ["ip", "-4", "neigh", "show", "nud", "permanent"]))

    @classmethod
    def settled_traces(cls):
        """When the kernel has found that all devices have a carrier, which it tells routes."""
        looks = []

        def settled():
            looks.append(cls.traces() if "LOWERLAYERDOWN" not in cls.lab.gw.run(
                ["ip", "-br", "link"]).stdout else None)
            return looks[-1] and "linkdown" not in looks[-1] and len(looks) > SETTLED_LOOKS and \
                len(set(looks[-SETTLED_LOOKS:])) == 1

        wait_until(settled, APPLIED_S, lambda: f"the lab's own routes are there: {looks[-1]}")
        return looks[-1]

    def wait_gone(self):
        """Nothing but what was there before."""
        with contextlib.suppress(LabError):
            self.wait(lambda: self.traces() == self.before, APPLIED_S, "")
        self.assertEqual(self.traces(), self.before)

    def own_rules(self, family):
        return [line for line in self.lab.gw.run(["ip", family, "rule"]).stdout.splitlines()
                if "proto 169" in line]

    def assert_running_traces(self):
        gw = self.lab.gw
        self.assertTrue(self.aggd.is_taking("ip", "ip6"))
        for family in ("-4", "-6"):
            # TPROXY's, and the uplinks'
            self.wait(lambda: len(self.own_rules(family)) == 1 + 2 * 3, APPLIED_S,
                      lambda: self.own_rules(family))
            self.assertEqual(sum("fwmark" in rule for rule in self.own_rules(family)), 1)
            routes = gw.run(["ip", family, "route", "show", "table", "all", "proto",
                             "169"]).stdout
            for part in ("local default dev lo", "dev wan1", "dev wan2"):
                self.assertIn(part, routes)

    # -- there, and gone

    def test_gone_after_sigterm(self):
        self.assert_running_traces()
        self.assertEqual(self.aggd.stop_one("gw"), 0)
        self.wait_gone()

    def test_gone_after_a_crash_and_another_run(self):
        self.aggd.gw_process.kill()
        self.aggd.gw_process.wait()
        self.assertIn("table inet aggd", self.traces())
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.assert_running_traces()
        self.assertEqual(self.aggd.stop_one("gw"), 0)
        self.wait_gone()

    def test_gone_when_the_lan_is_no_longer_taken(self):
        self.aggd.write_configs()
        conf = self.aggd.read("gw.conf")
        self.aggd.write("gw.conf", conf.replace("option tproxy '1'", "option tproxy '0'"))
        self.assertTrue(self.aggd.hup("gw"))
        self.wait(lambda: not any(words in self.traces() for words in (
            "table inet aggd", "fwmark 0x1000000")), APPLIED_S, self.traces)
        self.aggd.write("gw.conf", conf)
        self.assertTrue(self.aggd.hup("gw"))
        self.wait(lambda: self.aggd.is_taking("ip", "ip6"), APPLIED_S, "the LAN is taken")
        self.assertEqual(self.who(), VPS_SEEN4)

    def test_sigterm_lets_a_download_end(self):
        for role in ("gw", "vps"):
            with self.subTest(role), self.flow() as down:
                time.sleep(0.5)
                self.aggd.process(role).terminate()
                time.sleep(DRAIN_S)
                self.assertIsNone(self.aggd.process(role).poll())
                if role == "gw":
                    self.wait(self.is_direct, APPLIED_S, "no new streams")
                before = down.count
                self.wait(lambda: down.count > before + DRAINED_BYTES, APPLIED_S, "bytes come")
                self.assertIsNone(self.aggd.process(role).poll())
            process = self.aggd.process(role)
            self.wait(lambda: process.poll() is not None, APPLIED_S, f"{role} has ended")
            self.assertEqual(process.returncode, 0)
            if role == "gw":
                self.wait_gone()
                self.aggd.start_gateway()
            else:
                self.aggd.start_concentrator()
            self.aggd.wait_ready()

    def is_direct(self):
        with contextlib.suppress(OSError): # it was taken at the last moment
            return self.who() in DIRECT4
        return False

    # -- what is taken, and what not

    def seen(self, address):
        """How the server sees a client of the LAN that connects there."""
        with self.connect(address, PORT):
            sock, peer = accept(self.server)
            sock.close()
        return peer

    def test_only_the_outside_is_taken(self):
        self.assertEqual(self.seen(SRV4), VPS_SEEN4)
        self.assertEqual(self.seen(SRV6), VPS_SEEN6)
        self.assertEqual(self.seen(DMZ4), GW_DMZ4)  # the lab's gateway masquerades
        self.assertEqual(self.seen(DMZ6), LAN6)

    def test_the_gateway_itself_is_reached(self):
        with listen(self.lab.gw, PORT) as server:
            for address in (GW_LAN4, GW_DMZ4, "10.11.0.2", "2001:db8:100::1", "2001:db8:1::2"):
                with self.connect(address, PORT):
                    sock, peer = accept(server)
                    sock.close()
                    self.assertIn(peer, (LAN4, LAN6))

    def test_what_the_gateway_sends_is_not_taken(self):
        with case.connect(self.lab.gw, SRV4, PORT):
            sock, peer = accept(self.server)
            sock.close()
            self.assertIn(peer, DIRECT4)

    def test_bypassed_is_left_alone(self):
        self.aggd.bypass = [SRV4 + "/32", "2001:db8:aa::/64"]
        self.aggd.reload("gw")
        self.wait(lambda: self.seen(SRV6) == LAN6, APPLIED_S, "IPv6 is left alone")
        self.assertIn(self.seen(SRV4), DIRECT4)
        self.aggd.bypass = []
        self.aggd.reload("gw")
        self.wait(lambda: self.seen(SRV6) == VPS_SEEN6, APPLIED_S, "IPv6 is taken")

    # -- IPv6 without a way out

    def test_ipv6_is_refused_without_egress(self):
        vps, route = self.lab.vps, "default via 2001:db8:aa::10"
        self.lab.srv.spawn([sys.executable, "-m", "http.server", "--bind", "::", "80",
                            "--directory", "/var/empty"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        self.lab.srv.wait_listening(80)
        vps.ip(f"-6 route del {route}")
        try:
            self.wait(lambda: not self.aggd.is_taking("ip6"), APPLIED_S, "IPv6 is refused")
            self.assertLess(self.best(self.refused_ms, ANSWER_MS_MAX), ANSWER_MS_MAX)
            took = self.best(self.curl_ms, 2 * ANSWER_MS_MAX)
            self.assertLess(took, 2 * ANSWER_MS_MAX)
            self.note = f"curl is connected by IPv4 after {took:.0f} ms"
        finally:
            vps.ip(f"-6 route add {route}")
        self.wait(lambda: self.aggd.is_taking("ip6"), APPLIED_S, "IPv6 is taken")
        self.assertEqual(self.seen(SRV6), VPS_SEEN6)

    @staticmethod
    def best(measure_ms, enough_ms):
        least = float("inf")
        for _ in range(TRIES):
            least = min(least, measure_ms())
            if least < enough_ms:
                break
        return least

    def refused_ms(self):
        start = time.monotonic()
        with self.assertRaises(ConnectionRefusedError):
            self.connect(SRV6, PORT)
        return (time.monotonic() - start) * 1000

    def curl_ms(self):
        done = self.lab.lan.run(
            ["curl", "-sS", "--max-time", "20", "-o", os.devnull, "-w",
             "%{remote_ip} %{time_connect}", "--resolve", f"{WWW}:80:[{SRV6}],{SRV4}",
             f"http://{WWW}/"])
        address, seconds = done.stdout.split()
        self.assertEqual(address, SRV4)
        return float(seconds) * 1000


if __name__ == "__main__":
    unittest.main()
