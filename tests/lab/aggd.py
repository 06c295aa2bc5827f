# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""aggd in the lab: a gateway on gw and a concentrator on vps, with the
configuration files that a real pair would have.

    with Lab("S2") as lab:
        aggd = Aggd(lab)
        aggd.start()
        lab.lan.run(["curl", f"http://{SRV4}/"])
        print(aggd.status()["uplinks"])
"""
import json
import os
import time

from lab import SRV4, SRV6, VPS4, VPS6, LabError

SOCKS_ADDRESS = "192.168.100.1:1080"
READY_TIMEOUT_S = 15
STOP_TIMEOUT_S = 10

GATEWAY = """\
config aggd 'main'
	option role 'gateway'
	option control '{dir}/gw.sock'
	option state '{dir}/gw-state'
{main}
config concentrator 'vps'
{endpoints}	option pin '{pin}'

{uplinks}config lan
	list device 'lan0'
	option tproxy '1'
	option socks5 '{socks}'
"""

UPLINK = """\
config uplink '{name}'
	option device '{device}'
{more}
"""

CONCENTRATOR = """\
config aggd 'main'
	option role 'concentrator'
	list listen '[::]:443'
	option control '{dir}/vps.sock'
	option state '{dir}/vps-state'
{main}
config site 'home'
	option pin '{pin}'
{site}
config egress
{allow}"""


def options(values):
    """{'linger': '60s'} as lines of a section."""
    return "".join(f"\toption {key} '{value}'\n" for key, value in (values or {}).items())


class Aggd:
    """A pair of daemons. The dictionaries add options to their sections."""

    socks = SOCKS_ADDRESS

    def __init__(self, lab, gateway=None, concentrator=None, site=None, uplinks=None,
                 endpoints=(VPS4, VPS6), allow=(SRV4 + "/32", SRV6 + "/128")):
        self.lab = lab
        self.dir = lab.dir
        self.gateway_options = gateway
        self.concentrator_options = concentrator
        self.site_options = site
        self.uplink_options = uplinks or {}
        self.endpoints = endpoints
        self.allow = allow
        self.gw_process = self.vps_process = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def keygen(self, node, folder):
        """Makes an identity; its pin."""
        if not os.path.isdir(self.path(folder)):
            node.run(["aggctl", "keygen", self.path(folder)])
        return node.run(["aggctl", "pin", self.path(folder)]).stdout.split()[-1]

    def write_configs(self):
        pin_gw = self.keygen(self.lab.gw, "gw-state")
        pin_vps = self.keygen(self.lab.vps, "vps-state")
        endpoints = "".join(f"\tlist endpoint '{'[' + e + ']' if ':' in e else e}:443'\n"
                            for e in self.endpoints)
        uplinks = "".join(UPLINK.format(name=u.name, device=u.device,
                                        more=options(self.uplink_options.get(u.name)))
                          for u in self.lab.uplinks)
        self.write("gw.conf", GATEWAY.format(
            dir=self.dir, main=options(self.gateway_options), endpoints=endpoints, pin=pin_vps,
            uplinks=uplinks, socks=self.socks))
        self.write("vps.conf", CONCENTRATOR.format(
            dir=self.dir, main=options(self.concentrator_options), pin=pin_gw,
            site=options(self.site_options),
            allow="".join(f"\tlist allow '{a}'\n" for a in self.allow)))

    def start(self):
        """Both daemons; returns when the session is up on every uplink."""
        self.write_configs()
        self.start_concentrator()
        self.start_gateway()
        self.wait_ready()

    def start_concentrator(self):
        self.vps_process = self.lab.vps.spawn(["aggd", "-c", self.path("vps.conf")], log="vps.log")
        self.lab.vps.wait_listening(443)

    def start_gateway(self):
        self.gw_process = self.lab.gw.spawn(["aggd", "-c", self.path("gw.conf")], log="gw.log")
        self.lab.gw.wait_listening(1080)

    def status(self, what="status", role="gw"):
        """What aggctl says, as a dictionary."""
        node = self.lab.gw if role == "gw" else self.lab.vps
        socket = self.path(f"{role}.sock")
        return json.loads(node.run(["aggctl", "-s", socket, what, "--json"]).stdout)

    def wait_ready(self, timeout=READY_TIMEOUT_S):
        """Until every uplink is up, as aggctl says."""
        end = time.monotonic() + timeout
        states = {}
        while time.monotonic() < end:
            for role, process in (("gw", self.gw_process), ("vps", self.vps_process)):
                if process.poll() is not None:
                    raise LabError(f"aggd on {role} ended: " + self.log(role))
            states = {u["name"]: u["state"] for u in self.status("uplinks")["uplinks"]}
            if states and all(state == "up" for state in states.values()):
                return
            time.sleep(0.05)
        raise LabError(f"uplinks not up after {timeout} s: {states}\n" + self.log("gw"))

    def log(self, role, lines_max=20):
        with open(self.path(f"{role}.log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines_max:])

    def stop(self):
        for process in (self.gw_process, self.vps_process):
            if process and process.poll() is None:
                process.terminate()
        end = time.monotonic() + STOP_TIMEOUT_S
        for process in (self.gw_process, self.vps_process):
            while process and process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            if process:
                self.lab.kill(process)
        self.gw_process = self.vps_process = None
