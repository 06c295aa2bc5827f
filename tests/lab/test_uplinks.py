#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Uplinks come, go and change under a running download: devices, addresses,
default routes, families, and the configuration. No stream may end by it.

    lan -- gw ==dsl==   isp -- vps -- srv
              ==lte==
              ==radio==            (the scenario "demo")
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest  # noqa: E402
from lab import SRV6, VPS4, VPS6  # noqa: E402

NOTICED_S = 20
CONNECTED_S = 40
DHCP_TABLE = 77


class Uplinks(AggdTest):
    scenario = "demo"

    def tearDown(self):
        """Each test begins with three uplinks as the lab makes them."""
        for i, uplink in enumerate(self.lab.uplinks, 1):
            self.lab.gw.run(["ip", "addr", "flush", "dev", uplink.device, "scope", "global"])
            for family in ("-4", "-6"):
                self.lab.gw.run(["ip", family, "route", "flush", "table", DHCP_TABLE],
                                check=False)
                self.lab.gw.run(["ip", family, "route", "flush", "exact", "default", "dev",
                                 uplink.device], check=False)
            self.lab.start_uplink_end(self.lab.gw, i, uplink.device, 2, 1)
            self.lab.add_default(i, uplink)
        self.aggd.only = None
        self.aggd.reload("gw")
        self.aggd.wait_ready()

    def place(self, name):
        """The number and the device of an uplink."""
        for i, uplink in enumerate(self.lab.uplinks, 1):
            if uplink.name == name:
                return i, uplink
        raise KeyError(name)

    def del_defaults(self, name):
        _, uplink = self.place(name)
        self.lab.gw.ip(f"route del default dev {uplink.device}",
                       f"-6 route del default dev {uplink.device}")

    def sources(self):
        """The local addresses of the gateway's connections to the concentrator."""
        lines = self.lab.gw.run(["ss", "-Htn", "state", "established", "dport", "=", ":443"])
        return {line.split()[2].rpartition(":")[0].partition("%")[0].strip("[]")
                for line in lines.stdout.splitlines()}

    def wait_down(self, name, why):
        self.wait(lambda: self.aggd.uplinks()[name]["state"] == "down" and
                  why in (self.aggd.uplinks()[name]["why"] or ""), NOTICED_S,
                  lambda: f"{name} is down, {why}: {self.aggd.uplinks()[name]}")

    def wait_configured(self, *names):
        self.wait(lambda: list(self.aggd.uplinks()) == list(names), NOTICED_S,
                  lambda: f"uplinks {names}: {self.aggd.uplinks()}")

    # -- devices, addresses, routes

    def test_device_goes_and_comes(self):
        i, uplink = self.place("lte")
        with self.flow() as down:
            self.wait_used("lte")
            self.lab.gw.ip(f"link set {uplink.device} netns {self.lab.lan.ns}")
            self.wait_down("lte", "no such device")
            self.lab.lan.ip(f"link set {uplink.device} netns {self.lab.gw.ns}")
            self.lab.start_uplink_end(self.lab.gw, i, uplink.device, 2, 1)
            self.lab.add_default(i, uplink)
            self.wait_state("lte", "up", CONNECTED_S)
            self.wait_used("lte")
        self.note = f"gap {down.gap_s * 1000:.0f} ms"

    def test_renumbered(self):
        i, uplink = self.place("lte")
        old, new = (f"10.{10 + i}.0.2", f"2001:db8:{i}::2"), (f"10.{10 + i}.0.9",
                                                              f"2001:db8:{i}::9")
        with self.flow() as down:
            self.wait_used("lte")
            self.lab.isp.ip(*(f"neigh replace {a} dev up{i} lladdr 02:00:00:00:{i:02x}:02"
                              " nud permanent" for a in new))
            self.lab.gw.ip(f"addr del {old[0]}/24 dev {uplink.device}",
                           f"addr del {old[1]}/64 dev {uplink.device}",
                           f"addr add {new[0]}/24 dev {uplink.device}",
                           f"addr add {new[1]}/64 dev {uplink.device} nodad")
            self.lab.gw.run(["ip", "-6", "route", "flush", "exact", "default", "dev",
                             uplink.device])
            self.lab.add_default(i, uplink)
            self.wait(lambda: self.sources() & set(new) and not self.sources() & set(old) and
                      self.aggd.uplinks()["lte"]["address"] in new, CONNECTED_S,
                      lambda: f"the new address is used, alone: {self.sources()}")
            self.wait_used("lte")
        self.note = f"gap {down.gap_s * 1000:.0f} ms"

    def test_default_route_goes_and_comes(self):
        i, uplink = self.place("dsl")
        with self.flow():
            self.wait_used("dsl")
            self.del_defaults("dsl")
            self.wait_down("dsl", "default route")
            self.lab.add_default(i, uplink)
            self.wait_state("dsl", "up", CONNECTED_S)
            self.wait_used("dsl")

    def test_default_route_in_another_table(self):
        """As DHCP clients do that keep a table per device."""
        with self.flow():
            for name in ("dsl", "lte", "radio"):
                i, uplink = self.place(name)
                self.del_defaults(name)
                self.wait_state(name, "down", NOTICED_S)
                self.lab.gw.ip(
                    f"route add default via 10.{10 + i}.0.1 dev {uplink.device} "
                    f"table {DHCP_TABLE} metric {i}",
                    f"-6 route add default via 2001:db8:{i}::1 dev {uplink.device} "
                    f"table {DHCP_TABLE} metric {i}")
                self.wait_state(name, "up", CONNECTED_S)
            for name in ("dsl", "lte", "radio"):
                self.wait_used(name)

    def test_deprecated_address_alone(self):
        """Valid, and all there is: after a change of the provider's prefix, say."""
        i, uplink = self.place("lte")
        with self.flow():
            self.lab.gw.run(["ip", "-4", "addr", "flush", "dev", uplink.device, "scope", "global"])
            self.lab.gw.run(["ip", "-6", "addr", "change", f"2001:db8:{i}::2/64", "dev",
                             uplink.device, "preferred_lft", "0"])
            self.wait(lambda: self.aggd.uplinks()["lte"]["endpoint"] == f"[{VPS6}]:443" and
                      self.aggd.uplinks()["lte"]["state"] == "up", CONNECTED_S,
                      lambda: f"lte is up: {self.aggd.uplinks()['lte']}")
            self.wait_used("lte")

    def test_families_mix(self):
        with self.flow(), self.flow(address=SRV6):
            for name, family in (("dsl", "-6"), ("lte", "-4")):
                self.lab.gw.run(["ip", family, "addr", "flush", "dev", self.place(name)[1].device,
                                 "scope", "global"])
            for name, endpoint in (("dsl", f"{VPS4}:443"), ("lte", f"[{VPS6}]:443")):
                self.wait(lambda: self.aggd.uplinks()[name]["endpoint"] == endpoint and
                          self.aggd.uplinks()[name]["state"] == "up", CONNECTED_S,
                          lambda: f"{name} uses {endpoint}: {self.aggd.uplinks()[name]}")
            for name in ("dsl", "lte", "radio"):
                self.wait_used(name)

    # -- the configuration

    def test_uplink_is_added_by_reload(self):
        self.aggd.only = ("dsl",)
        self.assertTrue(self.aggd.reload("gw"))
        self.wait_configured("dsl")
        with self.flow():
            self.wait_used("dsl")
            self.aggd.only = ("dsl", "lte")
            self.assertTrue(self.aggd.reload("gw"))
            self.wait_used("lte")
            self.wait_configured("dsl", "lte")

    def test_uplink_is_removed_by_reload(self):
        with self.flow() as down:
            for name in ("dsl", "lte", "radio"):
                self.wait_used(name)
            self.aggd.only = ("radio",)
            self.assertTrue(self.aggd.reload("gw"))
            self.wait_configured("radio")
            self.wait_used("radio")
        self.note = f"gap {down.gap_s * 1000:.0f} ms"

    def test_disabled_uplink_is_left_alone(self):
        self.addCleanup(self.aggd.uplink_options.clear)
        with self.flow():
            self.wait_used("lte")
            self.aggd.uplink_options["lte"] = {"enabled": "0"}
            self.assertTrue(self.aggd.reload("gw"))
            self.wait_state("lte", "disabled", NOTICED_S)
            self.wait(lambda: not self.sources() & {"10.12.0.2", "2001:db8:2::2"}, NOTICED_S,
                      self.sources)
            self.aggd.uplink_options.clear()
            self.assertTrue(self.aggd.reload("gw"))
            self.wait_used("lte")


if __name__ == "__main__":
    unittest.main()
