#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Both roles as the unit file starts them: a user that is not root, with the
unit's capabilities and no others, and nothing to write to but the directories
that the unit gives. The unit itself is judged by systemd-analyze.

    lan -- gw ==S2== isp -- vps -- srv
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import DEGRADED, Aggd  # noqa: E402
from case import VPS_SEEN4, VPS_SEEN6, AggdTest, FlowServer  # noqa: E402
from lab import ROOT, SRV4, SRV6, Lab  # noqa: E402

UNIT = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")),
                    "systemd/aggd.service")
SYSUSERS = os.path.join(ROOT, "systemd/aggd.sysusers")
EXPOSURE_MAX = 20  # tenths
UID, STRANGER = 64321, 64322
NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 1 << 10, 1 << 12, 1 << 13
SETTLE_S = 60
# What the unit's RuntimeDirectory= gives, in a namespace of mounts of its own.
RUNTIME = 'mkdir -p /run/aggd && mount --bind "$0" /run/aggd && exec "$@"'


def setting(key):
    """The words of a setting of the unit."""
    with open(UNIT, encoding="ascii") as file:
        return re.search(rf"^{key}=(.*)$", file.read(), re.M)[1].split()


def only(capabilities):
    return ",".join(["-all", *("+" + c.lower().removeprefix("cap_") for c in capabilities)])


def as_user(runtime, manager):
    """Words before the program: what systemd does before it."""
    return ["env", "NOTIFY_SOCKET=" + manager, "WATCHDOG_USEC=40000000",
            "unshare", "--mount", "sh", "-c", RUNTIME, runtime,
            "setpriv", "--reuid", UID, "--regid", UID, "--clear-groups", "--no-new-privs",
            "--inh-caps", only(setting("AmbientCapabilities")),
            "--ambient-caps", only(setting("AmbientCapabilities")),
            "--bounding-set", only(setting("CapabilityBoundingSet"))]


class User(AggdTest):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("S2", sanitized=True))
        cls.flows = FlowServer(cls.lab)

    def setUp(self):
        self.aggd = Aggd(self.lab, gateway={"carrier": "mptcp"},
                         under={role: as_user(os.path.join(self.lab.dir, f"{role}-run"),
                                              os.path.join(self.lab.dir, f"{role}-manager"))
                                for role in ("gw", "vps")})
        self.managers = {role: self.listen(f"{role}-manager") for role in ("gw", "vps")}
        self.addCleanup(self.aggd.stop)
        self.aggd.write_configs()
        for role in ("gw", "vps"):
            self.install(role)
        self.aggd.start()

    def install(self, role):
        """The directories and owners that the README makes; the socket's place
        is a link, as the unit's ExecStartPre= makes it."""
        path = self.aggd.path
        for folder in (path(f"{role}-run"), path(f"{role}-state")):
            os.makedirs(folder, exist_ok=True)
            for name in [folder, *(os.path.join(folder, n) for n in os.listdir(folder))]:
                os.chown(name, UID, UID)
        if not os.path.islink(path(f"{role}.sock")):
            os.symlink(f"{role}-run/aggd.sock", path(f"{role}.sock"))

    def listen(self, name):
        """As the service manager does: the socket that aggd tells it at."""
        path = os.path.join(self.lab.dir, name)
        if os.path.exists(path):
            os.unlink(path)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        os.chmod(path, 0o666)
        manager.settimeout(SETTLE_S)
        return manager

    def kernel(self, role):
        """What aggd makes in the kernel, as text."""
        node = self.lab.node(role)
        return "".join(node.run(words.split(), check=False).stdout for words in (
            "ip rule", "ip -6 rule", "ip route show table all type local 0/0",
            "nft list tables", "ip mptcp endpoint", "ip mptcp limits"))

    def status(self, role):
        with open(f"/proc/{self.aggd.process(role).pid}/status", encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file)

    def test_a_day(self):
        """From the start to the end: a byte both ways, reload, MPTCP, stop."""
        aggd = self.aggd
        kept = NET_BIND_SERVICE | NET_ADMIN | NET_RAW
        for role in ("gw", "vps"):
            status = self.status(role)
            self.assertEqual(set(status["Uid"].split()), {str(UID)})
            self.assertEqual(int(status["CapEff"], 16), kept)
            self.assertEqual(int(status["CapBnd"], 16) & ~kept, 0)
            self.assertEqual(self.managers[role].recv(100), b"READY=1")
            self.assertEqual(self.managers[role].recv(100), b"WATCHDOG=1")
        self.check_taken()
        self.wait(lambda: self.lab.gw.run(["ip", "mptcp", "endpoint"]).stdout.count("subflow") >= 2,
                  SETTLE_S, lambda: "MPTCP's endpoints: " + self.kernel("gw"))
        aggd.bypass = ["192.0.2.0/24"]
        self.assertTrue(aggd.reload("gw"), aggd.log("gw"))
        self.wait(lambda: "192.0.2.0/24" in aggd.ruleset(), SETTLE_S, "the new ruleset")
        self.assertTrue(aggd.reload("vps"), aggd.log("vps"))
        self.check_taken()
        for role in ("gw", "vps"):
            self.assertEqual(aggd.stop_one(role), 0)
            told = self.managers[role].recv(100)
            while told == b"WATCHDOG=1":  # the test took so long
                told = self.managers[role].recv(100)
            self.assertEqual(told, b"STOPPING=1")
            self.assertFalse(os.listdir(aggd.path(f"{role}-run")))
            self.assertNotRegex(aggd.read(f"{role}.log"), "(?i)denied|not permitted|without CAP")
        left = self.kernel("gw")
        self.assertNotIn("aggd", left)
        self.assertNotIn("subflow ", left)
        self.assertEqual(left.count("lookup"), 3 + 2, left)

    def check_taken(self):
        """A byte goes to the server by TPROXY, and back: it came from the VPS."""
        self.assertEqual(self.who(SRV4), VPS_SEEN4)
        self.assertEqual(self.who(SRV6), VPS_SEEN6)

    def test_a_crash_is_cleaned_by_the_next(self):
        self.lab.kill(self.aggd.gw_process)
        self.assertIn("table inet aggd", self.kernel("gw"))
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.assertEqual(self.kernel("gw").count("table inet aggd"), 1)

    def test_the_group_may_use_aggctl(self):
        def aggctl(*groups):
            return self.lab.gw.run(
                ["setpriv", "--reuid", STRANGER, "--regid", STRANGER, *groups,
                 self.lab.tool("aggctl"), "-s", self.aggd.path("gw.sock"), "status"],
                check=False)

        done = aggctl("--groups", UID)
        self.assertIn(done.returncode, (0, DEGRADED), done.stderr)
        self.assertIn("vps", done.stdout)
        done = aggctl("--clear-groups")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("you may not open", done.stderr)


class Unit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def test_exposure(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                               f"--threshold={EXPOSURE_MAX}", UNIT],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_user_is_made(self):
        os.makedirs(os.path.join(self.folder, "etc"))
        subprocess.run(["systemd-sysusers", f"--root={self.folder}", SYSUSERS], check=True,
                       capture_output=True)
        with open(os.path.join(self.folder, "etc/passwd"), encoding="ascii") as file:
            self.assertIn(f"{setting('User')[0]}:", file.read())
        with open(os.path.join(self.folder, "etc/group"), encoding="ascii") as file:
            self.assertIn(f"{setting('Group')[0]}:", file.read())


if __name__ == "__main__":
    unittest.main()
