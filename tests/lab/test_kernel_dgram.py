#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The packet tunnel's datagrams on real sockets, over routers between its ends: both
families, two workers, links that carry less and say nothing, devices without offloads,
and a NAT that forgets.

    gw  10.9.1.2, fd09:1::2 ---- isp ---- 10.9.2.2, fd09:2::2  vps
"""
import os
import re
import socket
import struct
import time
import unittest

from kernel_ns import ROOT, KernelTest, Tool, eventually

DGRAM_TOOL = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")),
                          "tests/lab/dgram_tool")
PORT = 4433
VPS = ("10.9.2.2", "fd09:2::2")
PACKETS = 2000
TRIES = 4  # what waits while the machine stands still is too old, and dropped


def too_big(mtu, source, sport, to, dport):
    """ICMP's word of a datagram of 1400 bytes between these."""
    quoted = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 1400, 1, 0x4000, 60, 17, 0,
                         socket.inet_aton(source), socket.inet_aton(to), sport, dport, 1380, 0)
    body = struct.pack(">BBHHH", 3, 4, 0, 0, mtu) + quoted
    total = sum(struct.unpack(f">{len(body) // 2}H", body))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    return body[:2] + struct.pack(">H", total) + body[4:]


class DgramTest(KernelTest):
    SPACES = ("gw", "isp", "vps")

    def setUp(self):
        super().setUp()
        for space, number in ((self.gw, 1), (self.vps, 2)):
            space.ip(f"link add wan type veth peer name down{number} netns {self.isp.name}",
                     f"addr add 10.9.{number}.2/24 dev wan",
                     f"-6 addr add fd09:{number}::2/64 dev wan nodad", "link set wan up")
            self.isp.ip(f"addr add 10.9.{number}.1/24 dev down{number}",
                        f"-6 addr add fd09:{number}::1/64 dev down{number} nodad",
                        f"link set down{number} up")
            space.ip(f"route add default via 10.9.{number}.1",
                     f"-6 route add default via fd09:{number}::1")
        self.isp.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)

    def nft(self, text):
        self.isp.run("nft", text).check_returncode()

    def start(self):
        tool = Tool([DGRAM_TOOL, self.gw.name, self.vps.name, str(PORT), *VPS])
        self.addCleanup(tool.close)
        tool.expect("ready")
        return tool

    def ask(self, tool, packets):
        """What each end and each of its paths says after so many packets each way."""
        found = {}
        for line in tool.ask(str(packets)):
            name = line.split()[0]
            path = re.search(r"path=(\d)", line)
            values = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}
            found[name + (path[1] if path else "")] = values
        return found

    def settle(self, tool, mtu):
        """Both paths are used, with datagrams as long as their links carry."""
        def settled():
            now = self.ask(tool, 10)
            return all(now[end]["usable"] and now[end]["mtu"] == mtu
                       for end in ("gateway0", "gateway1", "site0", "site1"))
        self.check(f"both families, both ways: datagrams of {mtu}", eventually(settled))

    def check_most(self, what, tool):
        """All but what the flow queues drop until the paths' rates are known."""
        for _ in range(TRIES):
            now = self.ask(tool, PACKETS)
            least = min(now[end]["received"] for end in ("gateway", "site"))
            if least > 0.95 * PACKETS:
                break
        self.check(f"{what}: it carries, both ways", least > 0.95 * PACKETS, now)
        self.check(f"{what}: each at the worker whose it is", now["site"]["strange"] == 0, now)
        self.check(f"{what}: the sockets lose none", now["gateway"]["lost"] == 0, now)
        return now

    def test_plain(self):
        tool = self.start()
        self.settle(tool, 1500)
        now = self.check_most("plain links", tool)
        self.check("several leave as one message", now["gateway"]["segments"], now)

    def test_silent_links(self):
        """What is longer than 1400 vanishes, and nobody says so."""
        for space in (self.gw, self.vps):
            space.ip("link set wan gso_max_segs 1")  # the rule is to see packets
        self.nft("add table inet t; add chain inet t f { type filter hook forward priority 0; };"
                 "add rule inet t f meta length > 1400 drop")
        tool = self.start()
        self.settle(tool, 1400)
        self.check_most("links of 1400", tool)

    def test_word_of_the_router(self):
        """What the kernel was told of a route changes nothing that probes found."""
        tool = self.start()
        self.settle(tool, 1500)
        self.gw.ip("route add 10.9.2.2 via 10.9.1.1 mtu 1280",
                   "-6 route add fd09:2::2 via fd09:1::1 mtu 1280")
        self.check_most("a route that says 1280", tool)
        self.settle(tool, 1500)

    def test_forged_words(self):
        """That both ends' datagrams are too big, and 68 bytes pass: nobody believes it."""
        tool = self.start()
        self.settle(tool, 1500)
        port = self.ask(tool, 10)["site0"]["port"]
        with self.isp.entered():
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.addCleanup(raw.close)
        for source, sport, to, dport in (("10.9.1.2", port, "10.9.2.2", PORT),
                                         ("10.9.2.2", PORT, "10.9.1.2", port)):
            for _ in range(20):
                raw.sendto(too_big(68, source, sport, to, dport), (source, 0))
        self.check_most("after forged words", tool)
        self.settle(tool, 1500)

    def test_nat_that_forgets(self):
        """Its mappings end in 2 s without a datagram: it takes another port then."""
        self.nft("add table ip t; add chain ip t p { type nat hook postrouting priority 100; };"
                 "add rule ip t p oifname down2 masquerade random")
        self.isp.sysctl(netfilter__nf_conntrack_udp_timeout=2,
                        netfilter__nf_conntrack_udp_timeout_stream=2)
        tool = self.start()
        self.settle(tool, 1500)
        before = self.check_most("through a NAT", tool)["site0"]

        def moved():
            time.sleep(4)  # it forgets
            return self.ask(tool, 10)["site0"]["port"] != before["port"]
        self.check("it took another port, and the peer is found there", eventually(moved))
        self.check_most("after that", tool)


if __name__ == "__main__":
    unittest.main()
