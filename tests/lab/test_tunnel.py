#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The packet tunnel: what is not TCP goes through it, both families, over all uplinks.

    lan (no configuration) -- gw [agg-tun] ==S1== isp -- vps [agg-home, NAT] -- srv
    192.168.100.10                                 |     198.51.100.1
    2001:db8:100::10                               |     2001:db8:aa::1
                                                   |
    lan2 -- gw2 (a second site, with the same LAN) +
"""
import contextlib
import os
import random
import re
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import quic  # noqa: E402
from aggd import UPLINK, options, wait_until  # noqa: E402
from case import DIRECT4, VPS_SEEN4, VPS_SEEN6, WWW, AggdTest  # noqa: E402
from lab import LAN4, METRIC_FIRST, SRV4, SRV6, SYSCTLS, VPS4, Node, ip_host  # noqa: E402

SEEN = {4: VPS_SEEN4, 6: VPS_SEEN6}
SRV = {4: SRV4, 6: SRV6}
ECHO_PORT = 9
ECHO_BYTES = 70    # of a datagram, at least
CUTS_MAX = 4
CALL_ECHOES = 75
DOUBLED_ECHOES = 40
SOON_S = 20
REMOVED = "somebody removed or renamed it"
FALSE = ("192.168.55.1", VPS4, "127.0.0.1", "100.64.0.1", "224.0.0.1")
BEHIND4, BEHIND4_NET = "192.168.50.5", "192.168.50.0/24"
LOOKS_S = 2        # ten looks, of some seconds each
OTHER4, CARD = "192.168.100.11", "02:00:00:00:00:07"
BUSY_MBIT = 2
PARTS_S = 3        # fifteen looks
MARKS_MAX = 40     # of half a second: what waits too long is dropped
QUIC_BYTES = 4 << 20
QUIC_TIMEOUT_S = 60
ECHO = """
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data[:8] + peer[0].removeprefix("::ffff:").encode(), peer)
"""


def udp(node, family=4, kind=socket.SOCK_DGRAM, protocol=0):
    with node.inside():
        sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind, protocol)
    sock.settimeout(2)
    return sock


def seen_by_srv(node, family=4, sock=None, patience=2):
    """How srv sees this host's datagrams; None: no answer."""
    with contextlib.suppress(OSError), \
            contextlib.nullcontext(sock) if sock else udp(node, family) as s:
        s.settimeout(patience)
        s.sendto(os.urandom(8), (SRV[family], ECHO_PORT))
        return s.recv(2000)[8:].decode()
    return None


class TunnelTest(AggdTest):
    scenario = "S1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.srv.spawn(["python3", "-c", ECHO])
        cls.wait_up()

    @classmethod
    def wait_up(cls, node=None):
        wait_until(lambda: seen_by_srv(node or cls.lab.lan) == VPS_SEEN4,
                   SOON_S * cls.aggd.patience,
                   lambda: "the tunnel carries: " + cls.aggd.log("gw") + cls.aggd.log("vps"))

    def tunnel(self, role):
        """What its status says."""
        return self.aggd.status(role=role)["sessions"][0]["tunnel"]

    def pings(self, *words, node=None):
        """How many of its packets were answered."""
        out = (node or self.lab.lan).run(["ping", "-n", "-W", "2", *words], check=False).stdout
        return out.count(" bytes from ")

    def wait_pings(self, count, *words, node=None):
        """So many are sent and all answered: if not, once more, as what waits too
        long for a machine that stands still is dropped."""
        self.wait(lambda: self.pings("-c", count, *words, node=node) == count, LOOKS_S,
                  lambda: f"{count} pings of {words}: " + self.aggd.log("gw"))

    def wait_seen(self, who, what, node=None, family=4, sock=None):
        self.wait(lambda: seen_by_srv(node or self.lab.lan, family, sock, 0.5) in who, SOON_S,
                  lambda: f"{what}: " + self.aggd.log("gw") + self.aggd.log("vps"))


