#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A changed configuration takes effect by SIGHUP and costs no stream; a bad
one is refused as a whole, and says where it is bad.

    lan -- gw ==S1== isp -- vps -- srv
"""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from case import DIRECT4, VPS_SEEN4, AggdTest, socks_connect  # noqa: E402
from lab import SRV4, SRV6, VPS4, VPS6  # noqa: E402

APPLIED_S = 20
QUIET_S = 1
SOCKS_MOVED = "192.168.100.1:1081"
OTHER_PIN = "sha256:" + "A" * 42 + "E"


class Reload(AggdTest):
    scenario = "S1"

    def tearDown(self):
        """Each test begins with the configuration of the first."""
        self.aggd.gateway_options = self.aggd.concentrator_options = None
        self.aggd.site_options = self.aggd.lan_options = None
        self.aggd.socks = case.SOCKS_ADDRESS
        self.aggd.bypass, self.aggd.sites = [], {}
        self.assertTrue(self.aggd.reload("vps") and self.aggd.reload("gw"))
        self.aggd.wait_ready()

    def scheduler(self, role):
        return self.aggd.status("status", role)["sessions"][0]["scheduler"]

    def wait_scheduler(self, role, name):
        self.wait(lambda: self.scheduler(role) == name, APPLIED_S,
                  lambda: f"{role} sends by {name}: {self.scheduler(role)}")

    def reload(self, role):
        self.assertTrue(self.aggd.reload(role), self.aggd.log(role))

    # -- what may change, under a download and an upload

    def test_scheduler(self):
        with self.flow(), self.flow("up"):
            self.aggd.gateway_options = {"scheduler": "roundrobin"}
            self.reload("gw")
            self.wait_scheduler("gw", "roundrobin")
            self.wait_scheduler("vps", "roundrobin") # follows the gateway's wish
            self.aggd.site_options = {"scheduler": "lowrtt"}
            self.reload("vps")
            self.wait_scheduler("vps", "lowrtt")
            self.assertEqual(self.scheduler("gw"), "roundrobin")

    def test_bypass(self):
        with self.flow() as down:
            self.assertEqual(self.who(), VPS_SEEN4)
            self.aggd.bypass = [SRV4 + "/32"]
            self.reload("gw")
            self.wait(lambda: self.who() in DIRECT4, APPLIED_S, "new connections leave directly")
            before = down.count
            self.aggd.bypass = []
            self.reload("gw")
            self.wait(lambda: self.who() == VPS_SEEN4, APPLIED_S, "new connections are taken")
            self.wait(lambda: down.count > before, APPLIED_S, "the download goes on")

    def test_log_level(self):
        with self.flow():
            self.assertNotIn("debug:", self.aggd.read("vps.log"))
            self.aggd.concentrator_options = {"log_level": "debug"}
            self.reload("vps")
            self.aggd.gateway_options = {"bundles": "2"}
            self.reload("gw")
            self.wait(lambda: "debug:" in self.aggd.read("vps.log"), APPLIED_S, "debug lines")

    def test_bundles_memory_linger(self):
        with self.flow(), self.flow("up"):
            self.aggd.gateway_options = {"bundles": "2", "memory": "16MiB", "linger": "30s"}
            self.reload("gw")
            self.wait(lambda: self.subflows() == (4, 4), APPLIED_S,
                      lambda: f"two bundles: {self.subflows()}")
            self.wait(lambda: self.aggd.status()["sessions"][0]["memory_budget_bytes"] == 16 << 20,
                      APPLIED_S, "the memory is as configured")
            self.aggd.gateway_options = {"bundles": "6"}
            self.reload("gw")
            self.wait(lambda: self.subflows() == (12, 12), APPLIED_S,
                      lambda: f"six bundles: {self.subflows()}")

    def test_sites(self):
        with self.flow(), self.flow("up"):
            self.aggd.sites = {"cabin": OTHER_PIN}
            self.reload("vps")
            self.wait(lambda: self.sites() == {"home": True, "cabin": False}, APPLIED_S, self.sites)
            self.aggd.sites = {}
            self.reload("vps")
            self.wait(lambda: self.sites() == {"home": True}, APPLIED_S, self.sites)

    def sites(self):
        return {s["name"]: s["connected"] for s in self.aggd.status("sites", "vps")["sites"]}

    def test_socks5_moves(self):
        code, sock = self.socks(SRV6)
        self.assertEqual(code, case.SOCKS_OK)
        with self.flow(sock=sock), self.flow():
            self.aggd.socks = SOCKS_MOVED
            self.reload("gw")
            with self.assertRaises(ConnectionRefusedError):
                socks_connect(self.lab.lan, case.SOCKS_ADDRESS, SRV4, case.FLOW_PORT)
            self.assertEqual(self.socks_code(SRV4), case.SOCKS_OK)

    def test_endpoints(self):
        """Each uplink connects anew, to the other family; streams go over."""
        self.addCleanup(setattr, self.aggd, "endpoints", (VPS4, VPS6))
        with self.flow() as down, self.flow("up"):
            self.aggd.endpoints = (VPS6,)
            self.reload("gw")
            self.wait(lambda: {u["endpoint"] for u in self.aggd.uplinks().values()
                               if u["state"] == "up"} == {f"[{VPS6}]:443"}, APPLIED_S,
                      "the uplinks use IPv6")
            before = down.count
            self.wait(lambda: down.count > before + case.USED_BYTES, APPLIED_S, "bytes come")

    def test_aggctl_reload(self):
        with self.flow():
            self.aggd.gateway_options = {"scheduler": "roundrobin"}
            self.aggd.write_configs()
            self.assertIn("reloaded", self.aggd.ctl("gw", "reload").stdout)
            self.wait_scheduler("gw", "roundrobin")

    # -- what is refused

    BAD = (("an unknown key", "option role 'gateway'", "option role 'gateway'\n\toption colour 'x'",
            3, "colour"),
           ("an unknown value", "option role 'gateway'",
            "option role 'gateway'\n\toption on_outage 'panic'", 3, "on_outage"),
           ("a broken line", "config concentrator 'vps'", "config concentrator 'vps", 7, "quote"))

    def refusal(self):
        """The last that was said of a file: other lines may stand behind it."""
        return [line for line in self.aggd.read("gw.log").splitlines()
                if "present configuration stays" in line][-1]

    def test_bad_file_changes_nothing(self):
        good = self.aggd.read("gw.conf")
        for name, old, new, line, word in self.BAD:
            with self.subTest(name), self.flow(), self.flow("up"):
                before = (self.aggd.ruleset(), list(self.aggd.uplinks()), self.scheduler("gw"))
                self.aggd.write("gw.conf", good.replace(old, new, 1).replace(
                    "config uplink 'cable'", "config uplink 'other'"))
                self.assertFalse(self.aggd.hup("gw"))
                said = self.refusal()
                self.assertIn(f"gw.conf:{line}:", said)
                self.assertIn(word, said)
                done = self.aggd.ctl("gw", "reload", check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(word, done.stdout + done.stderr)
                after = (self.aggd.ruleset(), list(self.aggd.uplinks()), self.scheduler("gw"))
                self.assertEqual(after, before)

    def test_changed_role_is_refused(self):
        self.aggd.write("gw.conf", self.aggd.read("vps.conf"))
        with self.flow():
            self.assertFalse(self.aggd.hup("gw"))
            self.assertIn("'role' changed", self.refusal())

    def test_aggd_t(self):
        path = self.aggd.path("gw.conf")
        done = self.lab.gw.run(["aggd", "-t", "-c", path])
        self.assertIn("good", done.stdout)
        good = self.aggd.read("gw.conf")
        for name, old, new, line, word in self.BAD:
            with self.subTest(name):
                self.aggd.write("bad.conf", good.replace(old, new, 1))
                done = self.lab.gw.run(["aggd", "-t", "-c", self.aggd.path("bad.conf")],
                                       check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"bad.conf:{line}:", done.stderr)
                self.assertIn(word, done.stderr)

    # -- a site that is no longer wanted

    def test_site_removed_is_out(self):
        with self.connect() as client:
            time.sleep(QUIET_S)
            conf, strangers = self.aggd.read("vps.conf"), self.unknown()
            self.aggd.write("vps.conf", conf.replace(self.aggd.keygen(self.lab.gw, "gw-state"),
                                                     OTHER_PIN))
            self.assertTrue(self.aggd.hup("vps"))
            with self.assertRaises(ConnectionResetError):
                client.recv(1)
            self.wait(lambda: self.unknown() > strangers, APPLIED_S, "the gateway is a stranger")

    def unknown(self):
        return self.aggd.read("vps.log").count("unknown pin")


if __name__ == "__main__":
    unittest.main()
