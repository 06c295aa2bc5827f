#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The packages on machines that boot their own systemd: ./dev release --check

    check.py AGGD.deb SUITE...    roots are made once, in /var/tmp/aggd-roots

    lan (a namespace of gw) -- gw == eth0, eth1 == vps -- srv (a namespace of vps)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, bootstrap  # noqa: E402

ROOTS = "/var/tmp/aggd-roots"
HERE = os.path.abspath(__file__)
SUITE_OF_CONTAINER = "bookworm"
NET_ADMIN = 1 << 12
SETTLE_S = 60
WATCHDOG_S = 90
BYTES = 6000000
# Of the server, when an update comes: a download is under way for 24 s. (A slow client's
# would be in buffers soon.)
SLOW = "tc -n srv qdisc add dev eth0 root tbf rate 2mbit burst 16k latency 400ms"
FAST = "tc -n srv qdisc del dev eth0 root"
URL = "http://192.0.2.80:8000/bytes"
LITTLE = "http://192.0.2.80:8000/little"
PLACES = ("/etc/config/aggd", "/etc/aggd", "/var/lib/aggd")
# What a machine writes itself, and what tells of packages that once were.
NOT_OURS = r"^/(root|run|tmp|dev|proc|sys|var/log|var/lib/dpkg|var/lib/systemd|var/cache)/"

VPS = """
ip link set lo up
ip addr add 198.51.100.1/24 dev eth0; ip addr add 203.0.113.1/24 dev eth1
ip link set eth0 up; ip link set eth1 up
ip netns add srv
ip link add srv0 type veth peer name eth0 netns srv
ip addr add 192.0.2.1/24 dev srv0; ip link set srv0 up
ip -n srv addr add 192.0.2.80/24 dev eth0; ip -n srv link set eth0 up
ip -n srv route add default via 192.0.2.1
ip route add default via 192.0.2.80
mkdir -p /srv/www; echo here > /srv/www/little; head -c %d /dev/urandom > /srv/www/bytes
systemd-run -q --unit=srv ip netns exec srv busybox httpd -f -p 8000 -h /srv/www
""" % BYTES
GATEWAY = """
ip link set lo up
ip addr add 198.51.100.2/24 dev eth0; ip addr add 203.0.113.2/24 dev eth1
ip link set eth0 up; ip link set eth1 up
ip route add default via 198.51.100.1 metric 1; ip route add default via 203.0.113.1 metric 2
ip netns add lan
ip link add lan0 type veth peer name eth0 netns lan
ip addr add 192.168.100.1/24 dev lan0; ip link set lan0 up
ip -n lan addr add 192.168.100.7/24 dev eth0; ip -n lan link set eth0 up
ip -n lan route add default via 192.168.100.1
sysctl -q -w net.ipv4.ip_forward=1
"""


def newer(package, folder):
    """The same package, as its next version."""
    tree = os.path.join(folder, "tree")
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control, encoding="utf-8") as file:
        text = re.sub(r"(?m)^Version: .*$", lambda m: m[0] + "+1", file.read())
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    out = os.path.join(folder, "newer.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, out], check=True,
                   stdout=subprocess.DEVNULL)
    return out


def depends(root, package):
    """What the package needs is put into the root, so that dpkg alone installs it."""
    shutil.copy(package, os.path.join(root, "root/aggd.deb"))
    shutil.copy("/etc/resolv.conf", os.path.join(root, "etc/resolv.conf"))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    for words in (["apt-get", "update"],
                  ["apt-get", "install", "-y", "--no-install-recommends", "curl", "busybox",
                   "/root/aggd.deb"],
                  ["dpkg", "--purge", "aggd"]):
        done = subprocess.run(["chroot", root, *words], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stdout[-2000:]}")


