#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""netmon against a real kernel: what happens to a device is told, and what
the kernel does not tell is found out.

    gw  wan1 ---- up1  isp
        wan2 ---- up2
"""
import json
import random
import subprocess
import time
import unittest

from kernel_ns import TOOL, KernelTest, Tool, eventually


def device(monitor, name):
    """The line about a device in the present state."""
    return next((l for l in monitor.ask("dump") if l.startswith(name + " ")), "")


def stats(monitor):
    line = monitor.ask("stats")[0]
    return {key: int(value) for key, value in (w.split("=") for w in line.split()[1:])}


def addresses(gw, name):
    """What `ip` sees."""
    out = subprocess.run(["ip", "-n", gw.name, "-j", "-4", "addr", "show", "dev", name],
                         capture_output=True, text=True, check=True).stdout
    return {f"{a['local']}/{a['prefixlen']}" for a in json.loads(out)[0]["addr_info"]}


TRIES = 5
FLOOD = 2500  # changes, more than a socket has room for
ROUTES = 30000
TURNS = 5  # of the loop, at least, for an answer with so many


class NetmonTest(KernelTest):
    SPACES = ("gw", "isp")

    def setUp(self):
        super().setUp()
        for i in (1, 2):
            self.gw.ip(f"link add wan{i} type veth peer name up{i} netns {self.isp.name}",
                       f"link set wan{i} addrgenmode none")
            self.isp.ip(f"link set up{i} up")
        self.monitor = self.gw.tool("netmon")
        self.addCleanup(self.monitor.close)
        self.check("starts", self.monitor.expect("ready"))
        self.check("knows what is there at start", "down" in device(self.monitor, "wan1"))

    def bring_up(self, name, address, *more):
        """As an uplink of a quiet moment is."""
        self.gw.ip(f"link set {name} up", f"addr add {address}/24 dev {name}", *more)
        self.check(f"{name} has {address}", eventually(
            lambda: f"up+carrier v4={address} " in device(self.monitor, name)))

    def test_device(self):
        gw, monitor = self.gw, self.monitor
        gw.ip("link set wan1 up")
        self.check("a device that is set up is told", monitor.expect(r"^wan1 up\+carrier"))
        gw.ip("link add ghost type veth peer name ghostpeer")
        self.check("a device that appears is told", monitor.expect("^ghost down"))
        gw.ip("link set ghost name spook")
        self.check("a renamed one goes by its old name", monitor.expect("^ghost gone"))
        self.check("and comes by its new", monitor.expect("^spook "))
        gw.ip("link del spook")
        self.check("one that is removed is told", monitor.expect("^spook gone"))
        self.check("and no longer there", not device(monitor, "spook"))

    def test_addresses(self):
        gw, monitor = self.gw, self.monitor
        gw.ip("link set wan1 up", "addr add 10.1.0.2/24 dev wan1")
        self.check("an address is told, and its network",
                   monitor.expect(r"^wan1 .*v4=10.1.0.2 .*net=10.1.0.0/24"))
        gw.ip("addr add 10.7.0.2/24 dev wan1", "addr del 10.1.0.2/24 dev wan1")
        self.check("a renumbered device has the new one alone",
                   monitor.expect(r"^wan1 .*v4=10.7.0.2 .*net=10.7.0.0/24 "))
        gw.ip("addr add 10.1.0.2/24 dev wan1", "addr del 10.7.0.2/24 dev wan1")
        monitor.expect(r"v4=10.1.0.2 ")

        # With peer up and DAD on, a fresh address is tentative for a second, which
        # who stands still for so long does not see.
        for _ in range(TRIES):
            gw.ip("-6 addr add 2001:db8:1::2/64 dev wan1")
            line = monitor.expect(r"2001:db8:1::/64")
            if line and "v6= " in line:
                break
            gw.ip("-6 addr del 2001:db8:1::2/64 dev wan1")
            monitor.expect(r"^wan1 .*v6= ")
        self.check("a tentative IPv6 address is no source yet", line and "v6= " in line, line)
        self.check("it is when it has been verified", monitor.expect(r"v6=2001:db8:1::2 "))
        gw.ip("-6 addr change 2001:db8:1::2/64 dev wan1 preferred_lft 0")
        gw.ip("-6 addr add 2001:db8:1::9/64 dev wan1 nodad")
        self.check("a deprecated one is the last",
                   monitor.expect(r"v6=2001:db8:1::9,2001:db8:1::2 "))
        gw.ip("-6 addr del 2001:db8:1::9/64 dev wan1")
        self.check("and used where it is the only one", monitor.expect(r"v6=2001:db8:1::2 "))
        gw.ip("-6 addr change 2001:db8:1::2/64 dev wan1 preferred_lft forever")
        gw.ip("-6 addr add fe80::77/64 dev wan1 nodad")
        self.check("link-local addresses are never told",
                   not monitor.quiet() and "fe80" not in device(monitor, "wan1"))

        for address, local in (("10.1.0.2", 1), ("127.8.8.8", 1), ("10.1.0.3", 0),
                               ("2001:db8:1::2", 1), ("::1", 1), ("198.51.100.1", 0)):
            self.check(f"{address} is {'' if local else 'not '}the host's",
                       monitor.ask(f"local {address}") == [f"local {local}"])

    def test_routes(self):
        gw, monitor = self.gw, self.monitor
        self.bring_up("wan1", "10.1.0.2", "-6 addr add 2001:db8:1::2/64 dev wan1 nodad")
        gw.ip("route add default via 10.1.0.1 metric 100")
        self.check("a default route is told, and makes the device ready",
                   monitor.expect(r"v4gw=10.1.0.1 metric=100 .*ready=1"))
        gw.ip("route add default via 10.1.0.9 metric 50")
        self.check("a better one takes over", monitor.expect("v4gw=10.1.0.9 metric=50"))
        gw.ip("route change default via 10.1.0.8 metric 50")
        self.check("a replaced gateway is told", monitor.expect("v4gw=10.1.0.8 metric=50"))
        gw.ip("route del default via 10.1.0.8 metric 50")
        self.check("without it the other is back", monitor.expect("v4gw=10.1.0.1 metric=100"))
        gw.ip("route del default via 10.1.0.1 metric 100")
        self.check("the last one gone is told", monitor.expect(r"v4=10.1.0.2 v6.*ready=0"))
        gw.ip("route add default via 10.1.0.1 table 1001")
        self.check("one in a table of DHCP's only is found",
                   monitor.expect("v4gw=10.1.0.1 metric=0 table=1001 .*ready=1"))
        gw.ip("-6 route add default via fe80::1 dev wan1")
        self.check("IPv6 by a link-local gateway", monitor.expect("v6gw=fe80::1 .*ready=11"))
        gw.once("route", "uplink", 0, "wan1", 4, "10.1.0.77", "-")
        self.check("our own routes are no uplink's",
                   not monitor.quiet() and "10.1.0.77" not in device(monitor, "wan1"))

    def test_many_routes(self):
        """A router's table is read in parts, between which the loop turns."""
        gw, monitor = self.gw, self.monitor
        self.bring_up("wan1", "10.1.0.2")
        gw.batch(f"route add 172.{16 + i // 65536}.{i // 256 % 256}.{i % 256} via 10.1.0.1"
                 for i in range(ROUTES))
        before = stats(monitor)
        gw.ip("route add default via 10.1.0.1 metric 100")
        told = monitor.expect(r"v4gw=10.1.0.1 metric=100 .*ready=1")
        after = stats(monitor)
        self.check("a default route is told beside many others", told,
                   f"{before}, {after}, {device(monitor, 'wan1')}")
        dumps, turns = (after[key] - before[key] for key in ("dumps", "turns"))
        self.check("an answer took many turns", turns >= TURNS * dumps, f"{turns} of {dumps}")

    def test_multipath(self):
        gw, isp, monitor = self.gw, self.isp, self.monitor
        self.bring_up("wan1", "10.1.0.2")
        self.bring_up("wan2", "10.2.0.2")
        gw.ip("route add default metric 7 nexthop via 10.1.0.1 dev wan1 "
              "nexthop via 10.2.0.1 dev wan2")
        for i in (1, 2):
            self.check(f"a multipath route is wan{i}'s", eventually(
                lambda: f"v4gw=10.{i}.0.1 metric=7 table=254 hops=2" in device(monitor, f"wan{i}")))
        isp.ip("link set up2 down")
        self.check("a nexthop without carrier is none", monitor.expect(r"^wan2 up v4=10.2.0.2 v6="))

    def test_silent(self):
        """What the kernel does without a word about the routes."""
        gw, isp, monitor = self.gw, self.isp, self.monitor
        self.bring_up("wan1", "10.1.0.2", "route add default via 10.1.0.1 metric 100")
        isp.ip("link set up1 down")
        self.check("carrier lost is told at once", monitor.expect(r"^wan1 up v4.*ready=00"))
        isp.ip("link set up1 up")
        self.check("and back", monitor.expect(r"^wan1 up\+carrier .*ready=1"))
        gw.ip("link set wan1 down")
        self.check("routes that went with the device are gone",
                   monitor.expect(r"^wan1 down v4=10.1.0.2 v6= net"), device(monitor, "wan1"))
        gw.ip("link set wan1 up", "route add default via 10.1.0.1 metric 100 src 10.1.0.2")
        self.check("and found when they are back",
                   monitor.expect(r"^wan1 up\+carrier v4=10.1.0.2 v4gw=10.1.0.1"))
        gw.ip("addr add 10.5.0.2/24 dev wan1", "addr del 10.1.0.2/24 dev wan1")
        self.check("routes that went with an address are gone",
                   monitor.expect(r"^wan1 up\+carrier v4=10.5.0.2 v6"))

    def test_calm(self):
        gw, monitor = self.gw, self.monitor
        self.bring_up("wan1", "10.1.0.2")
        while monitor.quiet():
            pass
        before = stats(monitor)
        gw.ip("link set wan1 alias modem", "addr change 10.1.0.2/24 dev wan1",
              "route add 203.0.113.0/24 dev wan1 table 100", "route del 203.0.113.0/24 table 100")
        self.check("what changes nothing for us is not told", not monitor.quiet())
        self.check("and not asked for", stats(monitor)["dumps"] == before["dumps"])
        for verb in ("add", "del"):
            gw.ip(f"route {verb} 203.0.113.0/24 dev wan1")
            self.check("a network that is routed is told", monitor.expect("^wan1 "))

        with monitor.stopped():  # the loop does not turn meanwhile
            gw.batch(f"addr add 10.60.0.{i}/32 dev wan1" for i in range(1, 31))
        lines = [monitor.expect("^wan1 ")] + monitor.quiet()
        self.check("30 changes in one turn are one callback",
                   len([l for l in lines if l.startswith("wan1")]) == 1, lines)
        self.check("none was malformed", stats(monitor)["malformed"] == 0)

    def test_overrun(self):
        gw = self.gw
        self.bring_up("wan2", "10.2.0.2")
        with gw.tool("netmon", 4096) as monitor:
            monitor.expect("ready")
            for rnd in (1, 2):
                with monitor.stopped():
                    gw.batch([f"addr {verb} 10.70.{i // 250}.{i % 250}/32 dev wan2"
                              for verb in ("add", "del") for i in range(1500)] +
                             [f"addr add 10.80.{rnd}.1/24 dev wan2",
                              f"route replace default via 10.80.{rnd}.254 metric {rnd}"])
                self.check(f"flood {rnd}: the truth is told", monitor.expect(
                    rf"^wan2 .*v4gw=10.80.1.254 metric=1 .*net=.*10.80.{rnd}.0/24"))
                self.check(f"flood {rnd}: the socket was overrun",
                           stats(monitor)["overruns"] >= rnd, stats(monitor))
            truth = {a.rsplit(".", 1)[0] + ".0/24" for a in addresses(gw, "wan2")}
            self.check("every network, and no other, is known afterwards", eventually(
                lambda: self.networks(monitor) == truth), f"{self.networks(monitor)} {truth}")
            gw.ip("addr add 10.90.0.1/24 dev wan2")
            self.check("and it goes on", monitor.expect("10.90.0.0/24"))

    @staticmethod
    def networks(monitor):
        return set(device(monitor, "wan2").partition("net=")[2].split()[0].split(","))

    def test_lost_while_read(self):
        """The kernel loses what happens until all is read that waited when it had no
        room: also what an answer asked for in between had passed already."""
        gw, monitor = self.gw, self.monitor
        self.bring_up("wan1", "10.1.0.2")
        gw.batch(f"route add 172.{16 + i // 65536}.{i // 256 % 256}.{i % 256} via 10.1.0.1"
                 for i in range(ROUTES))
        before = stats(monitor)["overruns"]
        for i in range(1, TRIES + 1):
            with subprocess.Popen(["ip", "-n", gw.name, "-batch", "-"], stdin=subprocess.PIPE,
                                  text=True) as late:
                with monitor.stopped():
                    gw.batch(f"route {verb} 172.30.{n // 250}.{n % 250} via 10.1.0.1"
                             for verb in ("add", "del") for n in range(FLOOD))
                time.sleep(random.uniform(0, 0.02))
                late.stdin.write(f"route replace default via 10.1.0.{i + 100}\n")
                late.stdin.close()
            self.check(f"change {i} is known", monitor.expect(f"v4gw=10.1.0.{i + 100} "),
                       device(monitor, "wan1"))
        after = stats(monitor)["overruns"]
        self.check("there was no room", after > before, f"{before}, {after}")

    def test_no_descriptor(self):
        """Asking takes a socket of its own: where there is none it is tried
        again, said once, and found out in the end."""
        with Tool(self.gw.argv(["sh", "-c", f"exec {TOOL} netmon 2>&1"])) as monitor:
            self.check("starts", monitor.expect("ready"))
            limit = ["prlimit", "--pid", str(monitor.process.pid)]
            subprocess.run(limit + ["--nofile=3:1024"], check=True)
            self.gw.ip("link set wan1 up", "addr add 10.1.0.2/24 dev wan1")
            lines = [monitor.expect("netmon: .*Too many open files")]
            for _ in range(6):
                time.sleep(0.25)
                lines += monitor.quiet()
            self.check("it is said once", len(lines) == 1 and lines[0], lines)
            subprocess.run(limit + ["--nofile=1024:1024"], check=True)
            self.check("what happened is told at last", monitor.expect("v4=10.1.0.2 "))


if __name__ == "__main__":
    unittest.main()