class Tunnel(TunnelTest):
    @classmethod
    def prepare(cls):
        cls.start_dns()

    def test_ping_and_echo_of_both_families(self):
        for family in (4, 6):
            self.wait_pings(5, "-i", "0.2", SRV[family])
            self.wait_seen([SEEN[family]], "an echo", family=family)

    def test_the_gateway_itself(self):
        """It has an address inside of each family, which is translated."""
        for address in (SRV4, SRV6):
            self.wait_pings(3, "-i", "0.2", "-I", "agg-tun", address, node=self.lab.gw)

    def test_names(self):
        out = self.lab.lan.run(["dig", "+time=2", "+tries=8", "+short", f"@{SRV4}", WWW, "A", WWW,
                                "AAAA"])
        self.assertEqual(out.stdout.split(), [SRV4, SRV6])

    def test_large_packets(self):
        """Those that do not fit are told, or are cut, and come whole."""
        self.wait_pings(3, "-i", "0.2", "-s", "4000", SRV4)
        # The first two are told to both hosts to be too big.
        self.assertLessEqual(self.pings("-c", "5", "-i", "0.5", "-s", "4000", SRV6), 3)
        self.wait_pings(3, "-i", "0.5", "-s", "4000", SRV6)

        def told():
            out = self.lab.lan.run(["ping", "-n", "-c", "2", "-W", "2", "-M", "do", "-s", "1460",
                                    SRV4], check=False)
            return "Frag" in out.stdout + out.stderr or "mtu" in out.stdout + out.stderr

        self.wait(told, LOOKS_S, "the sender is told")

    def test_quic_downloads_arrive_whole(self):
        body = random.Random(1).randbytes(QUIC_BYTES)
        quic.Server(self.lab).put("body", body)
        for family in (4, 6):
            download = quic.Download(self.lab, "body", address=SRV[family])
            download.wait(QUIC_TIMEOUT_S)
            self.assertEqual(download.size(), len(body))
            self.assertTrue(download.data() == body, "other bytes came than were sent")

    def test_who_is_bypassed_goes_directly(self):
        self.aggd.bypass = [SRV4 + "/32"]
        self.assertTrue(self.aggd.reload("gw"))
        self.wait_seen(DIRECT4, "directly")
        self.aggd.bypass = []
        self.assertTrue(self.aggd.reload("gw"))
        self.wait_seen([VPS_SEEN4], "by the tunnel again")

    def test_turned_off_and_on_by_reload(self):
        for value, who in (("0", DIRECT4), ("1", [VPS_SEEN4])):
            self.aggd.lan_options = {"tunnel": value}
            self.assertTrue(self.aggd.reload("gw"))
            self.wait_seen(who, f"option tunnel {value}")
        for value, who in (("0", DIRECT4), ("1", [VPS_SEEN4])):
            self.aggd.concentrator_options = {"tunnel": value}
            self.assertTrue(self.aggd.reload("vps"))
            self.wait_seen(who, f"the concentrator's option tunnel {value}")

    def test_cut_of_one_uplink(self):
        """Echoes go on by the other one, and by the first when it is back."""
        for link in ("dsl", "cable"):
            with udp(self.lab.lan) as sock:
                self.lab.link(link).cut()
                try:
                    self.wait(lambda sock=sock: all(
                        seen_by_srv(self.lab.lan, sock=sock, patience=0.5) == VPS_SEEN4
                        for _ in range(5)), SOON_S, f"five echoes in a row without {link}")
                finally:
                    self.lab.link(link).restore()

    def test_a_redundant_call_bears_a_cut(self):
        """Of either uplink, silently: nothing of it is lost, in both directions."""
        self.aggd.more["gw"] = ("config packets 'realtime'\n\tlist port 'udp/9'\n"
                                "\toption redundant '1'\n")
        self.addCleanup(self.aggd.reload, "gw")
        self.addCleanup(self.aggd.more.clear)
        self.assertTrue(self.aggd.reload("gw"))
        self.wait(self.is_doubled, SOON_S, "echoes go and come on both uplinks")
        for link in ("dsl", "cable"):
            # What is too old is dropped, too: where this machine stands still, once more.
            lost = []
            while not lost or (lost[-1] > 0 and len(lost) < CUTS_MAX):
                lost.append(self.lost_by_a_cut(link))
            self.assertEqual(lost[-1], 0, f"without {link}: {lost}")

    def lost_by_a_cut(self, link):
        self.lab.link(link).cut()
        try:
            return CALL_ECHOES - self.echoes(CALL_ECHOES)
        finally:
            self.lab.link(link).restore()
            self.wait(self.is_doubled, SOON_S, f"echoes on both uplinks after {link} is back")

    def echoes(self, count):
        """How many of a call's packets are answered, 50 a second."""
        with udp(self.lab.lan) as sock:
            for _ in range(count):
                sock.sendto(bytes(8), (SRV4, ECHO_PORT))
                time.sleep(0.02)
            with contextlib.suppress(OSError):
                for got in range(count):
                    sock.recv(100)
                return count
            return got

    def is_doubled(self):
        def carried():
            return [(p["down_bytes"], p["up_bytes"]) for p in self.tunnel("gw")["paths"]]
        before = carried()
        self.echoes(DOUBLED_ECHOES)
        return all(b - a >= DOUBLED_ECHOES * ECHO_BYTES for was, now in zip(before, carried())
                   for a, b in zip(was, now))

    def test_hosts_of_bulk_yield(self):
        """Of two hosts that send more than the uplinks carry."""
        self.lab.lan.ip(f"address add {OTHER4}/24 dev eth0")
        self.addCleanup(self.lab.lan.ip, f"address del {OTHER4}/24 dev eth0")
        for name in ("dsl", "cable"):
            self.lab.link(name).set("up", rate=BUSY_MBIT)
            self.addCleanup(self.lab.link(name).set, "up", rate=20)
        self.addCleanup(self.aggd.reload, "gw")
        self.addCleanup(self.aggd.more.clear)
        self.lab.gw.ip(f"neigh replace {OTHER4} lladdr {CARD} dev lan0 nud permanent")
        self.addCleanup(self.lab.gw.ip, f"neigh del {OTHER4} dev lan0")
        # By its address; by its card.
        for named, hosts in ((LAN4, (LAN4, OTHER4)), (CARD, (OTHER4, LAN4))):
            self.aggd.more["gw"] = f"config class 'bulk'\n\tlist host '{named}'\n"
            self.assertTrue(self.aggd.reload("gw"))
            parts = []
            self.wait(lambda hosts=hosts, parts=parts:
                      parts.append(self.parts(*hosts)) or parts[-1] < 0.6, PARTS_S,
                      lambda named=named, parts=parts: f"{named} yields: {parts}")

    def parts(self, *hosts):
        """What the first one's packets are of the second one's that arrive at srv."""
        sinks, socks = [], []
        with contextlib.ExitStack() as stack:
            for host in hosts:
                sinks.append(stack.enter_context(udp(self.lab.srv)))
                sinks[-1].bind(("", 0))
                sinks[-1].setblocking(False)
                socks.append(stack.enter_context(udp(self.lab.lan)))
                socks[-1].bind((host, 0))
            got, end = [0, 0], time.monotonic() + 1.5
            while time.monotonic() < end:
                for i, sock in enumerate(socks):
                    sock.sendto(bytes(1200), (SRV4, sinks[i].getsockname()[1]))
                    with contextlib.suppress(BlockingIOError):
                        while sinks[i].recv(2000):
                            got[i] += 1
                time.sleep(0.002)
        return got[0] / max(got[1], 1)

    def test_udp_blocked(self):
        """The session carries what no datagram can, and no longer than that."""
        nft = self.lab.vps.run
        nft(["nft", "add table inet blocked; add chain inet blocked in "
             "{ type filter hook input priority -200; };"
             "add rule inet blocked in meta l4proto udp drop"])
        try:
            time.sleep(4)
            self.wait_seen([VPS_SEEN4], "by the session")
            with udp(self.lab.lan) as sock:
                def all_answered():
                    return all(seen_by_srv(self.lab.lan, sock=sock) == VPS_SEEN4
                               for _ in range(20))
                self.wait(all_answered, LOOKS_S, "twenty echoes in a row")
        finally:
            nft(["nft", "delete table inet blocked"])
        self.wait_seen([VPS_SEEN4], "by datagrams again")

    def test_outage_and_back(self):
        """The same flow leaves directly meanwhile, with another address."""
        sock = udp(self.lab.lan)
        self.addCleanup(sock.close)
        self.wait_seen([VPS_SEEN4], "by the tunnel", sock=sock)
        self.aggd.stop_one("vps")
        self.wait(lambda: seen_by_srv(self.lab.lan, sock=sock, patience=0.5) in DIRECT4,
                  SOON_S, lambda: "directly: " + self.aggd.log("gw"))
        self.aggd.start_concentrator()
        self.wait(lambda: seen_by_srv(self.lab.lan, sock=sock, patience=0.5) == VPS_SEEN4,
                  3 * SOON_S, lambda: "by the tunnel: " + self.aggd.log("gw"))
        self.aggd.wait_ready()

    def test_devices_that_somebody_removes_are_made_again(self):
        for role, node, device in (("gw", self.lab.gw, "agg-tun"),
                                   ("vps", self.lab.vps, "agg-home")):
            before = self.aggd.read(f"{role}.log").count(REMOVED)
            node.run(["ip", "link", "del", device])
            self.wait_seen([VPS_SEEN4], f"{device} is there again")
            self.wait(lambda: self.aggd.read(f"{role}.log").count(REMOVED) ==
                      before + 1, SOON_S, "it is said, once")
            node.run(["ip", "link", "set", device, "down"])
            self.wait_seen([VPS_SEEN4], f"{device} is up again")

    def test_a_device_that_somebody_changes_is_set_again(self):
        for node, device in ((self.lab.gw, "agg-tun"), (self.lab.vps, "agg-home")):
            before = self.settings(node, device)
            for change in ("ip link set {0} down; ip link set {0} name other",
                           "ip addr flush dev {0}", "ip link set {0} mtu 600",
                           "echo 1 >/proc/sys/net/ipv4/conf/{0}/rp_filter"):
                node.run(["sh", "-c", change.format(device)])
                self.wait_equal(lambda: self.settings(node, device), before)
                self.wait_seen([VPS_SEEN4], change)
                self.wait_seen([VPS_SEEN6], change, family=6)

    def test_uplinks_of_ipv6_alone_carry_ipv4(self):
        """Then the gateway itself has no way to where the answers come from."""
        self.addCleanup(self.aggd.wait_ready)  # the last
        for i, uplink in enumerate(self.lab.uplinks, 1):
            self.lab.gw.run(["ip", "-4", "address", "flush", "dev", uplink.device])
            self.addCleanup(self.lab.gw.ip, f"address add 10.{10 + i}.0.2/24 dev {uplink.device}",
                            f"route add default via 10.{10 + i}.0.1 dev {uplink.device} metric "
                            f"{METRIC_FIRST + i}")
        self.wait(lambda: seen_by_srv(self.lab.lan, patience=0.5) == VPS_SEEN4, 2 * SOON_S,
                  lambda: "IPv4 by IPv6: " + self.aggd.log("gw"))
        self.wait_seen([VPS_SEEN6], "and IPv6", family=6)

    def test_another_pool(self):
        """The devices have an address of it, and none of before."""
        self.addCleanup(setattr, self.aggd, "concentrator_options", None)
        for options, begin in (({"pool": "10.200.0.0/16"}, "10.200."), (None, "100.64.")):
            self.aggd.concentrator_options = options
            self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))
            for node, device in ((self.lab.gw, "agg-tun"), (self.lab.vps, "agg-home")):
                self.wait_equal(lambda: [a.startswith(begin) for a in re.findall(
                    r"inet (\S+)", node.run(["ip", "address", "show", "dev", device],
                                            check=False).stdout)], [True])
            self.wait_pings(1, "-i", "0.2", "-I", "agg-tun", SRV4, node=self.lab.gw)
            self.wait_seen([VPS_SEEN4], "by the tunnel")

    def test_networks_behind_a_router_of_the_lan(self):
        """Their hosts use the tunnel, and others of the LAN reach them without it."""
        self.lab.lan.ip(f"addr add {BEHIND4}/32 dev lo")
        self.addCleanup(self.lab.lan.ip, f"addr del {BEHIND4}/32 dev lo")
        route = f"route {{}} {BEHIND4_NET} via {LAN4} dev lan0"
        self.lab.gw.ip(route.format("add"))

        def seen():
            with udp(self.lab.lan) as sock:
                sock.bind((BEHIND4, 0))
                return seen_by_srv(self.lab.lan, sock=sock, patience=0.5)

        self.wait_equal(seen, VPS_SEEN4)
        self.wait(lambda: BEHIND4_NET in self.aggd.ruleset(), SOON_S, self.aggd.ruleset)
        self.lab.gw.ip(route.format("del"))
        self.wait(lambda: BEHIND4_NET not in self.aggd.ruleset(), SOON_S, self.aggd.ruleset)

    def test_forwarding_that_somebody_turns_off_is_on_again(self):
        before = self.aggd.read("vps.log").count("forwards from now on: net.ipv4.ip_forward")
        self.lab.vps.sysctl({"net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0})
        self.wait_seen([VPS_SEEN4], "the concentrator forwards IPv4")
        self.wait_seen([VPS_SEEN6], "the concentrator forwards IPv6", family=6)
        self.assertGreater(self.aggd.read("vps.log").count(
            "forwards from now on: net.ipv4.ip_forward"), before)

    @staticmethod
    def settings(node, device):
        """What others may change; how long packets may be changes by itself."""
        out = node.run(["sh", "-c", f"ip -o addr show dev {device} scope global; ip -o link show "
                        f"dev {device}; cat /proc/sys/net/ipv4/conf/{device}/rp_filter"],
                       check=False).stdout
        mtu = re.search(r"mtu (\d+)", out)
        return (sorted(re.findall(r"inet6? (\S+)", out)), mtu and int(mtu[1]) >= 1280,
                out.splitlines()[-1:])

    def test_rules_that_somebody_removes_are_put_again(self):
        for node in (self.lab.gw, self.lab.vps):
            node.run(["nft", "flush", "ruleset"])
            node.run(["ip", "rule", "del", "pref", "700"])
            self.wait_seen([VPS_SEEN4], "rules are put again")
        self.lab.add_nat()

    def test_what_a_killed_daemon_leaves_goes_with_the_next(self):
        for role in ("gw", "vps"):
            self.aggd.process(role).kill()
            self.aggd.process(role).wait()
        for node in (self.lab.gw, self.lab.vps):
            self.wait(lambda node=node: "agg-" not in node.run(["ip", "-br", "link"]).stdout,
                      SOON_S, "the device goes with its process")
        self.wait_seen(DIRECT4, "directly, as nobody is there")
        self.aggd.start_concentrator()
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.wait_seen([VPS_SEEN4], "by the tunnel again")
        for role in ("gw", "vps"):
            self.aggd.stop_one(role)
            node = self.lab.node(role)
            self.assertNotIn("proto 169", node.run(["ip", "rule"]).stdout)
            self.assertNotIn("aggd", node.run(["nft", "list", "tables"]).stdout)
            self.assertEqual(node.run(["ip", "route", "show", "table", "all", "proto",
                                       "169"]).stdout, "")
        self.aggd.start_concentrator()
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.wait_up()

    def test_false_sources_are_dropped(self):
        """On the gateway, and where that lets them pass at the concentrator."""
        with self.lab.srv.inside():
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sink.close)
        sink.bind(("", 4444))
        sink.settimeout(0.5)
        raw = udp(self.lab.lan, 4, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.addCleanup(raw.close)
        for source in FALSE:
            raw.sendto(datagram(source, SRV4, 4444), (SRV4, 0))
        got = []
        for _ in range(MARKS_MAX): # what follows those by the same way has arrived
            raw.sendto(datagram(LAN4, SRV4, 4444), (SRV4, 0))
            with contextlib.suppress(OSError):
                while True:
                    got.append(sink.recvfrom(100)[0].decode())
            if got:
                break
        self.assertEqual(set(got), {LAN4})
        self.wait(lambda: self.tunnel("gw")["dropped_packets"].get("of a false source", 0) >= 3,
                  SOON_S, "they are counted")

    def test_what_is_shown(self):
        self.wait_pings(10, "-i", "0.05", SRV4)
        names = [u.name for u in self.lab.uplinks]

        def is_counted(role):
            tunnel = self.tunnel(role)
            return min(tunnel["down_packets"], tunnel["up_packets"]) >= 10

        def is_whole(role):
            tunnel = self.tunnel(role)
            return (tunnel["state"], tunnel["why"]) == ("up", None) and all(
                p["works"] and p["srtt_us"] for p in tunnel["paths"])

        for role in ("gw", "vps"):
            self.wait(lambda role=role: is_counted(role), SOON_S, f"{role} counts")
            self.wait(lambda role=role: is_whole(role), SOON_S,
                      lambda role=role: f"all of it works: {self.tunnel(role)}")
            self.assertEqual([p["uplink"] for p in self.tunnel(role)["paths"]], names)
            self.assertIn("aggd_tunnel_up", self.aggd.ctl(role, "status", "--metrics").stdout)
        self.wait(lambda: re.search(r"\d+ flows? tunnelled", self.aggd.ctl("gw", "status").stdout),
                  SOON_S, "flows are counted")


def datagram(source, destination, port):
    """A UDP datagram in IPv4 that says its source."""
    body = source.encode()
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(body), 7, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head + struct.pack(">HHHH", 5555, port, 8 + len(body), 0) + body


class TwoSites(TunnelTest):
    """Each with the same LAN. The second one's only uplink is a plain wire."""

    @classmethod
    def prepare(cls):
        lab = cls.lab
        for name in ("lan2", "gw2"):
            node = lab.nodes[name] = Node(lab, name)
            ip_host("netns", "add", node.ns)
            node.sysctl(SYSCTLS)
            node.ip("link set lo up")
        lab.join("lan2", "eth0", "gw2", "lan0", "192.168.100", "2001:db8:100", 10, 1)
        lab.join("gw2", "wan1", "isp", "up9", "10.99.0", "2001:db8:99", 2, 1)
        cls.lan2 = lab.nodes["lan2"]
        cls.lan2.ip("route add default via 192.168.100.1",
                    "-6 route add default via 2001:db8:100::1")
        lab.nodes["gw2"].ip("route add default via 10.99.0.1",
                            "-6 route add default via 2001:db8:99::1")
        lab.isp.nft("table ip lab2 { chain post { type nat hook postrouting priority srcnat;\n"
                    "ip saddr 10.99.0.0/24 oifname vps0 masquerade\n}\n}\n")
        lab.vps.ip("-6 route add 2001:db8:99::/64 via 2001:db8:ff::1")

    @classmethod
    def setUpClass(cls):
        cls.options = {}
        super().setUpClass()
        aggd, lab = cls.aggd, cls.lab
        aggd.sites["office"] = aggd.keygen(lab.nodes["gw2"], "gw2-state")
        aggd.reload("vps")
        conf = aggd.read("gw.conf").replace("/gw.sock", "/gw2.sock").replace("/gw-state",
                                                                             "/gw2-state")
        for uplink in lab.uplinks[1:]:
            conf = conf.replace(UPLINK.format(name=uplink.name, device=uplink.device,
                                              more=options(None)), "")
        aggd.write("gw2.conf", conf)
        lab.nodes["gw2"].spawn([lab.tool("aggd"), "-c", aggd.path("gw2.conf")], log="gw2.log")
        cls.wait_up(cls.lan2)

    def test_both_are_answered_and_do_not_meet(self):
        """At once, from the same addresses and ports."""
        nodes = (self.lab.lan, self.lan2)
        for family in (4, 6):
            socks = [udp(node, family) for node in nodes]
            for sock in socks:
                sock.bind(("", 5678))
            words = [os.urandom(8) for _ in socks]
            for _ in range(5):
                self.wait(lambda family=family: self.both_answered(socks, words, family), LOOKS_S,
                          "both are answered")
            for sock in socks:
                sock.close()
        for node in nodes:
            self.wait_pings(3, "-i", "0.2", SRV4, node=node)
        devices = self.lab.vps.run(["ip", "-br", "link"]).stdout
        self.assertIn("agg-home", devices)
        self.assertIn("agg-office", devices)

    def both_answered(self, socks, words, family):
        """False: one was lost. Nobody hears what was said to the other."""
        for sock, word in zip(socks, words):
            sock.sendto(word, (SRV[family], ECHO_PORT))
        for sock, word in zip(socks, words):
            try:
                data = sock.recv(2000)
            except TimeoutError:
                return False
            self.assertEqual((data[:8], data[8:].decode()), (word, SEEN[family]))
        return True

    def test_they_reach_each_other_where_both_may(self):
        """By networks that differ, from either end, as who they are."""
        lab, aggd = self.lab, self.aggd
        ends = ((lab.nodes["gw"], lab.lan, "192.168.102"),
                (lab.nodes["gw2"], self.lan2, "192.168.101"))
        for gateway, host, net in ends:
            gateway.ip(f"address add {net}.1/24 dev lan0")
            host.ip(f"address add {net}.10/24 dev eth0")
            self.addCleanup(gateway.ip, f"address del {net}.1/24 dev lan0")
            self.addCleanup(host.ip, f"address del {net}.10/24 dev eth0")
            host.spawn(["python3", "-c", ECHO.replace('"::"', f'"::ffff:{net}.10"')])

        def asked(node, source, to):
            with contextlib.suppress(OSError), udp(node) as sock:
                sock.bind((source, 0))
                sock.settimeout(1)
                sock.sendto(os.urandom(8), (to, ECHO_PORT))
                return sock.recv(2000)[8:].decode()
            return None

        def both():
            return [asked(host, f"{net}.10", f"{other}.10")
                    for (_, host, net), (_, _, other) in (ends, ends[::-1])]

        def reload(home, office):
            aggd.site_options, aggd.sites_more["office"] = home, office
            self.assertTrue(aggd.reload("vps"), aggd.log("vps"))

        self.addCleanup(reload, None, "")
        reload({"reach": "192.168.102.0/24"}, "")
        self.assertEqual(both(), [None, None])
        reload({"reach": "192.168.102.0/24"}, "\toption reach '192.168.101.0/24'\n")
        self.wait(lambda: both() == ["192.168.102.10", "192.168.101.10"], 2 * SOON_S,
                  lambda: f"they reach each other: {both()}" + aggd.log("vps") + lab.vps.run(
                      ["nft", "list", "table", "inet", "aggd"]).stdout)
        # The Internet sees the same as ever of both.
        for _, host, _ in ends:
            self.wait_seen({VPS_SEEN4}, "out", node=host)
        reload(None, "")
        self.wait(lambda: both() == [None, None], 2 * SOON_S, "no more")

    def test_a_hop_limit_is_told_to_the_right_one(self):
        for node in (self.lab.lan, self.lan2):
            def told(node=node):
                out = node.run(["ping", "-n", "-c", "1", "-t", "2", "-W", "2", SRV4], check=False)
                return "Time to live exceeded" in out.stdout

            self.wait(told, LOOKS_S, "it is told")


if __name__ == "__main__":
    unittest.main()
