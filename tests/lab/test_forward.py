#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Ways into the packet tunnel beside the LAN's packets: ports of the concentrator
that lead to a host in the LAN, who sees whom it talks to; SOCKS5's UDP ASSOCIATE;
and TCP that a section bypass leads there.

    lan (server) -- gw [agg-tun] ==S1== isp -- vps [agg-home, :8080] -- srv (client)
    192.168.100.10                        203.0.113.10  198.51.100.1    198.51.100.10
"""
import contextlib
import os
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import (DIRECT4, FLOW_PORT, IO_TIMEOUT_S, VPS_SEEN4, AggdTest,  # noqa: E402
                  connect, listen, receive, receive_all)
from lab import LAN4, LAN6, SRV4, SRV6, VPS4  # noqa: E402

VPS_INSIDE4, VPS_INSIDE6 = "198.51.100.1", "2001:db8:aa::1"
PORT, LAN_PORT, ECHO_PORT = 8080, 80, 5000
SOON_S = 20
FORWARDS = f"""
config forward 'web'
	option site 'home'
	option listen '[::]:{PORT}'
	option to '{LAN4}:{LAN_PORT}'
config forward 'web6'
	option site 'home'
	option protocol 'tcp'
	option listen '[{VPS_INSIDE6}]:{PORT}'
	option to '[{LAN6}]:{LAN_PORT}'
"""
WHOLE = "198.51.100.77"
ADDRESS = f"""
config address 'all'
	option site 'home'
	option address '{WHOLE}'
	option to '{LAN4}'
"""
TO_TUNNEL = f"""
config bypass
	list port 'tcp/{FLOW_PORT}'
	option to 'tunnel'
