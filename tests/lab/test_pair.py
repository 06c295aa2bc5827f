#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Pairing: from nothing to a working session by two commands, and the word for each
thing that can be in the way.

    lan -- gw ==fast== isp -- vps -- srv
"""
import contextlib
import os
import re
import shutil
import signal
import stat
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from case import SRV4, connect, listen, receive_all, wait_until  # noqa: E402
from lab import VPS4, VPS6, Lab  # noqa: E402

MINUTE_S = 60
PORT = 7001
WAIT_S = 60
# What a host needs of /etc beside ours; the rest of it is the lab machine's.
ETC = ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache")
SYSTEMCTL = """\
#!/bin/sh
echo "$*" >> /var/lib/systemctl.log
[ "$1" = restart ] || exit 0
setsid {aggd} -c /etc/config/aggd >> /var/lib/aggd.log 2>&1 < /dev/null &
echo $! > /var/lib/aggd.pid
"""
TOKEN = re.compile(r"^aggd1_[A-Za-z0-9_-]+$", re.M)


class Pair(unittest.TestCase):
    """A gateway and a concentrator without a file. Each test takes the next site."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast", sanitized=True))
        cls.aggd = Aggd(cls.lab)
        cls.addClassCleanup(cls.aggd.stop)
        cls.start = time.monotonic()
        cls.first = cls.setup_vps()
        cls.aggd.start_concentrator()

    @classmethod
    def path(cls, name):
        return cls.aggd.path(name)

    @classmethod
    def ctl(cls, role, *words, check=True, stdin=None):
        return cls.lab.node(role).run(
            ["aggctl", "-s", cls.path(f"{role}.sock"), "-c", cls.path(f"{role}.conf"), *words],
            check=check, stdin=stdin)

    @classmethod
    def setup_vps(cls):
        """The first command; its invitation."""
        done = cls.ctl("vps", "setup", "--no-start", "--yes", "--state", cls.path("vps-state"),
                       "--sites", cls.path("sites.d"))
        assert "TCP and UDP port 443" in done.stderr, done.stderr
        assert f"aggd -c {cls.path('vps.conf')}" in done.stderr, done.stderr
        return done.stdout.strip()

    @classmethod
    def invite(cls, site, *words):
        return cls.ctl("vps", "invite", site, *words).stdout.strip()

    def join(self, token, *words, config="gw.conf", state="gw-state", check=True, stdin=None):
        return self.lab.gw.run(
            ["aggctl", "-s", self.path("gw.sock"), "-c", self.path(config), "join", token,
             "--yes", "--no-start", "--state", self.path(state), *words],
            check=check, stdin=stdin)

    def refused(self, token, *words, config="other.conf", state="other-state"):
        """What is said to who may not join; nothing is written for him."""
        done = self.join(token, *words, config=config, state=state, check=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertFalse(os.path.exists(self.path(config)))
        for line in (done.stdout + done.stderr).splitlines():
            self.assertNotIn(token, line)
        return " ".join(done.stderr.split())

    def text(self, name):
        return self.aggd.read(name)

    def test_1_two_commands(self):
        """setup, which setUpClass did, and join: under a minute, a stream runs."""
        self.assertRegex(self.first, TOKEN)
        done = self.join(self.first)
        self.assertIn("joined as site 'home'", done.stdout)
        self.assertIn("203.0.113.10", done.stdout)
        self.assertIn("2001:db8:ff::10", done.stdout)
        self.assertIn("lan0", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 2000)
        self.aggd.start_gateway()
        self.aggd.wait_ready(MINUTE_S)
        server = listen(self.lab.srv, PORT)
        with connect(self.lab.lan, SRV4, PORT) as client:
            sock, _ = server.accept()
            sock.sendall(b"hello")
            sock.close()
            self.assertEqual(receive_all(client), b"hello")
        server.close()
        self.assertLess(time.monotonic() - self.start, MINUTE_S)
        self.assertEqual({u["device"] for u in self.aggd.uplinks().values()},
                         {u.device for u in self.lab.uplinks})

    def test_1_with_one_that_runs(self):
        """A daemon that runs takes the new file, and its session is waited for."""
        token = self.invite("home")
        done = self.lab.gw.run(["aggctl", "-c", self.path("gw.conf"), "join", token, "--yes"])
        self.assertIn("the session is up", done.stdout)
        self.assertIn("is changed, and what you wrote there stays", done.stdout)
        self.assertEqual(self.text("gw.conf").count("config uplink"), len(self.lab.uplinks))

    def test_1_setup_again(self):
        """What is there stays; a firewall that is in the way is named."""
        before = self.text("vps.conf")
        self.lab.vps.nft("table inet guard {\nchain in {\ntype filter hook input priority 0; "
                         "policy drop;\naccept\n}\n}\n")
        done = self.ctl("vps", "setup", "cabin", "--no-start")
        self.lab.vps.nft("delete table inet guard")
        self.assertIn("nftables drops what is not allowed", " ".join(done.stderr.split()))
        self.assertIn("vps.conf, as it was", done.stderr)
        self.assertRegex(done.stdout.strip(), TOKEN)
        self.assertEqual(self.text("vps.conf"), before)
        self.ctl("vps", "revoke", "cabin")

    def test_1_port_is_taken(self):
        """By another program than the aggd of this configuration."""
        done = self.lab.vps.run(
            ["aggctl", "-s", self.path("new.sock"), "-c", self.path("new.conf"), "setup",
             "--no-start", "--state", self.path("new-state"), "--sites", self.path("new.d")],
            check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("port 443 is taken by another program", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_2_files(self):
        """The secret is nowhere, its hash only for those who run aggd."""
        self.assertEqual(stat.S_IMODE(os.stat(self.path("vps-state/invitations")).st_mode), 0o600)
        self.assertIn("used", self.text("vps-state/invitations"))
        self.assertIn("option pin", self.text("sites.d/home.conf"))
        for name in ("vps-state/invitations", "vps.log", "gw.conf", "sites.d/home.conf"):
            self.assertNotIn(self.first[50:70], self.text(name))
        done = self.lab.gw.run(["aggd", "-t", "-c", self.path("gw.conf")], check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_2_asks(self):
        """Without a terminal and without --yes nothing is done, nor is the secret said."""
        token = self.invite("office")
        done = self.lab.gw.run(["setsid", "-w", self.lab.tool("aggctl"), "-c",
                                self.path("other.conf"), "-s", self.path("other.sock"), "join",
                                token, "--state", self.path("other-state")], check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--yes joins without asking", done.stderr)
        self.assertIn("office: invited until", self.ctl("vps", "invite").stdout)
        self.ctl("vps", "revoke", "office")

    def test_3_used(self):
        self.assertIn("was used already", self.refused(self.first))

    def test_4_expired(self):
        """By the concentrator's clock; one that is wrong here is spoken of."""
        token = self.invite("office", "--for", "1m")
        path = self.path("vps-state/invitations")
        lines = self.text("vps-state/invitations").splitlines()
        lines = [re.sub(r"^(\S+ open) \d+", r"\1 1000", line) for line in lines]
        self.aggd.write("vps-state/invitations", "\n".join(lines) + "\n")
        os.chmod(path, 0o600)
        self.assertIn("the invitation has expired", self.refused(token))

    def test_5_revoked(self):
        token = self.invite("office")
        self.assertIn("invitation of 'office' is revoked",
                      self.ctl("vps", "revoke", "office").stdout)
        self.assertIn("was revoked", self.refused(token))

    def test_5_another_replaces_it(self):
        old, new = self.invite("office"), self.invite("office")
        self.assertIn("was revoked", self.refused(old))
        self.assertIn("office: invited until", self.ctl("vps", "invite").stdout)
        self.assertNotEqual(old, new)
        self.ctl("vps", "revoke", "office")

    def test_5_wrong(self):
        """A slip is found here; what was never given is found there."""
        token = self.invite("office")
        self.assertIn("this is no invitation: a part of it is missing",
                      self.refused(token[:-1]))
        self.assertIn("begins with aggd1_", self.refused("sha256:x"))
        os.rename(self.path("vps-state/invitations"), self.path("kept"))
        try:
            self.assertIn("the concentrator knows none like it", self.refused(token))
        finally:
            os.rename(self.path("kept"), self.path("vps-state/invitations"))
        self.ctl("vps", "revoke", "office")

    def test_5_other(self):
        """A key is one site's."""
        token = self.invite("office")
        done = self.join(token, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is site 'home' there already", " ".join(done.stderr.split()))
        self.ctl("vps", "revoke", "office")

    def test_6_unreachable(self):
        token = self.invite("office", "--endpoint", f"{VPS4}:4430", "--endpoint", "203.0.113.99")
        said = self.refused(token)
        self.assertIn("unreachable by every uplink", said)
        for uplink in self.lab.uplinks:
            self.assertIn(f"by {uplink.device}:", said)
        self.assertIn("refused: nobody listens there", said)
        self.assertIn("port 4430", said)
        self.ctl("vps", "revoke", "office")

    def test_6_another_concentrator(self):
        """Whose key is not the invitation's: he is told no secret."""
        other = self.path("other-vps")
        self.lab.vps.run(["aggctl", "keygen", other])
        self.aggd.write("fake.conf", "config aggd 'main'\n\toption role 'concentrator'\n"
                        f"\tlist listen '{VPS4}:444'\n\toption state '{other}'\n"
                        f"\toption control '{self.path('fake.sock')}'\n"
                        f"\toption sites '{self.path('sites.d')}'\n")
        fake = self.lab.vps.spawn(["aggd", "-c", self.path("fake.conf")], log="fake.log")
        self.lab.vps.wait_listening(444)
        token = self.invite("office", "--endpoint", f"{VPS4}:444")
        self.assertIn("another key than the invitation says", self.refused(token))
        self.lab.kill(fake)
        self.ctl("vps", "revoke", "office")

    def test_7_comments_stay(self):
        """A configuration that a person wrote keeps what he wrote."""
        before = ("# mine\nconfig aggd 'main' # here\n\toption role 'gateway'\n"
                  f"\toption state '{self.path('mine-state')}'\n"
                  f"\toption control '{self.path('mine.sock')}'\n"
                  "config concentrator 'old' # where\n\tlist endpoint '192.0.2.1:443'\n"
                  "\toption pin 'sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"
                  "config uplink 'dsl' # first\n\toption device 'wan1'\n")
        self.aggd.write("mine.conf", before)
        token = self.invite("office")
        done = self.lab.gw.run(["aggctl", "-c", self.path("mine.conf"), "join", "-", "--yes",
                                "--no-start", "--uplink", "wan1", "--uplink", "wan2"],
                               stdin=f"  {token[:40]}\n{token[40:]}\n")
        self.assertIn("joined as site 'office'", done.stdout)
        after = self.text("mine.conf")
        for line in ("# mine", "config aggd 'main' # here", "config concentrator 'old' # where",
                     "config uplink 'dsl' # first", "config uplink 'wan2'"):
            self.assertIn(line + "\n", after)
        self.assertIn(f"list endpoint '{VPS4}:443'", after)
        self.assertIn(f"list endpoint '[{VPS6}]:443'", after)
        self.assertNotIn("192.0.2.1", after)
        self.assertEqual(after.count("option device 'wan1'"), 1)

    def test_7_uplinks_that_are_written_stay_alone(self):
        """What a person has left out of his file is not added to it."""
        conf = self.text("mine.conf")
        start = conf.index("config uplink 'wan2'")
        self.aggd.write("mine.conf", conf[:start])
        token = self.invite("office")
        self.lab.gw.run(["aggctl", "-c", self.path("mine.conf"), "join", token, "--yes",
                         "--no-start"])
        self.assertEqual(self.text("mine.conf").count("config uplink"), 1)

    def wait_sites(self, *names):
        """What the concentrator says of itself is a second old."""
        def sites():
            return sorted(s["name"] for s in self.aggd.status("sites", "vps")["sites"])
        wait_until(lambda: sites() == sorted(names), WAIT_S, sites)

    def test_8_rename(self):
        self.ctl("vps", "rename", "office", "work")
        self.assertTrue(os.path.exists(self.path("sites.d/work.conf")))
        self.assertFalse(os.path.exists(self.path("sites.d/office.conf")))
        self.wait_sites("home", "work")
        done = self.ctl("vps", "rename", "work", "home", check=False)
        self.assertIn("there is a site 'home' already", done.stderr)

    def test_9_revoke(self):
        """A site that runs is cut off at once, and its gateway is told."""
        self.ctl("vps", "revoke", "home")
        self.assertFalse(os.path.exists(self.path("sites.d/home.conf")))
        wait_until(lambda: "revoked" in self.text("gw.log"), WAIT_S, "the gateway is told")
        wait_until(lambda: self.aggd.status("status")["sessions"][0]["state"] != "up", WAIT_S,
                   "the session ends")
        done = self.join(self.first, check=False)
        self.assertIn("was revoked on the concentrator", " ".join(done.stderr.split()))

    def test_9_without_a_daemon(self):
        """The verbs work on the files alone, and an invitation outlives a restart."""
        self.aggd.stop_one("vps")
        token = self.invite("cabin")
        self.assertIn("site 'work' is revoked", self.ctl("vps", "revoke", "work").stdout)
        self.aggd.start_concentrator()
        self.assertIn("cabin: invited until", self.ctl("vps", "invite").stdout)
        done = self.join(token, config="cabin.conf", state="cabin-state")
        self.assertIn("joined as site 'cabin'", done.stdout)
        self.wait_sites("cabin")


class Installed(unittest.TestCase):
    """Two hosts as a package leaves them, each with an /etc and a /run of its own and a
    service manager (a played one): the two commands, and not a word more."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("fast", sanitized=True))
        for role in ("vps", "gw"):
            cls.install(role)

    @classmethod
    def folder(cls, role, *names):
        return os.path.join(cls.lab.dir, role, *names)

    @classmethod
    def install(cls, role):
        for name in ("etc/config", "run/systemd/system", "bin", "var"):
            os.makedirs(cls.folder(role, name))
        for name in ETC:
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", cls.folder(role, "etc", name))
        script = cls.folder(role, "bin", "systemctl")
        with open(script, "w", encoding="ascii") as file:
            file.write(SYSTEMCTL.format(aggd=cls.lab.tool("aggd")))
        os.chmod(script, 0o755)
        cls.addClassCleanup(cls.stop, role)

    @classmethod
    def stop(cls, role):
        with contextlib.suppress(OSError, ValueError):
            with open(cls.folder(role, "var", "aggd.pid"), encoding="ascii") as file:
                os.kill(int(file.read()), signal.SIGKILL)

    def aggctl(self, role, *words):
        binds = "".join(f"mount --bind {self.folder(role, name)} /{path} && "
                        for name, path in (("var", "var/lib"), ("etc", "etc"),
                                           ("bin", "usr/local/bin"), ("run", "run")))
        return self.lab.node(role).run(
            ["unshare", "--mount", "sh", "-c",
             f'{binds}PATH=/usr/local/bin:$PATH exec "$@"', "sh", self.lab.tool("aggctl"), *words])

    def text(self, role, name):
        with open(self.folder(role, name), encoding="utf-8") as file:
            return file.read()

    def test_two_commands(self):
        start = time.monotonic()
        done = self.aggctl("vps", "setup")
        self.assertIn("aggd runs", done.stderr)
        token = done.stdout.strip()
        self.assertRegex(token, TOKEN)
        done = self.aggctl("gw", "join", token, "--yes")
        self.assertIn("the session is up", done.stdout)
        self.assertIn("the Internet sees you as 203.0.113.10", done.stdout)
        server = listen(self.lab.srv, PORT)
        with connect(self.lab.lan, SRV4, PORT) as client:
            sock, _ = server.accept()
            sock.sendall(b"hello")
            sock.close()
            self.assertEqual(receive_all(client), b"hello")
        server.close()
        took = time.monotonic() - start
        self.assertLess(took, MINUTE_S)
        for role in ("vps", "gw"):
            self.assertEqual(self.text(role, "var/systemctl.log").splitlines(),
                             ["cat aggd", "enable aggd", "restart aggd"])
        self.assertIn("option pin", self.text("vps", "etc/aggd/sites.d/home.conf"))


if __name__ == "__main__":
    unittest.main()
