#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""`aggctl doctor` on set-ups that are broken one way each: it names the step, once,
and nothing else; and on healthy odd ones, where it finds nothing.

    lan (clients) -- gw ==S2== isp -- vps -- srv
"""
import contextlib
import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import DEGRADED  # noqa: E402
from case import AggdTest, listen  # noqa: E402
from lab import SRV4, SRV6, VPS4, VPS6  # noqa: E402

FOUND_S = 60
OTHER_PIN = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
DEAF_PORT = 7200
DROP6 = "table ip6 drop6 { chain f { type filter hook forward priority 0; drop\n}\n}\n"


class Doctor(AggdTest):
    scenario = "S2"

    def setUp(self):
        self.first, self.second = self.lab.uplinks[:2]
        self.addCleanup(self.mend)

    def mend(self):
        """As it was when the class began."""
        self.aggd.gateway_options = self.aggd.site_options = None
        self.aggd.uplink_options = {}
        self.aggd.endpoints = (VPS4, VPS6)
        self.aggd.socks = "192.168.100.1:1080"
        self.aggd.bypass, self.aggd.more = [], {}
        self.assertTrue(self.aggd.reload("gw"), self.aggd.log("gw"))
        self.expect()

    def doctor(self, part="findings"):
        done = self.lab.gw.run(
            ["aggctl", "-s", self.aggd.path("gw.sock"), "-c", self.aggd.path("gw.conf"),
             "doctor", "--json"], check=False)
        told = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if told["findings"] else 0, done.stderr)
        return told[part]

    def expect_notes(self, *steps):
        """These, and no fault."""
        self.expect()
        self.wait_equal(lambda: [(n["step"], n["subject"]) for n in self.doctor("notes")],
                        list(steps), FOUND_S)
        return self.doctor("notes")

    def expect(self, *steps):
        """Nothing but these, as (step, subject)."""
        found = []

        def is_found():
            found[:] = self.doctor()
            return [(f["step"], f["subject"]) for f in found] == list(steps)

        self.wait(is_found, FOUND_S, lambda: f"{steps}: {json.dumps(found, indent=1)}")
        for finding in found:
            self.assertTrue(finding["remedy"] and finding["text"])
        return found

    def reload(self, **options):
        self.aggd.gateway_options = options
        self.assertTrue(self.aggd.reload("gw"), self.aggd.log("gw"))

    # -- broken: what an uplink lacks

    def start_again(self):
        """The second device as it was."""
        device = self.second.device
        for family in ("-4", "-6"):
            self.lab.gw.run(["ip", family, "route", "del", "default", "dev", device], check=False)
        self.lab.gw.run(["ip", "addr", "flush", "dev", device])
        self.lab.start_uplink_end(self.lab.gw, 2, self.second.device, 2, 1)
        self.lab.add_default(2, self.second)

    def test_link(self):
        self.lab.gw.run(["ip", "link", "set", self.second.device, "down"])
        self.addCleanup(self.start_again)
        self.expect(("link", self.second.name))

    def test_carrier(self):
        link = self.lab.link(self.second.name)
        link.carrier(False)
        self.addCleanup(self.start_again)
        self.addCleanup(link.carrier, True)
        self.expect(("carrier", self.second.name))

    def test_address_and_route(self):
        self.lab.gw.run(["ip", "addr", "flush", "dev", self.second.device])
        self.addCleanup(self.start_again)
        self.expect(("address", self.second.name))
        self.start_again()
        self.expect()
        for family in ("-4", "-6"):
            self.lab.gw.run(["ip", family, "route", "del", "default", "dev",
                             self.second.device])
        self.expect(("route", self.second.name))

    def test_device(self):
        self.aggd.more = {"gw": "config uplink 'ghost'\n\toption device 'wan7'\n"}
        self.reload()
        self.expect(("device", "ghost"))

    # -- broken: the way to the concentrator, and what is there

    def both(self):
        return f"{self.first.name}, {self.second.name}"

    def test_name(self):
        self.aggd.endpoints = ("nobody.lab.test",)
        self.reload()
        self.expect(("dns", self.both()))

    def test_concentrator_is_not_there(self):
        self.aggd.stop_one("vps")
        self.addCleanup(self.aggd.start_concentrator)
        self.expect(("tcp", self.both()))

    def test_silent_way(self):
        link = self.lab.link(self.second.name)
        link.cut()
        self.addCleanup(link.restore)
        self.wait(lambda: [f["step"] for f in self.doctor()] in (["tcp"], ["loss"]), FOUND_S,
                  self.doctor)

    def test_full_packets(self):
        self.lab.drop_large(self.second.name)
        self.addCleanup(self.lab.drop_large, self.second.name, None)
        self.aggd.stop_one("vps")
        self.aggd.start_concentrator()
        self.expect(("mtu", self.second.name))
        self.lab.drop_large(self.second.name, None)
        self.aggd.only = [self.first.name]
        self.reload()
        self.aggd.only = None
        self.reload()  # it begins anew

    def test_pin(self):
        conf = self.aggd.read("gw.conf")
        pin = self.aggd.keygen(self.lab.vps, "vps-state")
        self.aggd.write("gw.conf", conf.replace(pin, OTHER_PIN))
        self.assertTrue(self.aggd.hup("gw"))
        self.expect(("pin", self.both()))

    def test_udp(self):
        """By one uplink, then by none."""
        deaf = "table inet deaf {{ chain f {{ type filter hook forward priority 0; {}\n}}\n}}\n"
        rule = "iifname up2 meta l4proto udp drop"
        self.addCleanup(self.lab.isp.nft, "table inet deaf\ndelete table inet deaf")
        self.lab.isp.nft(deaf.format(rule))
        self.expect(("udp", self.second.name))
        self.lab.isp.nft(deaf.format(rule.replace("up2", "up1")))
        self.assertIn("carried by TCP", self.expect(("udp", self.both()))[0]["text"])

    def test_ipv6(self):
        """The LAN has it, and the concentrator's way out has not."""
        self.lab.vps.ip("-6 route del default")
        self.addCleanup(self.lab.vps.ip, f"-6 route add default via {SRV6}")
        self.expect(("ipv6", ""))

    def test_site(self):
        conf = self.aggd.read("vps.conf")
        self.addCleanup(self.aggd.reload, "vps")
        self.aggd.write("vps.conf", conf.replace(self.aggd.keygen(self.lab.gw, "gw-state"),
                                                 OTHER_PIN))
        self.assertTrue(self.aggd.hup("vps"))
        self.expect(("site", self.both()))

    # -- broken: this host

    def test_forwarding(self):
        self.lab.gw.sysctl({"net.ipv4.ip_forward": 0})
        self.addCleanup(self.lab.gw.sysctl, {"net.ipv4.ip_forward": 1})
        self.expect(("forwarding", "lan"))
        self.wait_equal(lambda: self.aggd.ctl("gw", "status").returncode, DEGRADED)
        self.lab.gw.sysctl({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 0})
        self.addCleanup(self.lab.gw.sysctl, {"net.ipv6.conf.all.forwarding": 1})
        self.expect(("forwarding", "lan"))

    def test_firewall(self):
        """As Docker leaves it; where a rule speaks of the device, its author knows."""
        def notes():
            return [n["text"] for n in self.doctor("notes") if n["step"] == "firewall"]

        self.lab.gw.nft("table ip docker {\nchain FORWARD {\n"
                        "type filter hook forward priority 0; policy drop;\n}\n}\n")
        self.addCleanup(self.lab.gw.nft, "delete table ip docker")
        self.assertIn("chain ip docker FORWARD drops", notes()[0])
        self.lab.gw.nft('add rule ip docker FORWARD iifname "agg-tun" accept')
        self.assertEqual(notes(), [])

    def test_rules(self):
        rule = ["from", "all", "iif", "lan0", "pref", "0", "lookup", "999"]
        self.lab.gw.run(["ip", "rule", "add", *rule])
        self.addCleanup(self.lab.gw.run, ["ip", "rule", "del", *rule])
        self.expect(("rules", f"{self.both()}, lan"))

    def test_identity(self):
        path = self.aggd.path("gw-state/identity.pem")
        os.chmod(path, 0o644)
        self.addCleanup(os.chmod, path, 0o600)
        self.expect(("identity", ""))

    def test_listener(self):
        self.aggd.socks = "192.0.2.77:1080"
        self.reload()
        self.expect(("listen", "lan"))

    def test_kernel(self):
        self.reload(congestion="nothere")
        self.expect(("kernel", ""))

    def test_mptcp(self):
        self.lab.strip_mptcp(self.second.name)
        self.addCleanup(self.lab.keep_mptcp, self.second.name)
        self.reload(carrier="mptcp")
        self.expect(("mptcp", self.second.name))

    def test_configuration(self):
        self.aggd.write("gw.conf", self.aggd.read("gw.conf").replace("tproxy", "tproxi"))
        self.expect(("config", ""))

    def test_daemon(self):
        """Without it the host itself is looked at, by each uplink and family."""
        self.aggd.stop_one("gw")
        self.addCleanup(self.aggd.wait_ready)
        self.addCleanup(self.aggd.start_gateway)
        self.expect(("daemon", ""))
        self.lab.isp.nft(DROP6)
        self.addCleanup(self.lab.isp.nft, "delete table ip6 drop6")
        self.assertIn(VPS6, self.expect(("daemon", ""), ("tcp", self.both()))[1]["text"])
        self.addCleanup(self.aggd.start_concentrator)
        self.aggd.stop_one("vps")
        self.lab.isp.nft("flush table ip6 drop6")
        self.assertIn("refused", self.expect(("daemon", ""), ("tcp", self.both()))[1]["text"])

    def test_bugreport(self):
        """All that is asked for, and nothing that is nobody's business."""
        path = self.aggd.path("report.txt")
        aggctl = ["aggctl", "-s", self.aggd.path("gw.sock"), "-c", self.aggd.path("gw.conf"),
                  "bugreport", path]
        self.expect()
        self.lab.gw.run(aggctl)
        text = self.aggd.read("report.txt")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for words in ("up: nothing is under way", "nothing found", '"schema_version":1',
                      "option role 'gateway'", "wan1", "PUBLIC4-1", "PUBLIC6-1", "table inet aggd"):
            self.assertIn(words, text)
        for secret in (VPS4, VPS6, self.aggd.keygen(self.lab.gw, "gw-state"), "PRIVATE KEY"):
            self.assertNotIn(secret, text)
        again = self.lab.gw.run(aggctl, check=False)  # no file is written over
        self.assertEqual(again.returncode, 1)
        self.assertIn("File exists", again.stderr)

    def test_somebody_else_is_there(self):
        """Who says nothing at all, then who speaks another protocol."""
        server = listen(self.lab.vps, DEAF_PORT)
        self.addCleanup(server.close)
        self.aggd.write("gw.conf", self.aggd.read("gw.conf").replace(":443'", f":{DEAF_PORT}'"))
        self.assertTrue(self.aggd.hup("gw"))
        self.expect(("peer", self.both()))

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        server.settimeout(None)
        threading.Thread(target=answer, daemon=True).start()
        self.expect(("tls", self.both()))

    # -- healthy, if odd

    def test_nat(self):
        """Both uplinks are behind one; that of the second gives them other ports."""
        self.addCleanup(self.lab.isp.nft, "table ip cgn\ndelete table ip cgn")
        self.lab.isp.nft("table ip cgn { chain p { type nat hook postrouting priority 90; "
                         "iifname up2 masquerade random\n}\n}\n")
        self.aggd.endpoints = (VPS4,)
        self.reload()
        first, second = self.expect_notes(("nat", self.first.name), ("nat", self.second.name))
        self.assertIn("seen as 203.0.113.101; it keeps the ports", first["text"])
        self.assertIn("it changes the ports", second["text"])

    def test_offloads(self):
        self.aggd.gateway_options = {"offload": "off"}
        self.start_gateway_again()
        self.addCleanup(self.start_gateway_again)
        self.addCleanup(setattr, self.aggd, "gateway_options", None)
        self.expect()
        self.wait(lambda: [n["text"] for n in self.doctor("notes") if n["step"] == "offloads" and
                           "turned off" in n["text"]], FOUND_S, lambda: self.doctor("notes"))

    def start_gateway_again(self):
        self.aggd.stop_one("gw")
        self.aggd.write_configs()
        self.aggd.start_gateway()

    def test_concentrator(self):
        def found():
            done = self.lab.vps.run(["aggctl", "-s", self.aggd.path("vps.sock"),
                                     "-c", self.aggd.path("vps.conf"), "doctor"], check=False)
            return done.returncode, done.stdout

        self.wait_equal(found, (0, "nothing found\n"), FOUND_S)

    def test_odd_and_healthy(self):
        second = self.second
        self.lab.strip_mptcp(second.name)
        self.addCleanup(self.lab.keep_mptcp, second.name)
        self.reload(carrier="auto", bundles="1")
        self.expect()
        self.aggd.uplink_options = {second.name: {"enabled": "0"}}
        self.aggd.bypass = [SRV4 + "/32"]
        self.reload(on_outage="block")
        self.expect()
        self.aggd.uplink_options = {self.first.name: {"cost": "metered"},
                                    second.name: {"cost": "backup"}}
        self.reload(scheduler="redundant")
        self.expect()
        self.lab.gw.sysctl({f"net.ipv4.conf.{second.device}.rp_filter": 1})
        self.lab.gw.run(["ip", "-6", "addr", "flush", "dev", second.device])
        self.addCleanup(self.start_again)
        self.expect()
        self.aggd.socks = None
        self.reload()
        self.expect()


if __name__ == "__main__":
    unittest.main()
