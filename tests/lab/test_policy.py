#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What others do to our rules and routes while the gateway runs: network
managers, firewalls and people remove them, put theirs before them, and take
addresses away; the kernel removes routes with those without a word."""
import contextlib
import subprocess
import time
import unittest

from case import VPS_SEEN4, VPS_SEEN6, AggdTest
from lab import SRV4, SRV6, VPS4, LabError

PREFERENCE = 700
SAID_S = 60      # more than a minute, as a look takes more than it counts
LOOK_S = 40      # without an event: two looks
AGAIN_S = 20     # on a slow machine; a second on a quick one
CONNECTED_S = 40
LAN_NETWORK = "192.168.100.0/24"
TPROXY_TABLE = "1634205695"
TABLE_BASE = 0x61670000
FOREIGN_TABLE = "4242"
FLOOD_S = 4
SEEN_S = 20      # more of it, until it is seen
CALM_LOOKS = 6   # in a row, half a second apart
FAMILIES = ("-4", "-6")


class Policy(AggdTest):
    scenario = "fast"

    def ip(self, *words, check=True):
        return self.lab.gw.run(["ip", *words], check=check).stdout

    def rules(self, family):
        return [l for l in self.ip(family, "-N", "rule").splitlines() if "proto 169" in l]

    def routes(self, family, table):
        return self.lab.gw.run(["ip", family, "route", "show", "table", str(table)],
                               check=False).stdout.splitlines()

    def state(self):
        """All that is ours, but for the preferences."""
        found = [family + rule.partition(":")[2] for family in FAMILIES
                 for rule in self.rules(family)]
        for family in FAMILIES:
            for table in (TPROXY_TABLE, TABLE_BASE, TABLE_BASE + 1):
                found += [f"{family} {table} {route}" for route in self.routes(family, table)]
        return sorted(line.strip() for line in found)

    def settled_state(self):
        """When two looks in a row saw the same, and all tables have something."""
        looks = [None]

        def settled():
            looks.append(self.state())
            return looks[-1] == looks[-2] and all(
                self.routes(family, table) for family in FAMILIES
                for table in (TPROXY_TABLE, TABLE_BASE, TABLE_BASE + 1))

        self.wait(settled, AGAIN_S, lambda: f"it settles: {looks[-2:]}")
        return looks[-1]

    def preference(self, family, what):
        """Of the first of our rules with this in it."""
        return next((int(r.partition(":")[0]) for r in self.rules(family) if what in r), None)

    def wait_before(self, preference):
        """TPROXY's rule comes before that one, or is gone for a moment."""
        def comes_before():
            ours = self.preference("-4", "fwmark")
            return ours is not None and ours < preference

        self.wait(comes_before, AGAIN_S, lambda: f"ours go before it: {self.rules('-4')}")

    def interception(self):
        return self.aggd.status()["sessions"][0]["interception"]

    def lines(self, what):
        return self.aggd.read("gw.log").count(what)

    def setUp(self):
        self.wait_in_force()
        self.wait_in_place()
        self.whole = self.settled_state()
        self.wait(lambda: self.interception() == {"state": "in force", "why": None}, AGAIN_S,
                  self.interception)

    def tearDown(self):
        self.wait_whole("at the end")
        self.wait_in_force()
        self.assertEqual((self.who(SRV4), self.who(SRV6)), (VPS_SEEN4, VPS_SEEN6))

    def wait_in_place(self):
        self.wait(lambda: self.preference("-4", "fwmark") == PREFERENCE, AGAIN_S,
                  "TPROXY's rule is in its place")

    def wait_in_force(self):
        self.wait(lambda: self.interception()["state"] == "in force", AGAIN_S,
                  lambda: self.interception())

    def wait_whole(self, what):
        start = time.monotonic()
        self.wait(lambda: self.state() == self.whole, AGAIN_S,
                  lambda: f"{what}: all is there again: {set(self.whole) ^ set(self.state())}")
        return time.monotonic() - start

    def remove_rules(self, family, what=""):
        doomed = [rule.partition(":")[0] for rule in self.rules(family) if what in rule]
        self.lab.gw.run(["ip", family, "-force", "-batch", "-"], check=False,
                        stdin="".join(f"rule del pref {pref}\n" for pref in doomed))

    # -- what is removed is put again, and said once

    def test_a_rule_is_removed(self):
        for family in FAMILIES:
            said = self.lines("put again")
            self.removals = 0
            self.wait(lambda family=family, said=said: self.is_removal_said(family, said), SAID_S,
                      "it is said")
            self.assertLessEqual(self.lines("put again"), said + 2 * self.removals)
            self.assertEqual(self.who(SRV4 if family == "-4" else SRV6),
                             VPS_SEEN4 if family == "-4" else VPS_SEEN6)

    def is_removal_said(self, family, said):
        """Ten lines a minute are, and other tests had theirs."""
        self.removals += 1
        self.remove_rules(family, "fwmark")
        self.note = f"again after {self.wait_whole('TPROXY rule'):.1f} s"
        with contextlib.suppress(LabError):
            return self.wait(lambda: self.lines("put again") > said, 1, "")
        return False

    def test_a_manager_drops_all_foreign_rules(self):
        for family in FAMILIES:
            self.remove_rules(family)
        self.wait_whole("all rules")

    def test_tables_are_flushed(self):
        for family in FAMILIES:
            for table in (TPROXY_TABLE, TABLE_BASE, TABLE_BASE + 1):
                self.assertTrue(self.routes(family, table), f"{family} {table}")
                self.ip(family, "route", "flush", "table", str(table))
        self.wait_whole("all tables")

    def test_a_route_is_replaced(self):
        device = self.lab.uplinks[0].device
        self.ip("route", "replace", "default", "dev", device, "table", str(TABLE_BASE))
        self.wait_whole("the uplink's default route")

    def test_the_same_address_comes_back_at_once(self):
        """As a DHCP client does; within two looks at the devices."""
        for i, uplink in enumerate(self.lab.uplinks[:2], 1):
            address = f"10.{10 + i}.0.2/24 dev {uplink.device}"
            self.lab.gw.run(["ip", "-batch", "-"], stdin=f"addr del {address}\n"
                            f"addr add {address}\n"
                            f"route add default via 10.{10 + i}.0.1 metric {100 + i}\n")
        self.wait_whole("the tables")

    def test_somebody_keeps_removing(self):
        """Bounded work and words, and the status tells."""
        said, seen = self.lines("put again"), set()
        flood = self.lab.gw.spawn(["sh", "-c", "while :; do for p in $(ip rule | sed -n "
                                   "'/fwmark.*proto 169/s/:.*//p'); do ip rule del pref $p; "
                                   "done; done"], stderr=subprocess.DEVNULL)
        try:
            start = time.monotonic()
            while ((took := time.monotonic() - start) < FLOOD_S or
                   "broken" not in seen and took < FLOOD_S + SEEN_S):
                seen.add(self.interception()["state"])
                time.sleep(0.02)
        finally:
            self.lab.kill(flood)
        self.assertIn("broken", seen)
        self.assertLessEqual(self.lines("put again") - said, 10)
        self.wait_whole("after the flood")

    def test_ipv6_is_turned_off_and_on(self):
        """No fault while it is off, and whole when it is on again."""
        said = self.lines("routes: ")
        name = "net.ipv6.conf.lo.disable_ipv6"
        self.lab.gw.sysctl({name: "1"})
        self.addCleanup(self.lab.gw.sysctl, {name: "0"})
        time.sleep(1)
        self.wait_calm() # after the pause that other losses may have left
        self.assertFalse(self.routes("-6", TPROXY_TABLE))
        self.assertEqual(self.who(SRV4), VPS_SEEN4)
        self.assertTrue(self.aggd.reload("gw")) # knows no other way
        self.lab.gw.sysctl({name: "0"})
        self.wait(lambda: self.state() == self.whole, LOOK_S, self.state)
        self.assertLessEqual(self.lines("routes: ") - said, 1)

    def wait_calm(self):
        """In force, and so it stays."""
        left = [CALM_LOOKS]

        def calm():
            time.sleep(0.5)
            left[0] = left[0] - 1 if self.interception()["state"] == "in force" else CALM_LOOKS
            return not left[0]

        self.wait(calm, AGAIN_S, lambda: f"it stays in force: {self.interception()}")

    def test_source_check_by_mark(self):
        """src_valid_mark, as wg-quick sets it: the way back is looked for with our mark."""
        self.lab.gw.sysctl({"net.ipv4.conf.all.src_valid_mark": "1",
                            "net.ipv4.conf.lan0.rp_filter": "1"})
        self.addCleanup(self.lab.gw.sysctl, {"net.ipv4.conf.all.src_valid_mark": "0",
                                             "net.ipv4.conf.lan0.rp_filter": "0"})
        self.assertEqual(self.who(), VPS_SEEN4)

    # -- a mark and a preference of one's own

    def test_beside_mwan3(self):
        """It marks LAN packets with bits of its own, and empties 1000 to 3999."""
        self.lab.gw.nft("table inet others { chain prerouting { type filter hook prerouting "
                        "priority -151; iifname lan0 meta mark set 0x100\n}\n}\n")
        self.addCleanup(self.lab.gw.run, ["nft", "delete", "table", "inet", "others"])
        self.ip("route", "replace", "default", "via", "10.11.0.1", "dev",
                self.lab.uplinks[0].device, "table", FOREIGN_TABLE)
        self.addCleanup(self.ip, "route", "flush", "table", FOREIGN_TABLE, check=False)
        self.ip("rule", "add", "pref", "2001", "fwmark", "0x100/0x3f00", "lookup", FOREIGN_TABLE)
        self.addCleanup(self.ip, "rule", "del", "pref", "2001", check=False)
        self.assertEqual(self.who(), VPS_SEEN4)
        for family in FAMILIES:
            for rule in self.rules(family):
                self.assertFalse(1000 <= int(rule.partition(":")[0]) < 4000, rule)

    def test_beside_one_that_sets_the_whole_mark(self):
        """Whichever table was loaded first."""
        self.lab.gw.nft("table inet others { chain prerouting { type filter hook prerouting "
                        "priority mangle; iifname lan0 meta mark set 0x100\n}\n}\n")
        self.addCleanup(self.lab.gw.run, ["nft", "delete", "table", "inet", "others"])
        self.assertEqual(self.who(), VPS_SEEN4)
        self.lab.gw.run(["nft", "delete", "table", "inet", "aggd"])
        self.wait(lambda: self.aggd.is_taking("ip", "ip6"), AGAIN_S, self.aggd.ruleset)
        self.assertEqual(self.who(), VPS_SEEN4)

    def test_options_by_reload(self):
        self.addCleanup(self.aggd.reload, "gw")
        self.addCleanup(setattr, self.aggd, "gateway_options", self.aggd.gateway_options)
        self.aggd.gateway_options = {"mark": "0x40000000", "rule_pref": "4100"}
        with self.flow() as flow:
            self.assertTrue(self.aggd.reload("gw"))
            self.wait(lambda: self.preference("-4", "fwmark 0x40000000/0x40000000") == 4100,
                      AGAIN_S, lambda: f"the rule moves: {self.rules('-4')}")
            self.wait(lambda: "0x40000000" in self.aggd.ruleset(), AGAIN_S, "and the mark")
            self.assertEqual(self.who(), VPS_SEEN4)
            count = flow.count
            self.wait(lambda: flow.count > count, AGAIN_S, "the flow goes on")
        self.aggd.gateway_options = None
        self.assertTrue(self.aggd.reload("gw"))

    # -- rules of others that come before ours

    def foreign(self, *words):
        """Every LAN connection would be led out by an uplink, past the proxy."""
        device = self.lab.uplinks[0].device
        self.ip("route", "replace", "default", "via", "10.11.0.1", "dev", device,
                "table", FOREIGN_TABLE)
        self.addCleanup(self.ip, "route", "flush", "table", FOREIGN_TABLE, check=False)
        self.ip("rule", "add", *words)
        self.addCleanup(self.ip, "rule", "del", *words, check=False)

    def test_rule_without_a_preference(self):
        self.foreign("from", LAN_NETWORK, "lookup", FOREIGN_TABLE)
        self.wait_before(PREFERENCE)
        self.assertEqual(self.who(), VPS_SEEN4)
        self.wait_whole("and no double is left")
        self.ip("rule", "del", "from", LAN_NETWORK, "lookup", FOREIGN_TABLE)
        self.wait_in_place()

    def test_refusing_rule_before_ours(self):
        self.foreign("from", "all", "iif", "lan0", "pref", "50", "prohibit")
        self.wait_before(50)
        self.assertEqual(self.who(), VPS_SEEN4)

    def test_rule_that_ours_cannot_come_before_is_named(self):
        self.foreign("from", "all", "iif", "lan0", "pref", "0", "lookup", FOREIGN_TABLE)
        self.wait(lambda: self.interception()["state"] == "broken" and
                  "rule 0 (" in self.interception()["why"], AGAIN_S, self.interception)
        self.wait(lambda: "interception: broken: rule 0 (" in self.aggd.ctl("gw", "status").stdout,
                  AGAIN_S, "the status says so")
        self.ip("rule", "del", "pref", "0", "lookup", FOREIGN_TABLE)

    def test_rule_that_leaves_no_room(self):
        self.foreign("from", "all", "iif", "lan0", "pref", "1", "lookup", FOREIGN_TABLE)
        self.wait(lambda: self.preference("-4", "fwmark") == 0, AGAIN_S, "ours go before it")
        self.wait_whole("all are there")
        self.assertEqual(self.who(), VPS_SEEN4)


