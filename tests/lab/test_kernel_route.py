#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Our policy routes: sockets bound to an uplink get out by it, whatever the
main table says, and nothing is left behind.

    gw  wan1 10.1.0.2 ---- 10.1.0.1 up1  isp  (198.51.100.10 and
        wan2 10.2.0.2 ---- 10.2.0.1 up2        2001:db8:aa::10 on lo)
"""
import json
import socket
import threading
import unittest

from kernel_ns import TOOL, KernelTest

SERVER4, SERVER6 = "198.51.100.10", "2001:db8:aa::10"
PORT = 8080


def accept_all(server):
    while True:
        server.accept()[0].close()


def connect(gw, device, server, source="-"):
    """The address that a bound socket got out with, or the error."""
    server = f"[{server}]" if ":" in server else server
    return gw.once("connect", device, source, f"{server}:{PORT}").stdout.strip()


def state(gw):
    """All routes and rules but the kernel's own, which come and go."""
    result = []
    for family in ("-4", "-6"):
        for what in (("route", "show", "table", "all"), ("rule",)):
            result += [l for l in gw.run("ip", "-d", family, *what).stdout.splitlines()
                       if "proto kernel" not in l or "rule" in what]
    return sorted(result)


def ours(gw):
    return [l for l in state(gw) if "proto 169" in l]


