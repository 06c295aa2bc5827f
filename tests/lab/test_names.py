#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The concentrator by its name: each uplink asks by its own way.

    lan -- gw ==S1== isp -- vps -- srv, a name server that knows the VPS

The name server says of each question from where it came, which the isp
translates to an address for each uplink.
"""
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import DIRECT4, AggdTest, wait_until  # noqa: E402
from lab import SRV4, VPS4, VPS6, Lab  # noqa: E402

NAME = "vps.lab.test"
NOBODY4 = "203.0.113.77"
ANSWERED_S = 30
FOLLOWED_S = 60   # a connection's patience, and the pause between questions


class Names(AggdTest):
    """Each test begins with daemons that do not run, and another record."""

    scenario = "S1"

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(cls.scenario))
        cls.aggd = Aggd(cls.lab, endpoints=(NAME,))
        cls.addClassCleanup(cls.aggd.stop)
        cls.lab.gw.etc("resolv.conf", f"nameserver {SRV4}\n")

    def setUp(self):
        self.dns = None
        self.addCleanup(self.aggd.stop)
        self.addCleanup(self.stop_dns)

    def start_dns(self, *addresses):
        """What it is asked is in dns.log."""
        self.aggd.write("dns.log", "")
        self.aggd.write("hosts", "".join(f"{a} {NAME}\n" for a in addresses))
        self.dns = self.lab.srv.spawn(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
             "--no-hosts", "--local=/lab.test/", "--user=root", "--pid-file=", "--no-daemon",
             "--log-queries", f"--addn-hosts={self.aggd.path('hosts')}"], log="dns.log")
        self.lab.srv.wait_listening(53)

    def change_dns(self, *addresses):
        self.aggd.write("hosts", "".join(f"{a} {NAME}\n" for a in addresses))
        self.dns.send_signal(signal.SIGHUP)

    def stop_dns(self):
        if self.dns:
            self.lab.kill(self.dns)
        self.dns = None

    def asked_from(self):
        return {line.rpartition(" from ")[2].strip() for line in self.aggd.read("dns.log")
                .splitlines() if f"{NAME} from" in line}

    def start(self):
        self.aggd.write_configs()
        self.aggd.start_concentrator()
        self.aggd.start_gateway()

    def wait_up(self, timeout=ANSWERED_S):
        wait_until(lambda: all(u["state"] == "up" for u in self.aggd.uplinks().values()),
                   timeout, lambda: f"up: {self.aggd.uplinks()}\n{self.aggd.log('gw')}")

    def assert_all_at(self, *endpoints):
        for uplink in self.aggd.uplinks().values():
            self.assertIn(uplink["endpoint"], endpoints)
            self.assertEqual(uplink["endpoint_name"], NAME)

    # -- the tests

    def test_each_uplink_asks_by_its_own_way(self):
        self.start_dns(VPS4, VPS6)
        self.start()
        self.aggd.wait_ready()
        self.assert_all_at(f"{VPS4}:443", f"[{VPS6}]:443")
        wait_until(lambda: self.asked_from() == set(DIRECT4[:2]), ANSWERED_S, self.asked_from)
        self.assertIn(f"{NAME} ", self.aggd.ctl("gw", "uplinks").stdout)
        self.assertIn(f"at {NAME}, ", self.aggd.ctl("gw", "status").stdout)
        wait_until(lambda: VPS4 in self.aggd.ruleset() and VPS6 in self.aggd.ruleset(),
                   ANSWERED_S, "its addresses are left alone by the interception")

    def test_mptcp_begins_there_too(self):
        self.aggd.gateway_options = {"carrier": "mptcp"}
        self.addCleanup(setattr, self.aggd, "gateway_options", None)
        self.start_dns(VPS4)
        self.start()

        def remotes():
            return {s["remote"] for s in self.aggd.status()["mptcp_subflows"]}

        wait_until(lambda: remotes() == {f"{VPS4}:443"}, FOLLOWED_S, remotes)
        wait_until(lambda: self.aggd.status()["sessions"][0]["carrier"] == "mptcp",
                   FOLLOWED_S, lambda: f"over MPTCP: {self.aggd.status()['sessions']}")

    def test_a_change_is_followed(self):
        self.start_dns(NOBODY4)
        self.start()
        wait_until(lambda: all(u["endpoint"] == f"{NOBODY4}:443" and u["why"]
                               for u in self.aggd.uplinks().values()), ANSWERED_S,
                   lambda: f"in vain: {self.aggd.uplinks()}")
        self.change_dns(VPS4)
        self.wait_up(FOLLOWED_S)
        self.assert_all_at(f"{VPS4}:443")

    def test_what_was_answered_outlives_the_server(self):
        self.start_dns(VPS4)
        self.start()
        self.wait_up()
        self.stop_dns()
        for enabled in ("0", "1"):
            self.aggd.uplink_options = {u.name: {"enabled": enabled} for u in self.lab.uplinks}
            self.assertTrue(self.aggd.reload("gw"))
        self.wait_up(FOLLOWED_S)
        self.assert_all_at(f"{VPS4}:443")

    def test_an_uplink_whose_way_to_the_server_is_cut(self):
        """It takes what the other was told, and that one is as fast as ever."""
        self.lab.gw.nft("add table inet cut; add chain inet cut out "
                        "{ type filter hook output priority 0; }; "
                        "add rule inet cut out oifname wan1 udp dport 53 drop; "
                        "add rule inet cut out oifname wan1 tcp dport 53 drop")
        self.addCleanup(self.lab.gw.nft, "delete table inet cut")
        self.start_dns(VPS4)
        self.start()
        self.wait_up()
        self.assert_all_at(f"{VPS4}:443")
        self.assertEqual(self.asked_from(), {DIRECT4[1]})

    def test_nobody_answers(self):
        """The gateway says so, and answers all the while; resolv.conf is
        followed, to a server that does."""
        self.lab.gw.etc("resolv.conf", f"nameserver {NOBODY4}\n")
        self.addCleanup(self.lab.gw.etc, "resolv.conf", f"nameserver {SRV4}\n")
        self.start_dns(VPS4)
        self.start()
        wait_until(lambda: all(f"{NAME}: no name server answers" == u["why"]
                               for u in self.aggd.uplinks().values()), FOLLOWED_S,
                   lambda: f"{self.aggd.uplinks()}")
        self.lab.gw.etc("resolv.conf", f"nameserver {SRV4}\n")
        self.wait_up(FOLLOWED_S)


if __name__ == "__main__":
    unittest.main()
