# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""aggd in the lab: a gateway on gw and a concentrator on vps, with the
configuration files that a real pair would have.

    with Lab("S2") as lab:
        aggd = Aggd(lab)
        aggd.start()
        lab.lan.run(["curl", f"http://{SRV4}/"])
        print(aggd.status()["uplinks"])
        aggd.gateway_options = {"scheduler": "roundrobin"}
        aggd.reload("gw")

A role is named by its host: "gw" or "vps".
"""
import contextlib
import json
import os
import re
import signal

from lab import SRV4, SRV6, VPS4, VPS6, LabError, wait_until

STATUS_EXITS = DEGRADED, DOWN = 4, 5
SOCKS_ADDRESS = "192.168.100.1:1080"
# For a slow machine; what is measured is measured elsewhere.
READY_TIMEOUT_S = 30
RELOAD_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20
# What a sanitizer finds ends the daemon, and is told at the end in any case.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
SANITIZER_SAYS = re.compile(r"^.*((ERROR|WARNING): \w+Sanitizer|runtime error:)", re.M)
# Where a test says nothing: under "auto", the default of aggd, a load of some
# seconds begins a trial of the carriers (test_carrier.py).
CARRIER = "subflows"

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
{socks}{lan}
{bypass}"""

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
{sites}config egress
{allow}"""

SITE = """\
config site '{name}'
	option pin '{pin}'
{more}
"""


def options(values):
    """{'linger': '60s'} as lines of a section."""
    return "".join(f"\toption {key} '{value}'\n" for key, value in (values or {}).items())


def lists(key, values):
    return "".join(f"\tlist {key} '{value}'\n" for value in values)


def endpoint(address):
    return f"[{address}]:443" if ":" in address else f"{address}:443"


class Heir:
    """A daemon that took over from another: no child of the test's. As
    subprocess.Popen, as far as it is needed."""

    returncode = None

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        if self.returncode is None:
            try:
                with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] not in "ZX":
                        return None
            except OSError:
                pass
            self.returncode = 0
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self):
        wait_until(lambda: self.poll() is not None, STOP_TIMEOUT_S, f"{self.pid} ends")
        return self.returncode


class Aggd:
    """A pair of daemons. The dictionaries add options to their sections, and
    may be changed before a start or a reload()."""

    def __init__(self, lab, gateway=None, concentrator=None, site=None, uplinks=None,
                 endpoints=(VPS4, VPS6), allow=(SRV4 + "/32", SRV6 + "/128"),
                 lan=None, bypass=(), only=None, under=None, program=None):
        self.lab = lab
        self.dir = lab.dir
        self.socks = SOCKS_ADDRESS          # None: no SOCKS5
        self.gateway_options = gateway
        self.concentrator_options = concentrator
        self.site_options = site
        self.uplink_options = uplinks or {}
        self.endpoints = endpoints
        self.allow = allow
        self.lan_options = lan
        self.bypass = list(bypass)          # destinations
        self.bypasses = ""                  # more sections bypass
        self.only = only                    # names of the uplinks; None: all
        self.sites = {}                     # more of them: name to pin
        self.sites_more = {}                # name to more lines of its
        self.more = {}                      # sections at the end, by role
        self.under = under or {}            # words before the program, by role
        self.program = program or {}        # another build's, by role
        self.patience = 1                   # how many times slower than usual
        self.gw_process = self.vps_process = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def keygen(self, node, folder):
        """Makes an identity; its pin."""
        if not os.path.isdir(self.path(folder)):
            node.run(["aggctl", "keygen", self.path(folder)])
        return node.run(["aggctl", "pin", self.path(folder)]).stdout.split()[-1]

    def write_configs(self):
        os.makedirs(self.path("sites.d"), exist_ok=True)
        self.write("gw.conf", self.gateway_conf(self.keygen(self.lab.vps, "vps-state")) +
                   self.more.get("gw", ""))
        self.write("vps.conf", self.concentrator_conf(self.keygen(self.lab.gw, "gw-state")) +
                   self.more.get("vps", ""))

    def gateway_conf(self, pin):
        uplinks = [u for u in self.lab.uplinks if self.only is None or u.name in self.only]
        main = {"carrier": CARRIER, **(self.gateway_options or {})}
        return GATEWAY.format(
            dir=self.dir, main=options(main), pin=pin,
            endpoints=lists("endpoint", map(endpoint, self.endpoints)),
            uplinks="".join(UPLINK.format(name=u.name, device=u.device,
                                          more=options(self.uplink_options.get(u.name)))
                            for u in uplinks),
            socks=options({"socks5": self.socks} if self.socks else None),
            lan=options(self.lan_options),
            bypass=("config bypass\n" + lists("dest", self.bypass) if self.bypass else "") +
            self.bypasses)

    def concentrator_conf(self, pin):
        main = {"sites": self.path("sites.d"), **(self.concentrator_options or {})}
        return CONCENTRATOR.format(
            dir=self.dir, main=options(main), pin=pin,
            site=options(self.site_options), allow=lists("allow", self.allow),
            sites="".join(SITE.format(name=n, pin=p, more=self.sites_more.get(n, ""))
                          for n, p in self.sites.items()))

    # -- running

    def start(self):
        """Both daemons; returns when the session is whole on every uplink."""
        self.write_configs()
        self.start_concentrator()
        self.start_gateway()
        self.wait_ready()

    def start_concentrator(self):
        self.vps_process = self.spawn("vps")

    def start_gateway(self):
        self.gw_process = self.spawn("gw")

    def spawn(self, role):
        """A daemon; its control socket, which answers last, answers."""
        process = self.lab.node(role).spawn(
            [*self.under.get(role, ()), self.program.get(role) or self.lab.tool("aggd"),
             "-c", self.path(f"{role}.conf")],
            log=f"{role}.log", env=dict(os.environ, **SANITIZER_ENV))

        def answers():
            if process.poll() is not None:
                raise LabError(f"aggd on {role} ended: " + self.log(role))
            return self.ctl(role, "status", check=False).returncode in (0, *STATUS_EXITS)

        wait_until(answers, READY_TIMEOUT_S * self.patience,
                   lambda: f"{role} answers: " + self.log(role))
        return process

    def process(self, role):
        return self.gw_process if role == "gw" else self.vps_process

    def ctl(self, role, *words, check=True):
        """Status says by its exit status how aggd is: any of these is an answer."""
        result = self.lab.node(role).run(
            ["aggctl", "-s", self.path(f"{role}.sock"), *words], check=False)
        if check and result.returncode not in ((0, *STATUS_EXITS) if words[0] == "status"
                                               else (0,)):
            raise LabError(f"aggctl {' '.join(words)} on {role}: {result.returncode}: "
                           + result.stdout + result.stderr)
        return result

    def status(self, what="status", role="gw"):
        """What aggctl says, as a dictionary."""
        return json.loads(self.ctl(role, what, "--json").stdout)

    def uplinks(self):
        """The gateway's, by name."""
        return {u["name"]: u for u in self.status("uplinks")["uplinks"]}

    def wait_ready(self, timeout=READY_TIMEOUT_S):
        """Until every subflow of every uplink is there, as aggctl says, and both
        families of the LAN's connections are taken."""
        def check():
            for role in ("gw", "vps"):
                if self.process(role).poll() is not None:
                    raise LabError(f"aggd on {role} ended: " + self.log(role))
            uplinks = self.uplinks().values()
            return (uplinks and all(u["state"] == "up" and
                                    u["subflows_alive"] == u["subflows_total"] for u in uplinks)
                    and self.is_taking("ip", "ip6"))

        wait_until(check, timeout * self.patience,
                   lambda: f"uplinks up and the LAN taken: {self.uplinks()}\n" + self.log("gw"))

    def ruleset(self):
        return "".join(self.lab.gw.run(["nft", "list", "table", "inet", table],
                                       check=False).stdout
                       for table in ("aggd", "aggd_bypass"))

    def is_taking(self, *families):
        """Are the LAN's connections of these families, ip and ip6, taken?"""
        rules = self.ruleset()
        return all(f"tproxy {family} to" in rules for family in families)

    def reload(self, role):
        """SIGHUP with what the fields say now; waits until it is done. False:
        the daemon refused the file."""
        self.write_configs()
        return self.hup(role)

    def hup(self, role):
        """SIGHUP with the files as they are."""
        def answers():
            log = self.read(f"{role}.log")
            return log.count(" read again\n"), log.count("present configuration stays")

        before = answers()
        self.process(role).send_signal(signal.SIGHUP)
        wait_until(lambda: answers() != before, RELOAD_TIMEOUT_S * self.patience,
                   f"{role} reloads")
        return answers()[1] == before[1]

    def lock_pid(self, role):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(self.read(f"{role}.sock.lock").split()[0])

    def update(self, role):
        """aggctl update, to the end; the process before, which may go on with streams."""
        before = self.process(role)
        self.ctl(role, "update")
        wait_until(lambda: self.lock_pid(role) not in (None, before.pid) and
                   self.ctl(role, "status", check=False).returncode in (0, *STATUS_EXITS),
                   READY_TIMEOUT_S * self.patience,
                   lambda: f"another process answers on {role}: " + self.log(role))
        heir = Heir(self.lock_pid(role))
        self.lab.processes.append(heir)
        if role == "gw":
            self.gw_process = heir
        else:
            self.vps_process = heir
        return before

    def memory_mb(self, role, field, of="status"):
        with open(f"/proc/{self.process(role).pid}/{of}", encoding="ascii") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        raise LabError(f"no {field} in /proc/PID/{of}")

    def rss_mb(self, role):
        return self.memory_mb(role, "VmRSS")

    def private_mb(self, role):
        return (self.memory_mb(role, "Private_Dirty", "smaps_rollup")
                + self.memory_mb(role, "Private_Clean", "smaps_rollup"))

    def rss_peak_mb(self, role):
        return self.memory_mb(role, "VmHWM")

    def log(self, role, lines_max=20):
        return "".join(self.read(f"{role}.log").splitlines(True)[-lines_max:])

    def stop_one(self, role):
        """SIGTERM, and SIGKILL if it does not end; its exit status."""
        process = self.process(role)
        if not process:
            return None
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(LabError):
            wait_until(lambda: process.poll() is not None, STOP_TIMEOUT_S * self.patience, "")
        self.lab.kill(process)
        if role == "gw":
            self.gw_process = None
        else:
            self.vps_process = None
        return process.returncode

    def stop(self):
        for process in (self.gw_process, self.vps_process):
            if process and process.poll() is None:
                process.terminate()
        self.stop_one("gw")
        self.stop_one("vps")
        self.check_sanitizers()

    def check_sanitizers(self):
        for role in ("gw", "vps"):
            if os.path.exists(self.path(f"{role}.log")):
                log = self.read(f"{role}.log")
                found = SANITIZER_SAYS.search(log)
                if found:
                    raise LabError(f"aggd on {role}: " + log[found.start():][:4000])