class OneLink(AggdTest):
    """Two uplinks in one network answer ARP each for its own address alone."""
    scenario = "fast"

    def arp(self, device):
        return tuple(int(self.lab.gw.run(["sysctl", "-n", f"net.ipv4.conf.{device}.{name}"]).stdout)
                     for name in ("arp_ignore", "arp_announce"))

    def wait_arp(self, *values):
        for uplink in self.lab.uplinks[:2]:
            self.wait(lambda: self.arp(uplink.device) == values, AGAIN_S,
                      lambda: f"{uplink.device}: {self.arp(uplink.device)}")

    def share(self, verb):
        self.lab.gw.ip(f"addr {verb} 10.11.0.77/24 dev {self.lab.uplinks[1].device}")

    def test_set_while_they_share(self):
        self.wait_arp(0, 0)
        self.share("add")
        self.wait_arp(1, 2)
        self.share("del")
        self.wait_arp(0, 0)

    def test_set_again_after_others(self):
        """As by `sysctl --system`, of which nobody hears."""
        self.share("add")
        self.wait_arp(1, 2)
        device = self.lab.uplinks[1].device
        self.lab.gw.sysctl({f"net.ipv4.conf.{device}.{name}": "0"
                            for name in ("arp_ignore", "arp_announce")})
        self.wait(lambda: self.arp(device) == (1, 2), LOOK_S, "they are set again")
        self.share("del")
        self.wait_arp(0, 0)

    def test_two_with_one_address(self):
        """As two modems of one make give out; the rule that they share stays."""
        first, device = (u.device for u in self.lab.uplinks[:2])

        def rules(what):
            found = self.lab.gw.run(["ip", "-N", "rule"]).stdout.splitlines()
            return [line for line in found if what in line]

        lost = f"routes: {first} "  # of the second's something may be missed as it goes
        said = self.aggd.read("gw.log").count(lost)
        self.lab.gw.ip(f"addr del 10.12.0.2/24 dev {device}", f"addr add 10.11.0.2/24 dev {device}",
                       f"route add default via 10.11.0.1 dev {device} metric 102")
        self.wait(lambda: len(rules("from 10.11.0.2 ")) == 3, AGAIN_S, lambda: rules("from"))
        self.lab.gw.ip(f"addr del 10.11.0.2/24 dev {device}", f"addr add 10.12.0.2/24 dev {device}",
                       f"route add default via 10.12.0.1 dev {device} metric 102")
        self.wait(lambda: rules("from 10.12.0.2 ") and len(rules("from 10.11.0.2 ")) == 2,
                  AGAIN_S, lambda: rules("from"))
        self.assertEqual(self.aggd.read("gw.log").count(lost), said)
        self.wait_arp(0, 0)

    def test_set_back_after_a_crash(self):
        self.share("add")
        self.addCleanup(self.share, "del")
        self.wait_arp(1, 2)
        self.aggd.gw_process.kill()
        self.aggd.gw_process.wait()
        self.wait_arp(1, 2)
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.wait_arp(1, 2)
        self.assertEqual(self.aggd.stop_one("gw"), 0)
        self.wait_arp(0, 0)
        self.aggd.start_gateway()
        self.aggd.wait_ready()


