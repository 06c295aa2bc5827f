#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The packet tunnel: what is not TCP goes through it, both families, over all uplinks.

    lan (no configuration) -- gw [agg-tun] ==S1== isp -- vps [agg-home, NAT] -- srv
    192.168.100.10                                       198.51.100.1
    2001:db8:100::10                                     2001:db8:aa::1
"""
import contextlib
import os
import re
import select
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import wait_until  # noqa: E402
from case import VPS_SEEN4, VPS_SEEN6, WWW, AggdTest  # noqa: E402
from lab import LAN4, LAN6, SRV4, SRV6, LabError  # noqa: E402

SEEN = {4: VPS_SEEN4, 6: VPS_SEEN6}
SRV = {4: SRV4, 6: SRV6}
LAN = {4: LAN4, 6: LAN6}
ECHO_PORT = 9
SOON_S = 10
ECHO = """
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data[:8] + f"{peer[0].removeprefix('::ffff:')}".encode(), peer)
"""


class TunnelTest(AggdTest):
    scenario = "S1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.srv.spawn(["python3", "-c", ECHO])
        cls.wait_up()

    @classmethod
    def wait_up(cls):
        wait_until(lambda: cls.echo_seen() == VPS_SEEN4, SOON_S * cls.aggd.patience,
                   lambda: "the tunnel carries: " + cls.aggd.log("gw") + cls.aggd.log("vps"))

    @classmethod
    def udp(cls, family=4, node=None):
        node = node or cls.lab.lan
        with node.inside():
            sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                                 socket.SOCK_DGRAM)
        sock.settimeout(2)
        return sock

    @classmethod
    def echo_seen(cls, family=4, sock=None, node=None):
        """How srv sees this host's datagrams; None: no answer."""
        with contextlib.closing(cls.udp(family, node)) if not sock else \
                contextlib.nullcontext(sock) as s, contextlib.suppress(OSError):
            s.sendto(os.urandom(8), (SRV[family], ECHO_PORT))
            return s.recv(2000)[8:].decode()
        return None

    def ping(self, *words, check=True):
        return self.lab.lan.run(["ping", "-n", "-W", "2", *words], check=check).stdout


class Tunnel(TunnelTest):
    @classmethod
    def prepare(cls):
        cls.start_dns()

    def test_ping_and_echo_of_both_families(self):
        for family in (4, 6):
            out = self.ping("-c", "5", "-i", "0.2", SRV[family])
            self.assertIn(" 0% packet loss", out)
            self.assertEqual(self.echo_seen(family), SEEN[family])

    def test_names(self):
        out = self.lab.lan.run(["dig", "+time=2", "+short", f"@{SRV4}", WWW, "A", WWW, "AAAA"])
        self.assertEqual(out.stdout.split(), [SRV4, SRV6])

    def test_both_uplinks_carry(self):
        pass


if __name__ == "__main__":
    unittest.main()
