# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What a concentrator makes of what comes late, goes, or is there twice: the
address that it listens at, its port, IPv6 behind it, a gateway's key.

    vps: 203.0.113.10    LATE is added and removed on its way to the isp
    srv                  swallows IPv6; runs a gateway with the same key as gw
"""
import json
import shutil
import socket
import time
import unittest

from aggd import endpoint
from case import WWW, AggdTest, connect
from lab import VPS4

LATE = "203.0.113.20"
SOON_S = 20
ANSWER_S = 1
# Four seconds of silence, and the turn of those who look.
LEARN_S = 30
DEAD = [f"2001:db8:b{i:02x}::1" for i in range(1, 6)]  # a /48 each
REFUSED_S = 10 # where the dial's deadline would be 30
NAMED_S = 60  # ten seconds that a late subflow may take, and the retries

RIVAL = """\
config aggd 'main'
	option role 'gateway'
	option control '{dir}/rival.sock'
	option state '{dir}/rival-state'
	option carrier 'subflows'
config concentrator 'vps'
	list endpoint '{endpoint}'
	option pin '{pin}'
config uplink 'only'
	option device 'eth0'
"""


class Door(AggdTest):
    scenario = "fast"

    @classmethod
    def prepare(cls):
        cls.start_dns()
        cls.lab.vps.ip(*(f"-6 route add {a}/48 via 2001:db8:aa::10" for a in DEAD))

    def vps_conf(self, *listens):
        text = self.aggd.read("vps.conf")
        lines = [line for line in text.splitlines() if "list listen" not in line]
        at = next(i for i, line in enumerate(lines) if "option role" in line)
        lines[at + 1:at + 1] = [f"\tlist listen '{a}'" for a in listens]
        self.aggd.write("vps.conf", "\n".join(lines) + "\n")
        return self.aggd.hup("vps")

    def answers(self, address, port=443):
        try:
            connect(self.lab.isp, address, port, ANSWER_S).close()
            return True
        except OSError:
            return False

    def waits_for(self):
        return self.aggd.status(role="vps").get("waits_for") or ""

    def test_address_comes_late_and_goes_and_comes(self):
        self.assertTrue(self.vps_conf("[::]:443", f"{LATE}:8443"))
        self.wait_equal(lambda: LATE in self.waits_for(), True)
        for _ in range(2):
            self.assertFalse(self.answers(LATE, 8443))
            self.lab.vps.ip(f"addr add {LATE}/24 dev eth0")
            self.wait(lambda: self.answers(LATE, 8443), SOON_S, "it is served")
            self.wait(lambda: not self.waits_for(), SOON_S, self.waits_for)
            self.lab.vps.ip(f"addr del {LATE}/24 dev eth0")
            self.wait(lambda: LATE in self.waits_for(), SOON_S, self.waits_for)
        self.assertTrue(self.vps_conf("[::]:443"))
        self.wait_equal(self.waits_for, "")

    def test_start_without_the_address(self):
        self.aggd.stop_one("vps")
        conf = self.aggd.read("vps.conf")
        self.aggd.write("vps.conf", conf.replace("[::]:443", f"{LATE}:443"))
        self.aggd.start_concentrator()
        self.wait_equal(lambda: LATE in self.waits_for(), True)
        self.aggd.write("vps.conf", conf)
        self.assertTrue(self.aggd.hup("vps"))
        self.aggd.wait_ready()

    def test_reload_that_cannot_listen_changes_nothing(self):
        with self.lab.vps.inside():
            taken = socket.create_server(("0.0.0.0", 8443))
        with taken, self.flow() as down:
            before = down.count
            self.assertFalse(self.vps_conf("[::]:444", "0.0.0.0:8443"))
            self.assertIn("listen 0.0.0.0:8443: Address already in use; the present",
                          self.aggd.read("vps.log"))
            self.wait_equal(lambda: self.answers(VPS4, 443), True)
            self.assertFalse(self.answers(VPS4, 444))
            self.wait(lambda: down.count > before + 100_000, SOON_S, "the flow goes on")
        self.assertTrue(self.vps_conf("[::]:443"))

    def test_ipv6_that_nobody_answers(self):
        self.assertTrue(self.aggd.is_taking("ip", "ip6"))
        self.lab.srv.nft("table ip6 hole { chain c { type filter hook prerouting priority 0;\n"
                         "meta l4proto tcp drop\n}\n}")
        socks = []
        for address in DEAD:
            with self.lab.lan.inside():
                sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            self.addCleanup(sock.close)
            sock.settimeout(REFUSED_S)
            sock.connect((address, 80)) # to the gateway: it accepts at once
            socks.append(sock)
        self.wait(lambda: not self.aggd.is_taking("ip6"), LEARN_S, self.aggd.ruleset)
        self.assertIn("egress: no IPv6: nobody answers", self.aggd.read("vps.log"))
        self.assertIn("an answer by IPv6", self.waits_for())
        for sock in socks: # they do not wait for the dial's deadline
            sock.settimeout(REFUSED_S)
            with self.assertRaises(ConnectionResetError):
                sock.recv(1)
        start = time.monotonic()
        with self.assertRaises(OSError):
            self.connect(DEAD[0], 80)
        self.assertLess(time.monotonic() - start, REFUSED_S)
        self.lab.srv.nft("delete table ip6 hole")
        # A name is tried by IPv6 first all the same, and that mends it.
        def is_mended():
            self.socks(WWW)
            return self.aggd.is_taking("ip", "ip6")

        self.wait(is_mended, LEARN_S, self.aggd.ruleset)

    def rival_status(self):
        done = self.lab.srv.run(["aggctl", "-s", self.aggd.path("rival.sock"), "status",
                                 "--json"], check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def test_two_gateways_with_one_key(self):
        """The later one has the site, the other is told why."""
        shutil.copytree(self.aggd.path("gw-state"), self.aggd.path("rival-state"))
        self.aggd.write("rival.conf", RIVAL.format(
            dir=self.aggd.dir, endpoint=endpoint(VPS4),
            pin=self.aggd.keygen(self.lab.vps, "vps-state")))
        rival = self.lab.srv.spawn(["aggd", "-c", self.aggd.path("rival.conf")],
                                   log="rival.log")
        self.addCleanup(self.lab.kill, rival)

        def told(): # by each uplink when it asks again: the session says the first one's
            return "another gateway with the same key" in \
                (self.aggd.status()["sessions"][0]["why"] or "")

        self.wait(told, NAMED_S, lambda: f"gw says why: {self.aggd.uplinks()}")
        self.wait_equal(lambda: any("another gateway with the same key" in (u["why"] or "")
                                    for u in self.aggd.uplinks().values()), True)
        self.assertLess(self.aggd.read("gw.log").count("refused by the peer"), 12)
        self.wait_equal(lambda: "another gateway with the same key" in
                        (self.aggd.status("sites", "vps")["sites"][0]["note"] or ""), True)
        log = self.aggd.read("vps.log")
        self.assertEqual(log.count("two gateways with one key"), 1, log)
        self.assertLess(log.count("began anew"), 5, log)


if __name__ == "__main__":
    unittest.main()