class Package(unittest.TestCase):
    """One story, in the order of a package's life."""
    suite = package = None

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="aggd-package-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.newer = newer(cls.package, cls.dir)
        root = os.path.join(ROOTS, cls.suite)
        bootstrap(cls.suite, root)
        depends(root, cls.package)
        cls.machines = []
        for name in ("vps", "gw"):
            machine = Machine(name, root)
            cls.addClassCleanup(machine.close)
            setattr(cls, name, machine)
            cls.machines.append(machine)
        for link in ("eth0", "eth1"):
            subprocess.run(["ip", "link", "add", link, "netns", str(cls.vps.pid()), "type", "veth",
                            "peer", "name", link, "netns", str(cls.gw.pid())], check=True)
        cls.vps.run(VPS)
        cls.gw.run(GATEWAY)

    def wait(self, true, what, seconds=SETTLE_S):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                self.fail(what + "\n" + "".join(m.run("journalctl -u aggd --no-pager | tail -20",
                                                      check=False).stdout for m in self.machines))
            time.sleep(0.3)

    def shown(self, machine, key):
        return machine.run(f"systemctl show aggd -p {key} --value").stdout.strip()

    def running(self, machine):
        return machine.run("pgrep -x aggd").stdout.split()

    def download(self, options=""):
        """Of a host of the LAN, which knows nothing; the bytes' sum."""
        self.gw.run(f"ip netns exec lan curl -sSf -m 60 {options} -o /tmp/got {URL}")
        return self.gw.run("md5sum < /tmp/got").stdout.split()[0]

    def right(self):
        return self.vps.run("md5sum < /srv/www/bytes").stdout.split()[0]

    def works(self):
        self.wait(lambda: self.gw.run("aggctl status", check=False).returncode in (0, 4), "down")
        self.assertEqual(self.download(), self.right())

    def kept(self, machine):
        return machine.run("cd / && find " + " ".join(PLACES) + " -type f ! -name '*history*' "
                           "2>/dev/null | sort | xargs md5sum").stdout

    def test_1_installs_and_waits_for_a_configuration(self):
        for machine in self.machines:
            machine.before = self.files(machine)
            machine.install(self.package)
            self.assertEqual(self.shown(machine, "UnitFileState"), "enabled")
            self.assertEqual(self.shown(machine, "ActiveState"), "inactive")
            self.assertEqual(self.shown(machine, "Result"), "success")
            machine.run("man -w aggd aggd.conf 2>/dev/null; test -f /usr/share/man/man8/aggd.8.gz")

    def test_2_two_commands(self):
        said = self.vps.run("aggctl setup --yes --endpoint 198.51.100.1 --endpoint 203.0.113.1 "
                            "|| aggctl setup --yes --endpoint 198.51.100.1").stdout
        self.vps.run("printf \"\\nconfig egress\\n\\tlist allow '192.0.2.0/24'\\n\" "
                     ">> /etc/config/aggd; systemctl reload aggd")
        token = re.search(r"^(aggd1_\S+)", said, re.M)[1]
        self.gw.run(f"aggctl join {token} --yes --uplink eth0 --uplink eth1 --lan lan0")
        for machine in self.machines:
            self.assertEqual(self.shown(machine, "ActiveState"), "active")
            self.assertEqual(self.shown(machine, "Type"), "notify")
        self.works()

    def test_3_the_sandbox_lets_it_do_its_work(self):
        """nft, TUN, /proc/sys/net: and of /proc/sys no more."""
        self.assertIn("table inet aggd", self.gw.run("nft list tables").stdout)
        self.wait(lambda: not self.gw.run("ip link show agg-tun", check=False).returncode,
                  "there is no tunnel's device")
        for machine in self.machines:
            inside = "nsenter -t $(pidof aggd) -m "
            machine.run(inside + "test -w /proc/sys/net/ipv4/ip_forward")
            self.assertTrue(machine.run(inside + "sh -c ': >> /proc/sys/kernel/panic'",
                                        check=False).returncode)
            log = machine.run("journalctl -u aggd --no-pager").stdout
            self.assertNotRegex(log, "(?i)denied|not permitted|read-only|without CAP|was not told")

    def test_4_a_bad_configuration_is_said_once(self):
        self.gw.run("cp -p /etc/config/aggd /root/good; echo nonsense >> /etc/config/aggd")
        self.gw.run("systemctl reload aggd")
        self.works()
        self.gw.run("systemctl restart aggd", check=False)
        self.assertEqual(self.shown(self.gw, "ExecMainStatus"), "2")
        self.assertEqual(self.shown(self.gw, "NRestarts"), "0")
        self.gw.run("cp -p /root/good /etc/config/aggd; systemctl start aggd")
        self.works()

    def test_5_who_hangs_is_started_anew(self):
        before = self.shown(self.vps, "MainPID")
        self.vps.run(f"kill -STOP {before}")
        self.wait(lambda: self.shown(self.vps, "MainPID") not in (before, "0") and
                  self.shown(self.vps, "ActiveState") == "active", "it hangs", WATCHDOG_S)
        self.works()

    def test_6_an_update_breaks_no_download(self):
        """One that lasts longer than aggd drains."""
        for machine in self.machines:
            kept, pid = self.kept(machine), self.shown(machine, "MainPID")
            restarts = self.shown(machine, "NRestarts")
            self.vps.run(SLOW)
            self.gw.run("systemd-run -q --unit=load --service-type=exec ip netns exec lan "
                        f"curl -sS -m 60 -o /root/got {URL}")
            self.wait(lambda: int(self.gw.run("stat -c %s /root/got 2>/dev/null || echo 0").stdout)
                      > 0, "no download begins")
            machine.install(self.newer)
            now = self.shown(machine, "MainPID")
            self.assertNotIn(now, (pid, "0"))
            self.assertEqual(self.gw.run(f"ip netns exec lan curl -sSf -m 60 {LITTLE}").stdout,
                             "here\n")
            self.assertEqual(set(self.running(machine)), {pid, now})
            self.wait(lambda: self.gw.run("systemctl is-active -q load", check=False).returncode,
                      "the download does not end")
            self.assertEqual(self.gw.run("md5sum < /root/got").stdout.split()[0], self.right())
            self.gw.run("rm /root/got; systemctl reset-failed load 2>/dev/null || true")
            self.vps.run(FAST)
            self.wait(lambda: self.running(machine) == [now],
                      "the process before does not end")
            self.assertEqual(self.shown(machine, "MainPID"), now)
            self.assertEqual(self.shown(machine, "NRestarts"), restarts)
            self.assertEqual(self.kept(machine), kept)
            log = machine.run("journalctl -u aggd --no-pager").stdout
            self.assertIn("another process has taken over", log)
            self.assertNotIn("was not told", log)
            self.works()

    def test_7_a_removal_leaves_configuration_and_keys(self):
        for machine in self.machines:
            kept = self.kept(machine)
            machine.run("dpkg -r aggd")
            self.assertEqual(self.kept(machine), kept)
            self.assertNotIn("aggd", machine.run("nft list tables; ip rule").stdout)
            self.assertTrue(machine.run("pidof aggd", check=False).returncode)
            machine.install(self.package)
        self.works()

    def test_8_a_purge_leaves_nothing(self):
        for machine in self.machines:
            machine.run("dpkg -P aggd")
            left = [path for path in self.files(machine) - machine.before
                    if not re.match(NOT_OURS, path)]
            self.assertEqual([p for p in left if "agg" in p], [])
            self.assertFalse(machine.run("ls /run/aggd /run/aggd.sock 2>/dev/null",
                                         check=False).stdout)

    def files(self, machine):
        return set(machine.run("find / -xdev 2>/dev/null").stdout.split("\n"))