class RouteTest(KernelTest):
    SPACES = ("gw", "isp")

    def setUp(self):
        super().setUp()
        gw, isp = self.gw, self.isp
        for i in (1, 2):
            gw.ip(f"link add wan{i} type veth peer name up{i} netns {isp.name}",
                  f"link set wan{i} up", f"addr add 10.{i}.0.2/24 dev wan{i}",
                  f"-6 addr add 2001:db8:{i}::2/64 dev wan{i} nodad")
            isp.ip(f"link set up{i} up", f"addr add 10.{i}.0.1/24 dev up{i}",
                   f"addr add 10.{i}.0.9/24 dev up{i}",
                   f"-6 addr add 2001:db8:{i}::1/64 dev up{i} nodad",
                   f"-6 addr add fe80::{i}/64 dev up{i} nodad")
        # Linux takes an unrouted destination of a bound IPv4 socket for a neighbour:
        # so let nobody answer for the server's address on the link.
        isp.sysctl(ipv4__conf__all__arp_ignore=1)
        isp.ip(f"addr add {SERVER4}/32 dev lo", f"-6 addr add {SERVER6}/128 dev lo nodad")
        with isp.entered():
            server = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=accept_all, args=(server,), daemon=True).start()

    def uplink(self, *words):
        result = self.gw.once("route", "uplink", *words)
        self.check(f"uplink {' '.join(map(str, words))}", result.returncode == 0, result.stderr)

    def both_uplinks(self):
        """IPv4 and IPv6, by each kind of gateway, with and without a source."""
        self.uplink(0, "wan1", 4, "10.1.0.1", "10.1.0.2", "10.1.0.0/24")
        self.uplink(1, "wan2", 4, "10.2.0.1", "-", "10.2.0.0/24")
        self.uplink(0, "wan1", 6, "fe80::1", "2001:db8:1::2", "2001:db8:1::/64")
        self.uplink(1, "wan2", 6, "2001:db8:2::1", "-")

    def test_no_default(self):
        gw = self.gw
        for device in ("wan1", "wan2"):
            got = connect(gw, device, SERVER4)
            self.check(f"without routes {device} leads nowhere", not got.startswith("10."), got)
        self.both_uplinks()
        for i in (1, 2):
            self.check(f"wan{i} IPv4", connect(gw, f"wan{i}", SERVER4) == f"10.{i}.0.2",
                       connect(gw, f"wan{i}", SERVER4))
            self.check(f"wan{i} IPv6", connect(gw, f"wan{i}", SERVER6) == f"2001:db8:{i}::2",
                       connect(gw, f"wan{i}", SERVER6))
            self.check(f"wan{i} IPv4, source given",
                       connect(gw, f"wan{i}", SERVER4, f"10.{i}.0.2") == f"10.{i}.0.2")
            self.check(f"wan{i} to its own network",
                       connect(gw, f"wan{i}", f"10.{i}.0.9") == f"10.{i}.0.2")
        self.check("who is not bound is not led by us", "unreachable" in connect(gw, "-", SERVER4))

    def test_main_table(self):
        gw = self.gw
        self.both_uplinks()
        gw.ip("route add default via 10.1.0.1 metric 10",
              "route add default via 10.2.0.1 metric 20")
        self.check("several defaults: wan2, though wan1 is better",
                   connect(gw, "wan2", SERVER4) == "10.2.0.2")
        gw.ip("route del default metric 10", "route del default metric 20",
              "route add unreachable default metric 1")
        self.check("an unreachable default in main does not stop us",
                   connect(gw, "wan1", SERVER4) == "10.1.0.2")

    def test_in_place(self):
        gw = self.gw
        self.both_uplinks()
        before = ours(gw)
        self.uplink(0, "wan1", 4, "10.1.0.1", "10.1.0.2", "10.1.0.0/24")
        self.uplink(0, "wan1", 6, "fe80::1", "2001:db8:1::2", "2001:db8:1::/64")
        self.check("asking again changes nothing", ours(gw) == before, ours(gw))
        self.uplink(0, "wan1", 4, "10.1.0.9", "-", "10.1.0.0/25", "10.1.0.128/25")
        routes = [l for l in ours(gw) if "table 1634140160" in l and "unicast" in l and
                  "2001" not in l and "fe80" not in l]
        self.check("a new gateway takes the old one's place",
                   sum("default via 10.1.0.9" in l for l in routes) == 1 and
                   not any("10.1.0.1 " in l for l in routes), routes)
        self.check("networks no longer told are gone", len(routes) == 3 and
                   not any("10.1.0.0/24" in l for l in routes), routes)
        self.check("and the new gateway is used", connect(gw, "wan1", SERVER4) == "10.1.0.2")
        self.uplink(1, "wan1", 4, "10.1.0.1", "-")
        self.check("an uplink's index may go to another device",
                   connect(gw, "wan1", SERVER4) == "10.1.0.2" and
                   not connect(gw, "wan2", SERVER4).startswith("10."))
        self.uplink(1, "wan2", 4, "10.2.0.1", "-")
        self.uplink(5, "wan2", 4, "-", "-")
        self.check("point to point: no gateway",
                   any(l.startswith("unicast default dev wan2") for l in ours(gw)), ours(gw))
        self.uplink(5, "wan2", 4, "fe80::2", "-")
        self.check("an IPv4 route by an IPv6 gateway",
                   any("via inet6 fe80::2" in l for l in ours(gw)), ours(gw))

    def test_errors(self):
        gw = self.gw
        for words, what in ((("9", "nodev", "4", "10.9.0.1", "-"), "No such device"),
                            (("9", "wan1", "4", "224.0.0.1", "-"), "invalid gateway"),
                            (("64", "wan1", "4", "10.1.0.1", "-"), "Invalid argument")):
            result = gw.once("route", "uplink", *words)
            self.check(f"refused in words: {what}",
                       result.returncode and what in result.stderr, result.stderr)
        gw.ip("link add ghost type veth peer name ghostpeer")
        result = gw.once("route", "uplink", 9, "ghost", 4, "10.9.0.1", "-")
        self.check("a device that is down is named so",
                   result.returncode and "down" in result.stderr.lower(), result.stderr)
        result = gw.run("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all",
                        "sh", "-c", '"$0" route tproxy 1', TOOL)
        self.check("without privilege it is said", "not permitted" in result.stderr, result.stderr)

    def test_clear(self):
        gw = self.gw
        self.both_uplinks()
        self.uplink(5, "wan2", 4, "-", "-")
        for index in (0, 1, 5):
            self.check(f"clear {index}", gw.once("route", "clear", index, 4).returncode == 0)
        self.check("IPv4's are gone, IPv6's stay",
                   not [l for l in ours(gw) if "10." in l] and
                   len([l for l in ours(gw) if "oif" in l]) == 2, ours(gw))
        self.check("what is not there is cleared too",
                   gw.once("route", "clear", 7, 6).returncode == 0)

    def test_tproxy(self):
        gw = self.gw
        self.check("tproxy", gw.once("route", "tproxy", "0x6167").returncode == 0)
        self.check("tproxy again", gw.once("route", "tproxy", "0x6167").returncode == 0)
        mine = [l for l in ours(gw) if "1634205695" in l]
        self.check("a rule and a route for each family, once", len(mine) == 4, mine)
        for family, address in (("-4", SERVER4), ("-6", SERVER6)):
            out = gw.run("ip", family, "-j", "route", "get", address, "mark", "0x6167").stdout
            self.check(f"{family} marked is local", json.loads(out)[0].get("type") == "local", out)
        self.check("a new mark", gw.once("route", "tproxy", "0x99").returncode == 0)
        mine = [l for l in ours(gw) if "fwmark" in l]
        self.check("takes the old one's place",
                   len(mine) == 2 and all("0x99" in l for l in mine), mine)
        self.check("cleartproxy", gw.once("route", "cleartproxy").returncode == 0)
        self.check("leaves none of it", not [l for l in ours(gw) if "1634205695" in l])

    def test_without_ipv6(self):
        gw = self.gw
        gw.sysctl(ipv6__conf__all__disable_ipv6=1)
        result = gw.once("route", "tproxy", "0x1000000")
        self.check("a host without IPv6 gets IPv4's", result.returncode == 0, result.stderr)
        self.check("rule and route are there", len([l for l in ours(gw) if "1634205695" in l]) == 2,
                   ours(gw))

    def test_cleanup(self):
        gw = self.gw
        gw.ip("route add 192.0.2.0/24 via 10.1.0.1", "rule add fwmark 5 lookup 100 priority 500",
              "-6 rule add oif wan1 lookup 100 priority 1691",
              "route add default via 10.1.0.1 table 100",
              "route add default via 10.1.0.1 table 1634140160 metric 77 proto static")
        before = state(gw)
        self.both_uplinks()
        gw.once("route", "tproxy", "0x6167")
        self.check("there is something to clean", len(ours(gw)) > 6)
        self.check("cleanup", gw.once("route", "cleanup").returncode == 0)
        self.check("leaves all as it was, the person's routes too", state(gw) == before,
                   f"{state(gw)} {before}")
        self.check("cleanup of nothing", gw.once("route", "cleanup").returncode == 0)


if __name__ == "__main__":
    unittest.main()
