#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Datagrams that leave their sender many at once (as QUIC stacks send, by UDP_SEGMENT) go
through both ends' devices as one packet where the kernel can: each arrives as it
was sent, in both directions and families; and so it is with offload off.

    lan -- gw [agg-tun] --fast-- isp -- vps [agg-home] -- srv
"""
import contextlib
import os
import random
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_tunnel import SRV, TunnelTest, udp  # noqa: E402

PORT, SINK = 9, 7
UDP_SEGMENT, SO_RCVBUFFORCE = 103, 33
SEGMENT, SEGMENTS, SENDS = 1000, 30, 12
ARRIVED = 0.8           # of all: what waits too long for a machine that
TRIES = 6               # stands still is dropped
GREETINGS_MAX = 40


def bytes_of(number, n):
    """What datagram `number` is: it says so, and the rest follows from that."""
    return struct.pack(">I", number) + random.Random(number).randbytes(n - 4)


def send_all(sock, sent):
    """One send: SEGMENTS datagrams, the last of them shorter."""
    sizes = [SEGMENT] * (SEGMENTS - 1) + [5 + sent % (SEGMENT - 5)]
    sock.send(b"".join(bytes_of(sent + i, n) for i, n in enumerate(sizes)))
    return dict(enumerate(sizes, sent))


def receive(sock, sizes):
    """The numbers of those that arrived as they were, in that order; and others."""
    right, wrong = [], 0
    with contextlib.suppress(TimeoutError):
        while len(right) < len(sizes):
            got = sock.recv(4096)
            number = struct.unpack(">I", got[:4])[0]
            if number in sizes and got == bytes_of(number, sizes[number]):
                right.append(number)
            else:
                wrong += number >= min(sizes)
    return right, wrong


class Exchange(TunnelTest):
    scenario = "fast"
    options = {"only": ["a"]}  # so that the order is one, too

    def exchange(self, sender, receiver):
        """Sends by one socket to another, once more if too much is lost."""
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        sent, shares = 0, []
        while not shares or (shares[-1] <= ARRIVED and len(shares) < TRIES):
            before, arrived = sent, 0
            for _ in range(SENDS):
                sizes = send_all(sender, sent)
                sent += len(sizes)
                arrived += self.arrived(receiver, sizes)
            shares.append(arrived / (sent - before))
        self.assertGreater(shares[-1], ARRIVED, shares)

    def arrived(self, receiver, sizes):
        """How many of a send; the next one waits for them, within the socket's patience."""
        right, wrong = receive(receiver, sizes)
        self.assertEqual(wrong, 0)
        self.assertEqual(right, sorted(set(right)))
        return len(right)

    def greet(self, lan, srv):
        """Where the first that arrives comes from."""
        for _ in range(GREETINGS_MAX):
            lan.send(bytes(8))
            with contextlib.suppress(TimeoutError):
                return srv.recvfrom(100)[1][:2]
        raise AssertionError("nothing arrives")

    def both_ways(self):
        for family in (4, 6):
            with udp(self.lab.lan, family) as lan, udp(self.lab.srv, family) as srv:
                for sock in (lan, srv):
                    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
                    sock.settimeout(0.5)
                srv.bind((SRV[family], SINK))
                lan.connect((SRV[family], SINK))
                srv.connect(self.greet(lan, srv))  # as the concentrator translated it
                with self.subTest(family=family, direction="up"):
                    self.exchange(lan, srv)
                with self.subTest(family=family, direction="down"):
                    self.exchange(srv, lan)


class Offload(Exchange):
    def test_what_is_sent_at_once_arrives_as_it_was(self):
        self.both_ways()


class NoOffload(Exchange):
    options = {"only": ["a"], "gateway": {"offload": "off"}, "concentrator": {"offload": "off"}}

    def test_what_is_sent_at_once_arrives_as_it_was(self):
        self.both_ways()


if __name__ == "__main__":
    unittest.main()