"""


def udp(node, address=None, port=0):
    with node.inside():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if address:
        sock.bind((address, port))
    sock.settimeout(1)
    return sock


class Tell:
    """In a host: answers a connection, and a datagram, with whom it sees."""

    def __init__(self, node, address, port):
        self.server = listen(node, port)
        self.server.settimeout(None)
        self.sock = udp(node, address, port)
        self.sock.settimeout(None)
        for target in (self.accept, self.datagrams):
            threading.Thread(target=target, daemon=True).start()

    def accept(self):
        while True:
            sock, peer = self.server.accept()
            with sock:
                sock.sendall(peer[0].removeprefix("::ffff:").encode())

    def datagrams(self):
        while True:
            data, peer = self.sock.recvfrom(2048)
            self.sock.sendto(data[:8] + peer[0].encode(), peer)


class Ways(AggdTest):
    scenario = "S1"

    @classmethod
    def prepare(cls):
        cls.start_dns()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lan = Tell(cls.lab.lan, LAN4, LAN_PORT)
        cls.srv = Tell(cls.lab.srv, SRV4, ECHO_PORT)

    def asked(self, sock, to):
        """Whom that one sees; None: no answer. An answer of before is passed over."""
        mark = os.urandom(8)
        with contextlib.suppress(OSError):
            sock.sendto(mark, to)
            while True:
                data = sock.recv(2048)
                if data[:8] == mark:
                    return data[8:].decode()
        return None

    def wait_asked(self, sock, to, want):
        """A datagram may be lost."""
        self.wait_equal(lambda: self.asked(sock, to), want, SOON_S)

    def wait_tunnel(self):
        with udp(self.lab.lan) as sock:
            self.wait_asked(sock, (SRV4, ECHO_PORT), VPS_SEEN4)

    def seen(self, address, node, port=PORT):
        try:
            with connect(node, address, port, 3) as sock:
                return receive_all(sock).decode()
        except OSError as error:
            return str(error)

    def test_forwards(self):
        self.aggd.more["vps"] = FORWARDS
        self.addCleanup(self.aggd.more.clear)
        self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))
        self.wait_tunnel()
        self.wait(lambda: self.seen(VPS_INSIDE4, self.lab.srv) == SRV4, SOON_S,
                  lambda: "a connection: " + self.seen(VPS_INSIDE4, self.lab.srv))
        self.wait_equal(lambda: self.seen(VPS_INSIDE6, self.lab.srv), SRV6)
        with udp(self.lab.srv) as sock:
            self.wait_asked(sock, (VPS_INSIDE4, PORT), SRV4)
            self.wait_asked(sock, (VPS_INSIDE4, PORT), SRV4)
        # From the LAN itself, at the concentrator's address.
        self.wait_equal(lambda: self.seen(VPS4, self.lab.lan) in DIRECT4, True)
        # And without it, nothing.
        self.aggd.more.clear()
        self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))
        self.wait(lambda: self.seen(VPS_INSIDE4, self.lab.srv) != SRV4, SOON_S, "no forward")

    def test_who_goes_on_sending(self):
        """As a VPN's peer does: the kernel asks the rules for the first packet alone."""
        self.wait_tunnel()
        to = (VPS_INSIDE4, PORT)
        stop = threading.Event()
        self.addCleanup(self.aggd.more.clear)
        with udp(self.lab.srv) as sock:
            sender = threading.Thread(target=self.keep_sending, args=(sock, to, stop))
            sender.start()
            try:
                for more, want in ((FORWARDS, SRV4), ("", None), (FORWARDS, SRV4)):
                    self.aggd.more["vps"] = more
                    self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))
                    self.wait_equal(lambda: self.answered(sock), want, SOON_S)
            finally:
                stop.set()
                sender.join()

    @staticmethod
    def answered(sock):
        """Whom it sees who answers now; None: nobody does."""
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            while sock.recv(2048):
                pass
        sock.settimeout(1)
        with contextlib.suppress(OSError):
            return sock.recv(2048)[8:].decode()
        return None

    @staticmethod
    def keep_sending(sock, to, stop):
        while not stop.wait(0.1):
            with contextlib.suppress(OSError):
                sock.sendto(b"12345678", to)

    def test_a_whole_address(self):
        """Whatever comes there goes to the host, and what that sends leaves from there."""
        self.lab.vps.ip(f"address add {WHOLE}/24 dev srv0")
        self.addCleanup(self.lab.vps.ip, f"address del {WHOLE}/24 dev srv0")
        self.aggd.more["vps"] = ADDRESS
        self.addCleanup(self.aggd.more.clear)
        self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))

        def leaves_from_there():
            with udp(self.lab.lan, LAN4) as sock:  # another flow: one keeps its address
                return self.asked(sock, (SRV4, ECHO_PORT)) == WHOLE

        self.wait(leaves_from_there, 3 * SOON_S,
                  lambda: "it leaves from there: " + self.aggd.log("vps"))
        self.wait_equal(lambda: self.seen(WHOLE, self.lab.srv, LAN_PORT), SRV4)
        with udp(self.lab.srv) as sock:
            self.wait_asked(sock, (WHOLE, LAN_PORT), SRV4)
        self.wait_equal(lambda: self.lab.srv.run(["ping", "-n", "-c", "3", "-i", "0.2", WHOLE],
                                                 check=False).stdout.count(" bytes from "), 3)
        # Its own LAN finds it there, by an uplink and back through the tunnel.
        self.wait_equal(lambda: self.seen(WHOLE, self.lab.lan, LAN_PORT) in DIRECT4, True)
        with udp(self.lab.lan, LAN4) as sock:
            self.wait(lambda: self.asked(sock, (WHOLE, LAN_PORT)) in DIRECT4, SOON_S,
                      lambda: "datagrams of the LAN itself: " + self.aggd.log("gw"))
        # Gateways find the concentrator there all the same.
        connect(self.lab.srv, WHOLE, 443).close()
        self.aggd.more.clear()
        self.assertTrue(self.aggd.reload("vps"), self.aggd.log("vps"))
        self.wait(lambda: self.seen(WHOLE, self.lab.srv, LAN_PORT) != SRV4, SOON_S, "no more")

    def associate(self):
        """The connection, and where its datagrams go."""
        address, _, port = self.aggd.socks.rpartition(":")
        tcp = connect(self.lab.lan, address, int(port))
        self.addCleanup(tcp.close)
        tcp.sendall(b"\x05\x01\x00" + b"\x05\x03\x00\x01" + bytes(6))
        self.assertEqual(receive(tcp, 2), b"\x05\x00")
        reply = receive(tcp, 10)
        self.assertEqual(reply[:4], b"\x05\x00\x00\x01")
        return tcp, (socket.inet_ntoa(reply[4:8]), struct.unpack(">H", reply[8:])[0])

    def by_socks(self, sock, relay, name=None, frag=0):
        """Whom the server sees of a datagram by the relay; None: no answer."""
        to = (b"\x03" + bytes([len(name)]) + name.encode() if name
              else b"\x01" + socket.inet_aton(SRV4))
        mark = os.urandom(8)
        with contextlib.suppress(OSError):
            sock.sendto(struct.pack(">HB", 0, frag) + to + struct.pack(">H", ECHO_PORT) +
                        mark, relay)
            while True:
                data = sock.recv(2048)
                self.assertEqual(data[:10], b"\0\0\0\x01" + socket.inet_aton(SRV4) +
                                 struct.pack(">H", ECHO_PORT))
                if data[10:18] == mark:
                    return data[18:].decode()
        return None

    def test_udp_associate(self):
        self.wait_tunnel()
        self.lab.gw.etc("resolv.conf", f"nameserver {SRV4}\n")
        tcp, relay = self.associate()
        with udp(self.lab.lan, LAN4) as sock:
            self.wait_equal(lambda: self.by_socks(sock, relay), VPS_SEEN4)
            self.assertIsNone(self.by_socks(sock, relay, frag=1))
            self.wait_equal(lambda: self.by_socks(sock, relay), VPS_SEEN4)
            tcp.close()
            self.wait(lambda: self.by_socks(sock, relay) is None, SOON_S, "its end")

    def test_tcp_through_the_tunnel(self):
        self.wait_tunnel()
        self.aggd.bypasses = TO_TUNNEL
        self.assertTrue(self.aggd.reload("gw"), self.aggd.log("gw"))
        self.addCleanup(self.use, "")
        self.wait(lambda: "jump hosts" in self.aggd.ruleset(), SOON_S, "the rules")
        self.wait_tunnel()
        with self.flow() as flow:
            self.wait(lambda: flow.count > 1_000_000, IO_TIMEOUT_S, "a download")
            self.wait_equal(lambda: self.aggd.status("streams")["streams"], [])
        self.assertEqual(self.who(), VPS_SEEN4)

    def use(self, sections):
        self.aggd.bypasses = sections
        self.aggd.reload("gw")


if __name__ == "__main__":
    unittest.main()
