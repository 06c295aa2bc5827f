#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Memory is what is allocated: clients that read nothing are slowed, and never
cut; what they hold stays within option memory, others go on, and what was used
is given back.

    lan (sockets, aggload) -- gw ==fast== isp -- vps -- srv
"""
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import CHUNK, AggdTest  # noqa: E402
from lab import SRV4  # noqa: E402

PAUSED = 60
MEMORY_MB = 8
SLACK_MB = 3           # a heap's own, and what a second more of streams brings
SETTLE_S = 4
GIVEN_BACK_S = 60
BODY_BYTES = 4_000_000


class Memory(AggdTest):
    plain = True
    options = {"gateway": {"memory": f"{MEMORY_MB}MiB"}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start_load_server()

    def pause(self):
        """A download that nobody reads, in a socket that holds little."""
        with self.lab.lan.inside():
            sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(60)
        sock.connect((SRV4, 7777))
        sock.sendall(f"GET {BODY_BYTES} 1\n".encode())
        self.addCleanup(sock.close)
        return sock

    def test_paused_downloads(self):
        idle = self.aggd.rss_mb("gw")
        socks = [self.pause() for _ in range(PAUSED)]
        time.sleep(SETTLE_S)
        held = self.aggd.rss_mb("gw") - idle
        session = self.aggd.status()["sessions"][0]
        self.assertLessEqual(session["memory_bytes"], session["memory_budget_bytes"])
        self.assertLessEqual(held, MEMORY_MB * 1.1 + SLACK_MB)
        done = self.lab.lan.run(["aggload", "objects", SRV4, "-n", 3, "-s", 3_000_000])
        self.assertEqual(json.loads(done.stdout)["failed"], 0)
        for sock in socks: # nobody was cut
            count = 0
            while count < BODY_BYTES:
                data = sock.recv(CHUNK)
                self.assertTrue(data, f"cut after {count} bytes")
                count += len(data)
            sock.close()
        self.wait(lambda: self.aggd.rss_mb("gw") - idle < MEMORY_MB / 2, GIVEN_BACK_S,
                  lambda: f"memory is given back: {self.aggd.rss_mb('gw') - idle:.1f} MB more")
        self.note = (f"{held:.1f} MB of {MEMORY_MB} held, "
                     f"{self.aggd.rss_mb('gw') - idle:.1f} left at the end")


if __name__ == "__main__":
    unittest.main()
