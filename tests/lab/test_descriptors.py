#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""More idle connections than the process may have descriptors: who is too many
is refused alone. Everybody else goes on, control answers, a reload runs nft, and
an uplink connects anew.

    lan -- gw ==fast== isp -- vps -- srv; one of gw and vps is short of them
"""
import contextlib
import os
import resource
import select
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest, accept, listen  # noqa: E402
from lab import SRV4  # noqa: E402

IDLE = 2000
PORT = 9100
HOSTS = [f"192.168.100.{n}" for n in range(100, 124)]
SETTLE_S = 30
CALM_S = 0.5
CALM_LOOKS = 3
# What is left for streams: three quarters of the limit, less what a daemon
# has open itself.
OWN_MAX = 100
LIMIT = 1024
MOST = LIMIT * 3 // 4


class Short:
    """One role has too few descriptors, and says so once."""

    role = message = None

    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUpClass()
        cls.held = []
        cls.server = listen(cls.lab.srv, PORT)
        cls.server.settimeout(None)
        threading.Thread(target=cls.hold, daemon=True).start()

    @classmethod
    def hold(cls):
        while True:
            cls.held.append(accept(cls.server)[0])

    def open_idle(self):
        """So many clients that connect and say nothing; of several hosts, as
        one alone is not given all places."""
        clients = []
        with self.lab.lan.inside():
            for i in range(IDLE):
                sock = socket.socket()
                self.addCleanup(sock.close)
                sock.bind((HOSTS[i % len(HOSTS)], 0))
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sock.connect((SRV4, PORT))
                clients.append(sock)
        return clients

    def alive(self, clients):
        """Those that were not reset."""
        poll = select.poll()
        for sock in clients:
            poll.register(sock, select.POLLIN)
        ended = {fd for fd, events in poll.poll(0)
                 if events & (select.POLLIN | select.POLLHUP | select.POLLERR)}
        return [sock for sock in clients if sock.fileno() not in ended]

    def settled(self, clients):
        """Those that are left when no refusal is on its way any more: each is a
        stream at both ends, beside the download, and that stays so."""
        looks = 0

        def calm():
            nonlocal looks
            count = len(self.alive(clients))
            same = self.streams("gw") == self.streams("vps") == count + 1
            looks = looks + 1 if same else 0
            time.sleep(CALM_S)
            return looks >= CALM_LOOKS

        self.wait(calm, SETTLE_S, lambda: f"all is settled: {len(self.alive(clients))} clients, "
                                          f"{self.streams('gw')} and {self.streams('vps')} streams")
        return self.alive(clients)

    def streams(self, role):
        return len(self.aggd.status("streams", role)["streams"])

    def test_idle_connections(self):
        aggd = self.aggd
        self.lab.lan.ip(*(f"addr add {host}/24 dev eth0" for host in HOSTS))
        with self.flow() as flow:
            clients = self.open_idle()
            self.wait(lambda: MOST - OWN_MAX <= len(self.alive(clients)) <= MOST,
                      SETTLE_S, lambda: f"some are refused: {len(self.alive(clients))} are left")
            left = self.settled(clients)
            for role in ("gw", "vps"):
                self.assertLessEqual(self.streams(role), MOST)
            before = flow.count
            self.wait(lambda: flow.count > before + 1_000_000, SETTLE_S, "the download goes on")
            names = list(aggd.uplinks())
            aggd.only = names[:1]
            self.assertTrue(aggd.reload("gw"))
            self.wait(lambda: list(aggd.uplinks()) == names[:1], SETTLE_S, "one uplink is left")
            aggd.only = None
            self.assertTrue(aggd.reload("gw"))
            aggd.wait_ready()
            self.assertEqual(len(self.alive(left)), len(left))
        for role in ("gw", "vps"):
            log = aggd.read(f"{role}.log")
            self.assertEqual(log.count(self.message), role == self.role, log)
            self.assertNotIn("netmon", log)
            self.assertLess(len(log.splitlines()), 60, log)
        for sock in clients + self.held:
            sock.close()
        self.wait(lambda: not self.streams("gw"), SETTLE_S, "the idle ones are gone")
        self.assertTrue(self.who())
        self.note = f"{len(left)} of {IDLE} stay"


def few(role):
    """A soft limit that is too low, and a hard one to which it is raised."""
    return {"under": {role: ["prlimit", f"--nofile=128:{LIMIT}"]}}


class Gateway(Short, AggdTest):
    options = few("gw")
    role, message = "gw", "connections, its share"


class Concentrator(Short, AggdTest):
    # Of several workers each has its part of the descriptors.
    options = {**few("vps"), "concentrator": {"workers": "1"}}
    role, message = "vps", "streams are refused"


if __name__ == "__main__":
    unittest.main()