class RpFilter(AggdTest):
    """The kernel drops what comes by another way than it would send back by."""
    scenario = "fast"
    options = {"endpoints": (VPS4,)}

    @classmethod
    def prepare(cls):
        cls.lab.gw.sysctl({f"net.ipv4.conf.{uplink.device}.rp_filter": "1"
                           for uplink in cls.lab.uplinks})

    def test_the_second_uplink_works(self):
        """Both are up already, or the pair had not started."""
        with self.flow():
            for uplink in self.lab.uplinks[:2]:
                self.wait_used(uplink.name)

    def test_what_we_cannot_help_is_named(self):
        first, second = self.lab.uplinks[:2]
        self.lab.gw.ip(f"route add {VPS4}/32 via 10.11.0.1 dev {first.device}")
        self.lab.gw.ip(f"link set {second.device} down")
        self.wait_state(second.name, "down", AGAIN_S)
        self.lab.gw.ip(f"link set {second.device} up",
                       f"route add default via 10.12.0.1 dev {second.device} metric 102")
        def why():
            return self.aggd.uplinks()[second.name]["why"] or ""

        self.wait(lambda: all(words in why() for words in ("rp_filter=1",
                                                           f"leads by {first.device}")),
                  CONNECTED_S, why)
        self.lab.gw.ip(f"route del {VPS4}/32 via 10.11.0.1 dev {first.device}")
        self.wait_state(second.name, "up", CONNECTED_S)


if __name__ == "__main__":
    unittest.main()
