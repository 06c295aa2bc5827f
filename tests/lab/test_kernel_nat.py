#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What rules and routes do to the packets of the tunnels, on a real kernel. Devices
that tunnels would have are plain ones here, whose other end is the site.

    a  192.168.1.10 tun ---- agg-a \\
       fd00:1::10                     vps eth0 ---- eth0  srv 198.51.100.10
    b  192.168.1.10 tun ---- agg-b /                          2001:db8:aa::10
       fd00:1::10

    lan 192.168.1.10 ---- lan0 gw  wan1 ---- up1   isp (198.51.100.10)
        2001:db8:100::10           agg-tun -- tun  far (198.51.100.10)
"""
import os
import re
import socket
import subprocess
import unittest

from kernel_ns import KernelTest, eventually

SRV = {4: "198.51.100.10", 6: "2001:db8:aa::10"}
VPS = {4: "198.51.100.1", 6: "2001:db8:aa::1"}
LAN = {4: "192.168.1.10", 6: "fd00:1::10"}
NUMBERS = {"a": 1, "b": 4095}
FROM, MASK = 0x80000, 0xfff80000
PORT, MARK = 9, 0x1000000
ASKS = 5
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data + f"{sys.argv[1]} {peer[0].removeprefix('::ffff:')} {peer[1]}".encode(), peer)
"""


def joined(left, device, right, other):
    """A wire between two namespaces that looks like a tunnel: no neighbours are
    asked for."""
    left.ip(f"link add {device} type veth peer name {other} netns {right.name}")
    macs = {}
    for space, name in ((left, device), (right, other)):
        space.ip(f"link set {name} up")
        macs[name] = re.search(r"link/ether (\S+)", space.run("ip", "link", "show", name).stdout)[1]
    return macs


def ping(space, address, *words):
    return space.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", *words, address).stdout


def is_silent(space, address):
    return " 100% packet loss" in ping(space, address)


def answers(space, address):
    """In time: who is slow looks lost to ping."""
    return eventually(lambda: " 0% packet loss" in ping(space, address))


