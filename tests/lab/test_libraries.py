#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A gateway and a concentrator that were built with different TLS libraries, each
way round, and both with mbedTLS: they join, all bytes are right, packets go both ways,
and each goes on with the identity that the other library made.

    lan -- gw ==fast== isp -- vps -- srv
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import AggdTest, FlowServer  # noqa: E402
from lab import ROOT, SRV4, Lab  # noqa: E402

MBEDTLS = os.path.join(ROOT, "build-mbedtls", "aggd")
FLOW_BYTES = 3_000_000
BYTES_S = 60
PINGS = 10


class Libraries(AggdTest):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast", sanitized=True))
        cls.flows = FlowServer(cls.lab)

    def run_pair(self, *mbedtls):
        aggd = self.aggd = Aggd(self.lab, gateway={"carrier": "subflows"})
        self.addCleanup(aggd.stop)
        aggd.program = {role: MBEDTLS for role in mbedtls}
        aggd.start()
        for role in ("gw", "vps"):
            session = aggd.status(role=role)["sessions"][0]
            said = "Mbed TLS" if role in mbedtls else "OpenSSL"
            self.assertIn(said.lower(), session["library"].lower())
            self.assertIn("TLS_", session["cipher"])
        self.packets()
        for direction in ("down", "up"):
            with self.flow(direction) as flow:
                self.wait(lambda: flow.count > FLOW_BYTES or flow.direction == b"U", BYTES_S,
                          "bytes")
                self.wait(lambda: aggd.status()["sessions"][0]["up_bytes"] > FLOW_BYTES or
                          flow.direction == b"D", BYTES_S, "bytes")
        self.note = session["cipher"]

    def packets(self):
        """By the packet tunnel, both ways, as each has an answer."""
        def carried():
            self.lab.lan.run(["ping", "-c", PINGS, "-i", 0.1, "-W", 2, SRV4], check=False)
            tunnel = self.aggd.status()["sessions"][0]["tunnel"]
            return tunnel and min(tunnel["down_packets"], tunnel["up_packets"]) >= PINGS

        self.wait(carried, BYTES_S, "packets by the tunnel")

    def test_1_gateway_with_mbedtls(self):
        self.run_pair("gw")

    def test_2_concentrator_with_mbedtls(self):
        self.run_pair("vps")

    def test_3_both_with_mbedtls(self):
        self.run_pair("gw", "vps")

    def test_4_no_other_library(self):
        needs = self.lab.lan.run(["ldd", MBEDTLS]).stdout
        self.assertIn("libmbedcrypto", needs)
        self.assertNotIn("libssl", needs)
        self.assertNotIn("libcrypto.so", needs)


if __name__ == "__main__":
    unittest.main()
