#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""How connections end: half-closed, reset, refused, unreachable, not allowed;
and what one connection may do to another.

    lan (clients) -- gw ==S2== isp -- vps -- srv (servers)
                                             192.0.2.0/25    black hole
                                             192.0.2.128/25  "host unreachable"
                                             198.51.100.77   nobody has it
"""
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from case import AggdTest, accept, listen, receive, receive_all, reset  # noqa: E402
from lab import LAN4, SRV4, SRV6, VPS4, VPS6  # noqa: E402

PORT, CLOSED_PORT = 8000, 8001
BLACK_HOLE, UNREACHABLE, NOBODY = "192.0.2.1", "192.0.2.129", "198.51.100.77"
NO_ROUTE = "203.0.112.1"
ANSWER = os.urandom(300_000)
IDLE_STREAMS = 500
TRIES_MAX = 4           # of a rate: a machine that stands still has less meanwhile
IDLE_S = 6              # more than the session's ping interval


class Ends(AggdTest):
    scenario = "S2"

    @classmethod
    def prepare(cls):
        cls.lab.vps.sysctl({"net.ipv4.tcp_syn_retries": 1,  # gives up after 3 s
                            "net.ipv4.neigh.srv0.retrans_time_ms": 200})
        cls.start_dns()
        cls.lab.srv.ip("route add blackhole 192.0.2.0/25",
                       "route add unreachable 192.0.2.128/25")
        cls.lab.vps.ip("route add throw 203.0.112.0/24")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = listen(cls.lab.srv, PORT)
        cls.addClassCleanup(cls.server.close)
        cls.start_load_server()

    def pair(self, address=SRV4, socks=False):
        """A client in the LAN and its server's end, through aggd."""
        client = self.socks(address, PORT)[1] if socks else self.connect(address, PORT)
        server, peer = accept(self.server)
        self.addCleanup(client.close)
        self.addCleanup(server.close)
        self.assertNotIn(peer, (LAN4, "203.0.113.101"))  # else aggd was not used
        return client, server

    def pairs(self):
        """By TPROXY for each family, and by SOCKS5."""
        return self.pair(SRV4), self.pair(SRV6), self.pair(SRV4, socks=True)

    # -- half-close, reset

    def test_client_half_closes_and_gets_the_answer(self):
        for client, server in self.pairs():
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(server), b"question")
            server.sendall(ANSWER)
            server.close()
            self.assertEqual(receive_all(client), ANSWER)

    def test_server_half_closes_and_gets_the_rest(self):
        for client, server in self.pairs():
            server.sendall(b"hello")
            server.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(client), b"hello")
            client.sendall(ANSWER)
            client.close()
            self.assertEqual(receive_all(server), ANSWER)

    def test_reset_by_server_reaches_client(self):
        for client, server in self.pairs():
            client.sendall(b"question")
            receive(server, 8)
            reset(server)
            with self.assertRaises(ConnectionResetError):
                client.recv(1)

    def test_reset_by_client_reaches_server(self):
        for client, server in self.pairs():
            client.sendall(b"question")
            receive(server, 8)
            reset(client)
            with self.assertRaises(ConnectionResetError):
                server.recv(1)

    def test_reset_after_half_close_reaches_server(self):
        for client, server in self.pairs():
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(server.recv(1), b"")
            reset(client)
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                for _ in range(1000):
                    server.sendall(b"x")
                    time.sleep(0.02)

    def test_early_answer_comes_before_the_reset(self):
        """As a web server that refuses an upload: it answers without reading
        all, and closing then sends a reset."""
        for size in (1000, len(ANSWER)):
            for client, server in self.pairs():
                client.sendall(b"x" * 200_000)
                receive(server, 1000)
                server.sendall(ANSWER[:size])
                self.wait_sent(server)
                server.close()  # with unread bytes: a reset
                self.assertEqual(self.receive_until_reset(client), ANSWER[:size])

    def wait_sent(self, sock):
        """Until the concentrator has read all: what a reset would take along."""
        def is_acknowledged():
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            return int.from_bytes(info[24:28], sys.byteorder) == 0  # tcpi_unacked

        def is_read():
            found = self.lab.vps.run(["ss", "-Htn", f"sport = :{sock.getpeername()[1]}"]).stdout
            return all(line.split()[1] == "0" for line in found.splitlines())

        self.wait(is_acknowledged, 20, "the answer is acknowledged")
        self.wait(is_read, 20, "the answer is read")

    @staticmethod
    def receive_until_reset(sock):
        data = bytearray()
        try:
            while part := sock.recv(case.CHUNK):
                data += part
        except ConnectionResetError:
            pass
        return bytes(data)

    # -- destinations that do not answer

    def test_refused_is_a_reset(self):
        for address in (SRV4, SRV6):
            with self.connect(address, CLOSED_PORT) as client:
                with self.assertRaises(ConnectionResetError):
                    client.recv(1)

    def test_refused_is_code_05(self):
        for address in (SRV4, SRV6):
            self.assertEqual(self.socks_code(address, CLOSED_PORT), case.SOCKS_REFUSED)

    def test_unreachable_is_code_03_or_04(self):
        self.assertEqual(self.socks_code(NO_ROUTE), case.SOCKS_NET_UNREACHABLE)
        self.assertEqual(self.socks_code(NOBODY), case.SOCKS_HOST_UNREACHABLE)
        self.assertEqual(self.socks_code(UNREACHABLE), case.SOCKS_HOST_UNREACHABLE)

    def test_timed_out_is_code_06(self):
        self.assertEqual(self.socks_code(BLACK_HOLE), case.SOCKS_EXPIRED)

    def test_unknown_name_is_code_04(self):
        self.assertEqual(self.socks_code("nobody.lab.test"), case.SOCKS_HOST_UNREACHABLE)

    def test_forbidden_is_code_02(self):
        for address in ("10.1.2.3", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1",
                        "224.0.0.1", VPS4, VPS6, "198.51.100.1", "::1", "fd00::1", "fe80::1",
                        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "localhost"):
            with self.subTest(address):
                self.assertEqual(self.socks_code(address, 443), case.SOCKS_REFUSED_BY_RULES)

    def test_forbidden_is_a_reset(self):
        with self.connect("172.16.0.1", 80) as client:
            with self.assertRaises(ConnectionResetError):
                client.recv(1)

    # -- one beside another

    def test_slow_reader_hurts_nobody(self):
        alone = self.bulk_mbps()
        client, server = self.pair()
        server.setblocking(False)
        sent = 0
        with self.assertRaises(BlockingIOError):  # until nobody takes more
            while sent < 1 << 28:
                try:
                    sent += server.send(ANSWER)
                except BlockingIOError:
                    time.sleep(0.3)
                    sent += server.send(ANSWER)
        for _ in range(TRIES_MAX):
            beside = self.bulk_mbps()
            if beside > alone / 2:
                break
        self.note = f"{alone:.0f} Mbit/s alone, {beside:.0f} beside a reader that sleeps"
        self.assertGreater(beside, alone / 2)
        server.setblocking(True)
        server.close()
        self.assertEqual(len(receive_all(client)), sent)

    def bulk_mbps(self):
        done = self.lab.lan.run(["aggload", "bulk", SRV4, "-t", "3", "-k", "1"])
        return json.loads(done.stdout)["total_mbps"]

    def test_idle_streams_stay(self):
        pairs = [self.pair() for _ in range(IDLE_STREAMS)]
        time.sleep(IDLE_S)
        for client, server in pairs:
            client.sendall(b"still here")
        for client, server in pairs:
            self.assertEqual(receive(server, 10), b"still here")


if __name__ == "__main__":
    unittest.main()