# $0: the root directory; the rest: the program and its arguments.
BOX = """
mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev"
ip link set lo up; ip addr add 198.51.100.1/24 dev lo
echo 443 > "$0/proc/sys/net/ipv4/ip_unprivileged_port_start"
exec chroot "$0" setpriv --bounding-set=-all,+net_admin --inh-caps=-all --no-new-privs "$@"
"""


class Container(unittest.TestCase):
    """The steps of release/Containerfile, without an engine."""
    package = None

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="aggd-container-")
        self.addCleanup(shutil.rmtree, folder)
        self.root = os.path.join(folder, "root")
        for part in ("upper", "work", "root"):
            os.mkdir(os.path.join(folder, part))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=" +
                        os.path.join(ROOTS, SUITE_OF_CONTAINER) + f",upperdir={folder}/upper,"
                        f"workdir={folder}/work", self.root], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.root], check=False)
        with open(os.path.join(os.path.dirname(HERE), "../../release/Containerfile"),
                  encoding="ascii") as file:
            self.lines = dict(re.findall(r"^([A-Z]+) (.*)$", file.read(), re.M))

    def chroot(self, *words):
        done = subprocess.run(["chroot", self.root, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False,
                              env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_one_process_with_one_power(self):
        pattern, place = self.lines["COPY"].split()
        shutil.copy(self.package, os.path.join(self.root, place.strip("/"), "aggd_0_any.deb"))
        self.assertEqual(pattern, "aggd_*.deb")
        self.chroot("sh", "-c", self.lines["RUN"])
        self.chroot("aggctl", "setup", "--yes", "--no-start", "--endpoint", "198.51.100.1")
        log = tempfile.TemporaryFile("w+")
        box = subprocess.Popen(["unshare", "--fork", "--pid", "--net", "--mount", "--kill-child",
                                "sh", "-c", BOX, self.root, *json.loads(self.lines["ENTRYPOINT"])],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(box.wait)
        self.addCleanup(box.kill)
        end = time.monotonic() + SETTLE_S
        while box.poll() is None and time.monotonic() < end:
            children = subprocess.run(["pgrep", "-P", str(box.pid)], stdout=subprocess.PIPE,
                                      text=True, check=False).stdout.split()
            enter = ["nsenter", "-t", *children[:1], "-p", "-n", "-m", "-r", "sh", "-c"]
            said = subprocess.run([*enter, "aggctl status && ls -d /proc/[0-9]*/exe"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                  check=False, cwd="/")
            if children and not said.returncode:
                break
            time.sleep(0.3)
        log.seek(0)
        self.assertIn("concentrator", said.stdout, log.read())
        with open(f"/proc/{children[0]}/status", encoding="ascii") as status:
            powers = re.findall(r"^Cap(?:Prm|Eff|Bnd):\t(\S+)$", status.read(), re.M)
        self.assertEqual({int(p, 16) for p in powers}, {NET_ADMIN})


def main(package, suites):
    bad = 0
    Container.package = os.path.abspath(package)
    for suite in suites:
        Package.suite, Package.package = suite, os.path.abspath(package)
        print(f"{os.path.basename(package)} on {suite}:", flush=True)
        done = unittest.TextTestRunner(verbosity=2, failfast=True).run(
            unittest.TestLoader().loadTestsFromTestCase(Package))
        bad += not done.wasSuccessful()
    if SUITE_OF_CONTAINER in suites:
        done = unittest.TextTestRunner(verbosity=2).run(
            unittest.TestLoader().loadTestsFromTestCase(Container))
        bad += not done.wasSuccessful()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