class Pinger(KernelTest):
    def setUp(self):
        super().setUp()
        for name in self.SPACES:
            getattr(self, name).sysctl(ipv6__conf__default__accept_dad=0,
                                       ipv6__conf__all__accept_dad=0)

    def echo(self, space, word):
        process = subprocess.Popen(space.argv(["python3", "-c", ECHO, word]), text=True,
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.check("the echo is ready", process.stdout.readline() == "ready\n")

    def ask(self, space, address, sock=None, port=0):
        """How the echo sees this socket; who hears nothing asks again."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with space.entered():
            sock = sock or socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.settimeout(2)
        if port:
            sock.bind(("", port))
        for _ in range(ASKS):
            mark = os.urandom(8)
            try:
                sock.sendto(mark, (address, PORT))
                while (data := sock.recv(2000))[:8] != mark:
                    pass
                return data[8:].decode()
            except OSError as error:
                got = str(error)
        return got


class ConcentratorTest(Pinger):
    SPACES = ("a", "b", "vps", "srv")

    def setUp(self):
        super().setUp()
        vps, srv = self.vps, self.srv
        joined(vps, "eth0", srv, "eth0")
        for space, host in ((vps, VPS), (srv, SRV)):
            space.ip(f"addr add {host[4]}/24 dev eth0", f"-6 addr add {host[6]}/64 dev eth0 nodad")
        vps.ip(f"route add default via {SRV[4]}", f"-6 route add default via {SRV[6]}")
        vps.sysctl(ipv6__conf__eth0__accept_ra=1, ipv4__conf__all__rp_filter=1)
        for name, number in NUMBERS.items():
            self.add_site(getattr(self, name), name, number)
        self.load("agg-a", 1, "-", "agg-b", 4095, "-")
        self.echo(srv, "srv")

    def add_site(self, site, name, number):
        macs = joined(self.vps, f"agg-{name}", site, "tun")
        site.ip(f"addr add {LAN[4]}/32 dev tun", f"-6 addr add {LAN[6]}/128 dev tun nodad")
        for hop, flag in (("169.254.1.1", ""), ("fe80::1", "-6 ")):
            site.ip(f"neigh add {hop} lladdr {macs[f'agg-{name}']} dev tun nud permanent",
                    f"{flag}route add default via {hop} dev tun onlink")
        for address in (*LAN.values(), "2001:db8:7::10"):
            self.vps.ip(f"neigh add {address} lladdr {macs['tun']} dev agg-{name} nud permanent")
        result = self.vps.once("link", f"agg-{name}", 1400, "100.64.0.1/32")
        self.check(f"agg-{name} is set", result.returncode == 0, result.stderr)
        self.words = getattr(self, "words", "") + result.stdout
        result = self.vps.once("route", "tunnel", number, f"agg-{name}", number << 20, MASK)
        self.check(f"routes of agg-{name}", result.returncode == 0, result.stderr)

    def load(self, *words):
        result = self.vps.once("nat", "apply", "patient", *words)
        self.check("the ruleset", result.returncode == 0, result.stderr)

    def test_two_sites_with_one_lan(self):
        for name in NUMBERS:
            site = getattr(self, name)
            for family in (4, 6):
                self.check(f"{name} pings srv, IPv{family}", answers(site, SRV[family]))
                out = ping(site, SRV[family], "-t", "1")
                self.check(f"{name} hears of a hop limit, IPv{family}",
                           re.search(f"From {VPS[family]} .*exceeded", out), out)
        ports = {}
        for name in NUMBERS:
            ports[name] = self.ask(getattr(self, name), SRV[4], port=5555)
        self.check("the first keeps its port", ports["a"] == f"srv {VPS[4]} 5555", ports)
        self.check("both are one address to the world",
                   ports["b"].startswith(f"srv {VPS[4]} ") and ports["b"] != ports["a"], ports)
        got = self.ask(self.b, SRV[6])
        self.check("NAT66", got.startswith(f"srv {VPS[6]} "), got)
        out = self.vps.run("cat", "/proc/net/nf_conntrack").stdout
        self.check("UDP is remembered for longer", not out or
                   any(int(line.split()[4]) > 60 for line in out.splitlines() if " udp " in line)
                   or "udp" not in out, out)

    def test_sites_do_not_see_each_other(self):
        self.vps.ip("route add 192.168.1.20/32 dev agg-b")
        self.b.ip("addr add 192.168.1.20/32 dev tun")
        self.check("a does not reach b", is_silent(self.a, "192.168.1.20"))

    def test_own_prefix_is_not_translated(self):
        self.load("agg-a", 1, "2001:db8:7::/56", "agg-b", 4095, "-")
        self.a.ip("-6 addr add 2001:db8:7::10/128 dev tun nodad",
                  f"-6 route replace default via fe80::1 dev tun onlink src 2001:db8:7::10")
        self.srv.ip(f"-6 route add 2001:db8:7::/56 via {VPS[6]}")
        got = self.ask(self.a, SRV[6])
        self.check("its address stays", got.startswith("srv 2001:db8:7::10 "), got)
        self.check("and is reached", answers(self.srv, "2001:db8:7::10"))

    def test_forwarding_is_turned_on_and_said(self):
        self.check("what was changed", "net.ipv4.fwmark_reflect" in self.words, self.words)
        self.check("and nothing lacks", "lacks: net" not in self.words, self.words)
        self.check("the router is still heard", self.vps.run(
            "cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra").stdout == "2\n")
        again = self.vps.once("link", "agg-a", 1400, "100.64.0.1/32").stdout
        self.check("once", again == "changed: \nlacks: \n", again)


class GatewayTest(Pinger):
    SPACES = ("lan", "gw", "isp", "far")

    def setUp(self):
        super().setUp()
        lan, gw = self.lan, self.gw
        joined(gw, "lan0", lan, "lan0")
        gw.ip("addr add 192.168.1.1/24 dev lan0", "-6 addr add 2001:db8:100::1/64 dev lan0 nodad")
        lan.ip("addr add 192.168.1.10/24 dev lan0", "route add default via 192.168.1.1",
               "-6 addr add 2001:db8:100::10/64 dev lan0 nodad",
               "-6 route add default via 2001:db8:100::1")
        self.add_way("wan1", self.isp, "10.1.0", "2001:db8:1", True)
        self.add_way("agg-tun", self.far, "10.2.0", "2001:db8:2", False)
        gw.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                  ipv4__conf__all__rp_filter=1)
        gw.run("nft", "table inet other { chain post { type nat hook postrouting priority "
               "srcnat; iifname lan0 masquerade; }; }").check_returncode()
        for result in (gw.once("link", "agg-tun", 1400, "100.64.0.7/32"),
                       gw.once("route", "tunnel", 0, "agg-tun", MARK << 1, MARK << 1, "lan0"),
                       gw.once("route", "tproxy", MARK)):
            self.check("devices and routes", result.returncode == 0, result.stderr)

    def add_way(self, device, space, net4, net6, default):
        macs = joined(self.gw, device, space, "eth0")
        self.gw.ip(f"addr add {net4}.2/24 dev {device}",
                   f"-6 addr add {net6}::2/64 dev {device} nodad")
        space.ip(f"addr add {net4}.1/24 dev eth0", f"-6 addr add {net6}::1/64 dev eth0 nodad",
                 f"addr add {SRV[4]}/32 dev lo", f"-6 addr add {SRV[6]}/128 dev lo nodad",
                 f"route add default via {net4}.2 src {SRV[4]}",
                 f"-6 route add default via {net6}::2 src {SRV[6]}",
                 f"route replace {net4}.0/24 dev eth0 src {SRV[4]}",
                 f"-6 route add {net6}::2/128 dev eth0 src {SRV[6]}")
        if default:
            self.gw.ip(f"route add default via {net4}.1", f"-6 route add default via {net6}::1")
        else:
            for address in SRV.values():
                self.gw.ip(f"neigh add {address} lladdr {macs['eth0']} dev {device} nud permanent")
        self.echo(space, space.name.rpartition("-")[2])

    def mode(self, modes, *words, port=1234):
        result = self.gw.once("intercept", "lan0", port, MARK, modes, "@agg-tun", *words)
        self.check(f"mode {modes}", result.returncode == 0, result.stderr)

    def test_others_go_into_the_tunnel_as_they_are(self):
        self.mode("tt")
        for family, source in ((4, LAN[4]), (6, "2001:db8:100::10")):
            got = self.ask(self.lan, SRV[family])
            self.check(f"IPv{family}, as the LAN's", got.startswith(f"far {source} "), got)
            self.check(f"ping, IPv{family}", answers(self.lan, SRV[family]))
        self.check("the gateway itself answers", answers(self.lan, "192.168.1.1"))
        self.check("the gateway's own goes its own way",
                   self.ask(self.gw, SRV[4]).startswith("isp "))

    def test_bypassed_and_connected_go_directly(self):
        self.mode("tt", "198.51.100.0/24", "=2001:db8:aa::/64")
        for family in (4, 6):
            got = self.ask(self.lan, SRV[family])
            self.check(f"IPv{family} goes directly", got.startswith("isp "), got)

    def test_a_flow_changes_its_way_and_its_address(self):
        self.mode("tt")
        with self.lan.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for modes, who in (("tt", f"far {LAN[4]} "), ("ff", "isp 10.1.0.2 "),
                           ("tt", f"far {LAN[4]} "), ("ff", "isp 10.1.0.2 ")):
            self.mode(modes)
            got = self.ask(self.lan, SRV[4], sock)
            self.check(f"in mode {modes} {who}", got.startswith(who), got)

    def test_refused(self):
        self.mode("rr")
        for family in (4, 6):
            out = ping(self.lan, SRV[family])
            self.check(f"IPv{family} is told", "rohibited" in out or "iltered" in out, out)

    def test_tcp_goes_along_where_nobody_takes_it(self):
        self.mode("tt", port=0)
        got = ""
        try:
            self.lan.connect(SRV[4], 7).close()
        except OSError as error:
            got = str(error)
        self.check("refused by far, where nobody listens", "refused" in got, got)
        seen = self.far.run("sh", "-c", "cat /proc/net/snmp | grep '^Tcp:' | tail -1").stdout
        self.check("far answered", int(seen.split()[14]) > 0, seen)


if __name__ == "__main__":
    unittest.main()
