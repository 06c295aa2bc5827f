#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Links die under running connections: one silently, one with its carrier,
all of them. No connection may notice more than a pause.

    lan -- gw ==S1== isp -- vps -- srv
                      drops what is for vps:443 in the outage, so that what
                      leaves directly still finds its way
"""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from case import (DIRECT4, USED_BYTES, USED_TIMEOUT_S, VPS_SEEN4, AggdTest,  # noqa: E402
                  accept, listen, receive)
from lab import SRV4, SRV6  # noqa: E402

GAP_S_MAX = 2          # of a cut link; the figure itself is the benchmark's
SECOND_BYTES = 1_000_000  # of a download by one link, in one second
NOTICED_S = 5          # that it was the carrier is said besides
OUTAGE_S = 15
NOTICED_OUTAGE_S = 15
PORT = 8000

OUTAGE = """\
table inet outage {
	chain forward {
		type filter hook forward priority filter;
		tcp dport 443 drop
		tcp sport 443 drop
	}
}
"""


class Cut(AggdTest):
    scenario = "S1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = listen(cls.lab.srv, PORT)
        cls.addClassCleanup(cls.server.close)

    def tearDown(self):
        """Each test begins with both links in use, and no options."""
        if self.aggd.gateway_options:
            self.aggd.gateway_options = None
            self.aggd.reload("gw")
        for link in self.lab.links.values():
            link.restore()
            link.carrier(True)
        self.aggd.wait_ready(20)

    def test_silent_cut_of_one_link(self):
        for victim in ("dsl", "cable"):
            with self.flow() as down, self.flow("up") as up:
                time.sleep(1.5)
                self.lab.link(victim).cut()
                time.sleep(4)
                self.wait(lambda f=down: f.bytes_between(time.monotonic() - 1, time.monotonic())
                          > SECOND_BYTES, USED_TIMEOUT_S, "the other link is in full use")
                self.lab.link(victim).restore()
                again = self.wait_used(victim)
            self.assertLess(down.gap_s, GAP_S_MAX)
            self.assertGreater(up.count, 1_000_000)
            self.note += f"{victim}: gap {down.gap_s * 1000:.0f} ms, used again {again:.1f} s; "

    def test_carrier_is_noticed_at_once(self):
        with self.flow() as down:
            time.sleep(1)
            self.lab.link("dsl").carrier(False)
            self.wait_state("dsl", "down", NOTICED_S)
            self.assertIn("carrier", self.aggd.uplinks()["dsl"]["why"])
            time.sleep(1)
            self.lab.link("dsl").carrier(True)
            self.wait_state("dsl", "up", USED_TIMEOUT_S)
            self.wait_used("dsl")
        self.assertLess(down.gap_s, GAP_S_MAX)

    def test_short_cut_of_all_links(self):
        with self.flow() as down, self.flow("up"):
            time.sleep(1)
            for link in self.lab.links.values():
                link.cut()
            time.sleep(3)
            for link in self.lab.links.values():
                link.restore()
            before = down.count
            self.wait(lambda: down.count > before + USED_BYTES, USED_TIMEOUT_S, "bytes come again")
        self.note = f"gap {down.gap_s:.1f} s"

    # -- an outage

    def check_direct(self):
        self.wait(lambda: not self.aggd.is_taking("ip"), NOTICED_OUTAGE_S,
                  "the outage is noticed")
        self.assertIn(self.who(), DIRECT4)
        code, sock = self.socks(SRV4)
        self.assertEqual(code, case.SOCKS_OK)
        self.assertIn(self.who(sock=sock), DIRECT4)
        for dest in ("127.0.0.1", "192.168.100.1"):
            self.assertEqual(self.socks_code(dest), case.SOCKS_REFUSED_BY_RULES)

    def check_block(self):
        self.aggd.gateway_options = {"on_outage": "block"}
        self.assertTrue(self.aggd.reload("gw"))
        self.wait(lambda: "reject" in self.aggd.ruleset(), NOTICED_S,
                  "new connections are refused")
        for address in (SRV4, SRV6):
            with self.assertRaises(ConnectionRefusedError):
                self.connect(address, PORT)
            self.assertEqual(self.socks_code(address), case.SOCKS_NET_UNREACHABLE)

    def test_outage_of_15_s(self):
        echo = self.connect(SRV4, PORT)
        far, _ = accept(self.server)
        _, socks = self.socks(SRV6)
        with self.flow() as down, self.flow("up") as up, self.flow(sock=socks) as by_socks:
            time.sleep(1)
            start = time.monotonic()
            self.lab.isp.nft(OUTAGE)
            self.check_direct()
            echo.sendall(b"during")
            self.check_block()
            time.sleep(max(0, start + OUTAGE_S - time.monotonic()))
            counts = [f.count for f in (down, by_socks)]
            self.lab.isp.run(["nft", "delete", "table", "inet", "outage"])
            restored = time.monotonic()
            self.wait(lambda: down.count > counts[0] + USED_BYTES and
                      by_socks.count > counts[1] + USED_BYTES, USED_TIMEOUT_S, "bytes come again")
            again = time.monotonic() - restored
            self.assertEqual(receive(far, 6), b"during")
            self.wait(lambda: self.aggd.is_taking("ip", "ip6"), NOTICED_OUTAGE_S,
                      "the LAN is taken again")
            self.assertEqual(self.who(), VPS_SEEN4)
            self.assertEqual(self.socks_code(SRV4), case.SOCKS_OK)
        echo.close()
        far.close()
        self.note = f"all go on {again:.1f} s after"


if __name__ == "__main__":
    unittest.main()
