#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A gateway whose configuration names netifd's interfaces: they come late, have another
device, and go; what is open goes on. netifd is a stub of ubus, which prints a file.

    lan -- gw (ubus) ==S2== isp -- vps -- srv
"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import AggdTest, FlowServer  # noqa: E402
from lab import Lab  # noqa: E402

FOLLOWS_S = 40 # a change of the kernel's is followed in half a second, any in ten
UBUS = "#!/bin/sh\nexec cat {}\n"


class ByInterfaces(Aggd):
    def gateway_conf(self, pin):
        text = super().gateway_conf(pin)
        for device, interface in (("wan1", "wan"), ("lan0", "lan")):
            text = text.replace(f"device '{device}'", f"interface '{interface}'")
        return text


class Interfaces(AggdTest):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("S2", sanitized=True))
        cls.flows = FlowServer(cls.lab)
        cls.addresses = iter(range(1, 200))
        folder = os.path.join(cls.lab.dir, "stub")
        os.mkdir(folder)
        cls.aggd = ByInterfaces(cls.lab, under={
            "gw": ["env", f"PATH={folder}:{os.environ['PATH']}"]})
        cls.addClassCleanup(cls.aggd.stop)
        cls.aggd.write("stub/ubus", UBUS.format(cls.aggd.path("answer")))
        os.chmod(cls.aggd.path("stub/ubus"), 0o755)
        cls.say({})
        cls.aggd.write_configs()
        cls.aggd.start_concentrator()
        cls.aggd.start_gateway()

    @classmethod
    def say(cls, devices):
        """What netifd says from now on, and a change of the kernel's that comes with it."""
        found = [{"interface": name, "up": bool(device), "l3_device": device}
                 for name, device in devices.items()]
        cls.aggd.write("answer.new", json.dumps({"interface": found}))
        os.replace(cls.aggd.path("answer.new"), cls.aggd.path("answer"))
        cls.lab.gw.run(["ip", "address", "add", f"192.0.2.{next(cls.addresses)}/32",
                        "dev", "lo"])

    def session(self):
        return self.aggd.status()["sessions"][0]

    def uplink(self, name):
        return next(u for u in self.aggd.status()["uplinks"] if u["name"] == name)

    def wait_uplink(self, name, state):
        self.wait(lambda: self.uplink(name)["state"] == state, FOLLOWS_S,
                  lambda: f"{name} is {state}: {self.uplink(name)}")

    def test_they_come_and_go(self):
        self.wait_uplink("lte", "up")
        self.assertIn("interface", self.uplink("dsl")["why"])
        self.say({"wan": "wan1", "lan": "lan0"})
        self.wait_uplink("dsl", "up")
        self.assertEqual(self.uplink("dsl")["device"], "wan1")
        self.wait(lambda: (self.session()["interception"] or {}).get("state") == "in force",
                  FOLLOWS_S, lambda: f"the LAN is there: {self.session()}")
        with self.flow("down") as flow:
            self.wait(lambda: self.session()["streams"], FOLLOWS_S,
                      lambda: f"it is a stream: {self.session()}")
            self.wait(lambda: flow.count > 0, FOLLOWS_S, "bytes")
            self.say({"wan": "", "lan": "lan0"})
            self.wait_uplink("dsl", "down")
            before = flow.count
            self.wait(lambda: flow.count > before + 100_000, FOLLOWS_S, "it goes on")
            self.say({"wan": "wan1", "lan": "lan0"})
            self.wait_uplink("dsl", "up")


if __name__ == "__main__":
    unittest.main()
