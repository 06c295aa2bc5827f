#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The lab's middleboxes: on one uplink MPTCP becomes TCP, or takes seconds to
connect, and the others are as before."""
import contextlib
import socket
import struct
import time
import unittest

from case import connect, listen
from lab import VPS4, VPS6, Lab

PORT = 7100
IPPROTO_MPTCP = 262
SOL_MPTCP, MPTCP_INFO = 284, 1
FALLBACK = 1           # of mptcpi_flags, which are at 8
REMOTE_KEY = 2
DROP_S = 1.5           # after the SYNs that vanish comes one without the option


def has_mptcp():
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP).close()
        return True
    return False


def is_mptcp(sock):
    """Is it spoken on this connection? One that fell back has no such option."""
    try:
        flags = struct.unpack_from("I", sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 40), 8)[0]
    except OSError:
        return False
    return bool(flags & REMOTE_KEY) and not flags & FALLBACK


@unittest.skipUnless(has_mptcp(), "this kernel has no MPTCP, or net.mptcp.enabled is 0")
class MiddleboxTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast"))
        with cls.lab.vps.inside():
            cls.server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, IPPROTO_MPTCP)
        cls.addClassCleanup(cls.server.close)
        cls.server.bind(("::", PORT))
        cls.server.listen(16)
        cls.first, cls.second = cls.lab.uplinks[:2]

    def tearDown(self):
        self.lab.keep_mptcp()

    def speaks(self, uplink, address=VPS4):
        """Does a connection by that uplink speak MPTCP? Both ends agree."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.lab.gw.inside():
            sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP)
        with sock:
            sock.settimeout(20)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, uplink.device.encode())
            sock.connect((address, PORT))
            peer, _ = self.server.accept()
            with peer:
                sock.sendall(b"x")
                self.assertEqual(peer.recv(1), b"x")
                self.assertEqual(is_mptcp(sock), is_mptcp(peer))
                return is_mptcp(sock)

    def test_strip_one(self):
        self.assertTrue(self.speaks(self.first))
        self.lab.strip_mptcp(self.first.name)
        for address in (VPS4, VPS6):
            self.assertFalse(self.speaks(self.first, address))
            self.assertTrue(self.speaks(self.second, address))
        self.lab.keep_mptcp(self.first.name)
        self.assertTrue(self.speaks(self.first))

    def test_strip_all(self):
        self.lab.strip_mptcp()
        self.assertFalse(self.speaks(self.first))
        self.assertFalse(self.speaks(self.second))
        self.lab.keep_mptcp()
        self.assertTrue(self.speaks(self.second))

    def test_drop(self):
        self.lab.drop_mptcp(self.first.name)
        self.assertTrue(self.speaks(self.second))
        start = time.monotonic()
        self.assertFalse(self.speaks(self.first))
        self.assertGreater(time.monotonic() - start, DROP_S)
        self.lab.keep_mptcp(self.first.name)
        self.assertTrue(self.speaks(self.first))

    def test_tcp_passes(self):
        self.lab.drop_mptcp()
        listener = listen(self.lab.vps, PORT + 1)
        with listener, connect(self.lab.gw, VPS4, PORT + 1, timeout=5):
            pass


if __name__ == "__main__":
    unittest.main()
