#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The lab: network namespaces with emulated uplinks, made and removed here.

                            10.(10+i).0.0/24
                            2001:db8:i::/64
    +-----+        +----+  wan1 ==linkem== up1  +-----+        +-----+        +-----+
    | lan |--------| gw |  wan2 ==linkem== up2  | isp |--------| vps |--------| srv |
    +-----+ veth   +----+  ...                  +-----+ veth   +-----+ veth   +-----+
    192.168.100.0/24      .2               .1        203.0.113.0/24   198.51.100.0/24
    2001:db8:100::/64     ::2             ::1        2001:db8:ff::/64 2001:db8:aa::/64
    .10 ::10    .1 ::1                               .1 ::1  .10 ::10  .1 ::1  .10 ::10

Each uplink is a pair of TAP devices with the link emulator between them (a
plain veth pair in the scenario "fast"). gw has a default route per uplink,
with metrics in the scenario's order, and masquerades its LAN as any home
router does; isp translates each uplink's IPv4 to an address of its own
(203.0.113.(100+i)) and routes IPv6. So the way lan-gw-isp-vps-srv works with
no daemon at all: that is "the best uplink alone".

The next hop of an uplink is a permanent neighbour, as the modem in the room
answers ARP also when its line is dead. Nothing outside of the namespaces is
touched, and nothing is left: not after an end, not after a signal, and what
a killed lab left is removed by the next start.

    with Lab("S2", cc="cubic") as lab:
        server = lab.spawn("srv", ["aggload", "server"])
        print(lab.lan.run(["ping", "-c1", SRV4]).stdout)
        lab.link("dsl").set(cut=True)
"""
import argparse
import atexit
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scenario  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN_DIR = "/run"
ETC_DIR = "/etc/netns"  # of ip-netns(8)
PREFIX = "aggdlab"  # of namespaces and run directories, before the pid
NODES = ("lan", "gw", "isp", "vps", "srv")

LAN4, LAN6 = "192.168.100.10", "2001:db8:100::10"
VPS4, VPS6 = "203.0.113.10", "2001:db8:ff::10"
SRV4, SRV6 = "198.51.100.10", "2001:db8:aa::10"

METRIC_FIRST = 100
METRIC_PREFERRED = 50
START_TIMEOUT_S = 30
POLL_S = 0.02
LOOK_S_MAX = 0.2        # what a look and its pause count at most

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
CC_ALLOWED = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
BLACKHOLE = "/proc/sys/net/mptcp/blackhole_timeout"  # a write forgets

# What a kernel of today has by itself, so that an older one shows the same;
# and no memory of earlier connections, so that the runs do not depend on
# their order.
SYSCTLS = {
    "net.ipv4.tcp_rmem": "4096 131072 33554432",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.all.accept_dad": "0",
}

libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    pass


def wait_until(check, timeout, what):
    """Until check() gives something true, which is returned. what says what
    was waited for, or is a function that does. Of each look so much is counted
    at most, so that a machine that stands still does not use up the timeout."""
    left, before = timeout, time.monotonic()
    while True:
        got = check()
        if got:
            return got
        if left < 0:
            raise LabError(f"not after {timeout} s: {what() if callable(what) else what}")
        time.sleep(POLL_S)
        now = time.monotonic()
        left -= min(now - before, LOOK_S_MAX)
        before = now


def process_start(pid):
    """The kernel's start time of a process: with the pid, its identity."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


class Node:
    """A host of the lab: one network namespace."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.ns = f"{lab.id}-{name}"

    def enter(self):
        """Runs in the child: into the namespace, and dies with the lab."""
        fd = os.open(f"/run/netns/{self.ns}", os.O_RDONLY)
        if libc.setns(fd, CLONE_NEWNET) < 0:
            os._exit(126)
        os.close(fd)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    @contextlib.contextmanager
    def inside(self):
        """This thread is in the host: a socket made now stays there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.ns}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET) < 0:
                raise LabError(f"{self.name}: setns: {os.strerror(ctypes.get_errno())}")
            yield
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(there)
            os.close(home)

    def etc(self, name, text):
        """A file of /etc that only this host's later processes see."""
        folder = os.path.join(ETC_DIR, self.ns)
        os.makedirs(folder, exist_ok=True)
        write_file(os.path.join(folder, name), text)

    def spawn(self, argv, **kwargs):
        """A process in this host; the lab kills it at the end."""
        argv = [self.lab.tool(argv[0])] + [str(a) for a in argv[1:]]
        if os.path.isdir(os.path.join(ETC_DIR, self.ns)):
            argv = ["ip", "netns", "exec", self.ns] + argv
        log = kwargs.pop("log", None)
        if log:
            file = open(os.path.join(self.lab.dir, log), "ab")
            kwargs.update(stdout=kwargs.get("stdout", file), stderr=file)
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(argv, preexec_fn=self.enter, **kwargs)
        self.lab.processes.append(process)
        if log:
            file.close()
        return process

    def run(self, argv, timeout=120, check=True, stdin=None):
        """Runs to the end: a CompletedProcess with text output."""
        process = self.spawn(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LabError(f"{self.name}: {' '.join(map(str, argv))}: no end in {timeout} s")
        finally:
            self.lab.processes.remove(process)
        if check and process.returncode:
            raise LabError(f"{self.name}: {' '.join(map(str, argv))}: exit "
                           f"{process.returncode}: {(err or out).strip()[-500:]}")
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def ip(self, *lines):
        """Commands of ip(8), a line each; those that start with -6 run last."""
        for family in ("", "-6 "):
            chosen = [line[len(family):] for line in lines
                      if line.startswith("-6 ") == bool(family)]
            if chosen:
                self.run(["ip", *family.split(), "-batch", "-"],
                         stdin="\n".join(chosen) + "\n")

    def sysctl(self, values):
        self.run(["sysctl", "-qw"] + [f"{k}={v}" for k, v in values.items()])

    def nft(self, text):
        self.run(["nft", "-f", "-"], stdin=text)

    def wait_listening(self, port, timeout=START_TIMEOUT_S):
        """Until something listens on the TCP port."""
        wait_until(lambda: self.run(["ss", "-Hltn", f"sport = :{port}"]).stdout, timeout,
                   f"{self.name}: somebody listens on port {port}")


class Link:
    """An uplink's emulated line, changed while it runs."""

    def __init__(self, lab, uplink):
        self.lab = lab
        self.uplink = uplink
        self.name = uplink.name
        self.device = uplink.device

    def command(self, *words):
        return self.lab.linkem(*words)

    def set(self, direction=None, cut=None, **values):
        """rate, delay, jitter, loss, burst, queue, of one direction ('down',
        'up') or both; cut=True silently, cut=False restores."""
        if cut is not None:
            self.command("cut" if cut else "restore", self.name)
        if values:
            self.command("set", self.name, *([direction] if direction else []),
                         *(f"{k}={v:g}" for k, v in values.items()))

    def cut(self):
        self.set(cut=True)

    def restore(self):
        self.set(cut=False)

    def carrier(self, up):
        self.command("carrier", self.name, "up" if up else "down")

    def counters(self, direction):
        """What the line says of one direction: parameters and counters."""
        for line in self.command("show").splitlines():
            words = line.split()
            if words[:2] == [self.name, direction]:
                return {k: float(v) for k, v in (w.split("=") for w in words[2:])}
        raise LabError(f"no link {self.name}")


class Lab:
    def __init__(self, scenario_name="S2", cc="cubic", seed=1, build=None, sanitized=False):
        self.uplinks = scenario.load(scenario_name)
        self.scenario = scenario_name
        self.cc = cc
        self.seed = seed
        self.build = build or os.environ.get("AGGD_BUILD") or os.path.join(ROOT, "build")
        # The daemon alone may be of another build: the tools measure.
        self.sanitized = os.environ.get("AGGD_SANITIZED") if sanitized else None
        self.processes = []
        self.middleboxes = {}  # what is done to SYNs by an uplink's name
        self.emulator = None

    def __enter__(self):
        remove_stale()
        install_signals()
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    # -- what tests use

    def link(self, name):
        return self.links[name]

    def node(self, name):
        return self.nodes[name]

    def spawn(self, node, argv, **kwargs):
        return self.nodes[node].spawn(argv, **kwargs)

    def run(self, node, argv, **kwargs):
        return self.nodes[node].run(argv, **kwargs)

    def tool(self, name):
        """A program of ours by its name, any other as it is."""
        if name == "aggd" and self.sanitized:
            return os.path.join(self.sanitized, name)
        for folder in ("", "tests/lab"):
            path = os.path.join(self.build, folder, name)
            if "/" not in name and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return name

    def limit_mbps(self, direction="down"):
        return scenario.limit_mbps(self.uplinks, direction)

    def prefer(self, name):
        """Makes one uplink the best route of what no daemon takes."""
        i = [u.name for u in self.uplinks].index(name) + 1
        device = self.uplinks[i - 1].device
        self.gw.run(["ip", "route", "del", "default", "metric", METRIC_PREFERRED], check=False)
        self.gw.run(["ip", "-6", "route", "del", "default", "metric", METRIC_PREFERRED],
                    check=False)
        self.gw.ip(
            f"route add default via 10.{10 + i}.0.1 dev {device} metric {METRIC_PREFERRED}",
            f"-6 route add default via 2001:db8:{i}::1 dev {device} metric {METRIC_PREFERRED}")
        self.isp.ip(f"-6 route replace 2001:db8:100::/64 via 2001:db8:{i}::2")

    def strip_mptcp(self, name=None):
        """On one uplink, or on all, a middlebox takes the MPTCP option off all
        SYNs, so that connections are TCP and joins come to nothing."""
        self.set_middlebox(name, "reset tcp option mptcp")

    def drop_mptcp(self, name=None):
        """One of the harsh kind: SYNs that carry the option vanish."""
        self.set_middlebox(name, "tcp option mptcp exists drop")

    def drop_large(self, name, sizes="meta length > 1400"):
        """On one uplink packets above that size vanish, both ways, and nobody is
        told; None: no more. Packets are as on a wire from now on, not bundled."""
        self.vps.ip("link set eth0 gso_max_segs 1")
        self.isp.ip("link set vps0 gso_max_segs 1")
        device = [f"up{i}" for i, u in enumerate(self.uplinks, 1) if u.name == name][0]
        rules = f"iifname {device} {sizes} drop\noifname {device} {sizes} drop\n" if sizes else ""
        self.isp.nft("table inet large\ndelete table inet large\ntable inet large {\n"
                     "chain through { type filter hook forward priority 0;\n" + rules + "}\n}\n")

    def keep_mptcp(self, name=None):
        """Takes the middlebox away, and what gw's kernel has learned of it: after
        a drop Linux (6.12) makes no MPTCP connection for an hour."""
        self.set_middlebox(name, None)
        self.gw.run(["sh", "-c", f"[ ! -e {BLACKHOLE} ] || echo 3600 > {BLACKHOLE}"])

    def set_middlebox(self, name, verdict):
        for uplink in self.uplinks:
            if name in (None, uplink.name):
                self.middleboxes[uplink.name] = verdict
        if name not in (None, *self.middleboxes):
            raise LabError(f"no uplink {name}")
        syn = "tcp flags & syn == syn"
        rules = [(f"up{i}", self.middleboxes[u.name]) for i, u in enumerate(self.uplinks, 1)
                 if self.middleboxes.get(u.name)]
        self.isp.nft("table inet middlebox\ndelete table inet middlebox\n"
                     "table inet middlebox {\n"
                     "chain up { type filter hook prerouting priority raw;\n"
                     + "".join(f"iifname {d} {syn} {v}\n" for d, v in rules) + "}\n"
                     "chain down { type filter hook postrouting priority 300;\n"
                     + "".join(f"oifname {d} {syn} {v}\n" for d, v in rules) + "}\n}\n")

    def linkem(self, *words):
        done = subprocess.run([self.tool("linkem"), "-c", self.socket, *words],
                              capture_output=True, text=True, timeout=START_TIMEOUT_S)
        if done.returncode:
            raise LabError(f"link {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.partition("\n")[2]

    def kill(self, process):
        """Ends a spawned process and waits for it."""
        if process.poll() is None:
            process.kill()
        process.wait()
        if process in self.processes:
            self.processes.remove(process)

    # -- building and removing

    def start(self):
        self.id = f"{PREFIX}{os.getpid()}"
        self.dir = os.path.join(RUN_DIR, self.id)
        self.socket = os.path.join(self.dir, "linkem.sock")
        if os.path.exists(self.dir):
            raise LabError("one lab a process at a time")
        os.makedirs(self.dir, mode=0o755)
        with open(os.path.join(self.dir, "owner"), "w", encoding="ascii") as file:
            file.write(process_start(os.getpid()))
        atexit.register(self.stop)
        self.nodes = {name: Node(self, name) for name in NODES}
        self.links = {u.name: Link(self, u) for u in self.uplinks}
        for name, node in self.nodes.items():
            setattr(self, name, node)
            ip_host("netns", "add", node.ns)
            node.sysctl(SYSCTLS)
            node.ip("link set lo up")
        self.set_congestion_control()
        self.start_links()
        self.join("lan", "eth0", "gw", "lan0", "192.168.100", "2001:db8:100", 10, 1)
        self.join("isp", "vps0", "vps", "eth0", "203.0.113", "2001:db8:ff", 1, 10)
        self.join("vps", "srv0", "srv", "eth0", "198.51.100", "2001:db8:aa", 1, 10)
        for i, uplink in enumerate(self.uplinks, 1):
            self.start_uplink(i, uplink)
        self.add_routes()

    def stop(self):
        if not getattr(self, "dir", None):
            return
        atexit.unregister(self.stop)
        for process in self.processes[::-1]:
            if process.poll() is None:
                process.kill()
        remove_lab(self.id)
        for process in self.processes:
            process.wait()
        self.processes.clear()
        self.dir = None

    def set_congestion_control(self):
        """A namespace may only choose what the host allows: it is allowed for
        the moment, and what the host had is written back."""
        lock = os.open(RUN_DIR, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(CC_ALLOWED, encoding="ascii") as file:
            allowed = file.read().strip()
        try:
            if self.cc not in allowed.split():
                if shutil.which("modprobe"):
                    subprocess.run(["modprobe", "-q", "tcp_" + self.cc])
                write_file(CC_ALLOWED, f"{allowed} {self.cc}")
            for node in self.nodes.values():
                node.sysctl({"net.ipv4.tcp_congestion_control": self.cc})
        finally:
            if self.cc not in allowed.split():
                write_file(CC_ALLOWED, allowed)
            os.close(lock)

    def start_links(self):
        """Makes the uplinks' devices: by the emulator, or as veth pairs."""
        words = []
        for i, uplink in enumerate(self.uplinks, 1):
            if uplink.veth:
                ip_host("link", "add", uplink.device, "netns", self.gw.ns, "type", "veth",
                        "peer", "name", f"up{i}", "netns", self.isp.ns)
            else:
                words += [uplink.name, self.gw.ns, uplink.device, self.isp.ns, f"up{i}"]
        if not words:
            return
        self.emulator = subprocess.Popen(
            [self.tool("linkem"), "-s", self.socket, "-r", str(self.seed)] + words,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.processes.append(self.emulator)
        if self.emulator.stdout.readline() != "ready\n":
            raise LabError("the link emulator did not start")
        for uplink in self.uplinks:
            if uplink.veth:
                continue
            link = self.links[uplink.name]
            link.set(delay=uplink.delay, jitter=uplink.jitter, loss=uplink.loss,
                     burst=uplink.burst, queue=uplink.queue)
            link.set("down", rate=uplink.down)
            link.set("up", rate=uplink.up)

    def join(self, left, left_device, right, right_device, net4, net6, left_host, right_host):
        """A veth pair between two hosts, with addresses."""
        ip_host("link", "add", left_device, "netns", self.nodes[left].ns, "type", "veth",
                "peer", "name", right_device, "netns", self.nodes[right].ns)
        for name, device, host in ((left, left_device, left_host),
                                   (right, right_device, right_host)):
            self.nodes[name].ip(f"addr add {net4}.{host}/24 dev {device}",
                                f"addr add {net6}::{host}/64 dev {device} nodad",
                                f"link set {device} up")

    def start_uplink(self, i, uplink):
        self.start_uplink_end(self.gw, i, uplink.device, 2, 1)
        self.start_uplink_end(self.isp, i, f"up{i}", 1, 2)
        self.add_default(i, uplink)

    def start_uplink_end(self, node, i, device, host, peer):
        node.ip(f"link set {device} address 02:00:00:00:{i:02x}:{host:02x} up",
                f"addr add 10.{10 + i}.0.{host}/24 dev {device}",
                f"addr add 2001:db8:{i}::{host}/64 dev {device} nodad",
                *(f"neigh replace {a} dev {device} lladdr 02:00:00:00:{i:02x}:{peer:02x}"
                  f" nud permanent"
                  for a in (f"10.{10 + i}.0.{peer}", f"2001:db8:{i}::{peer}")))

    def add_default(self, i, uplink):
        metric = METRIC_FIRST + i
        self.gw.ip(
            f"route add default via 10.{10 + i}.0.1 dev {uplink.device} metric {metric}",
            f"-6 route add default via 2001:db8:{i}::1 dev {uplink.device} metric {metric}")

    def add_routes(self):
        self.lan.ip("route add default via 192.168.100.1",
                    "-6 route add default via 2001:db8:100::1")
        self.isp.ip("route add default via 203.0.113.10",
                    "-6 route add default via 2001:db8:ff::10",
                    "-6 route add 2001:db8:100::/64 via 2001:db8:1::2",
                    *(f"addr add 203.0.113.{100 + i}/24 dev vps0"
                      for i in range(1, len(self.uplinks) + 1)))
        self.vps.ip("-6 route add 2001:db8::/48 via 2001:db8:ff::1",
                    *(f"-6 route add 2001:db8:{i}::/64 via 2001:db8:ff::1"
                      for i in range(1, len(self.uplinks) + 1)),
                    "-6 route add 2001:db8:100::/64 via 2001:db8:ff::1")
        self.vps.ip("route add default via 198.51.100.10",
                    "-6 route add default via 2001:db8:aa::10")
        self.srv.ip("route add default via 198.51.100.1",
                    "-6 route add default via 2001:db8:aa::1")
        self.add_nat()

    def add_nat(self):
        """Of the gateway and the isp, as home routers have it."""
        self.gw.nft("table ip lab { chain post { type nat hook postrouting priority srcnat;\n"
                    "ip saddr 192.168.100.0/24 oifname != lan0 masquerade\n}\n}\n")
        self.isp.nft("table ip lab { chain post { type nat hook postrouting priority srcnat;\n"
                     + "".join(f"ip saddr 10.{10 + i}.0.0/24 oifname vps0 "
                               f"snat to 203.0.113.{100 + i}\n"
                               for i in range(1, len(self.uplinks) + 1)) + "}\n}\n")


def ip_host(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def write_file(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def remove_lab(lab_id):
    """Every process and namespace of a lab, and its run directory."""
    try:
        names = [n for n in os.listdir("/run/netns") if n.startswith(lab_id + "-")]
    except FileNotFoundError:
        names = []
    for name in names:
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
        for pid in pids.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        remove_etc(name)
    shutil.rmtree(os.path.join(RUN_DIR, lab_id), ignore_errors=True)


def remove_etc(namespace):
    folder = os.path.join(ETC_DIR, namespace)
    if os.path.isdir(folder):
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):
            os.rmdir(ETC_DIR)  # unless others have theirs there


def is_stale(lab_id):
    pid = lab_id[len(PREFIX):]
    try:
        with open(os.path.join(RUN_DIR, lab_id, "owner"), encoding="ascii") as file:
            owner = file.read()
    except OSError:
        owner = ""  # not written yet
    return process_start(pid) != owner if owner else process_start(pid) is None


def remove_stale():
    """What labs left whose process is gone."""
    names = os.listdir(RUN_DIR)
    if os.path.isdir("/run/netns"):
        names += [n.partition("-")[0] for n in os.listdir("/run/netns")]
    for lab_id in {n for n in names if n.startswith(PREFIX) and n[len(PREFIX):].isdigit()}:
        if is_stale(lab_id):
            remove_lab(lab_id)


def install_signals():
    """A signal ends the program as an exception, so that labs are removed."""
    def on_signal(number, frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


# -- ./dev lab

GUIDE = """
  {name}: {links}

  In this shell:
    lan CMD..., gw, isp, vps, srv     run in that host (alone: a shell there)
    link                              what the links do now, with counters
    link {first} cut                     silently; then: link {first} restore
    link {first} set down rate=5 delay=40 loss=1    (rate delay jitter loss burst queue)
    link {first} carrier down            as if the plug were pulled; then: carrier up
    aggload                           the load tool: server on srv, client on lan
  Try:  srv aggload server &
        lan aggload bulk {srv4} -t 5
  Addresses: srv {srv4} {srv6}, vps {vps4} {vps6}
  Leave with exit or Ctrl-D: everything is removed.
"""

NODE_HELPER = """#!/bin/sh
[ $# -eq 0 ] && set -- bash --rcfile {rc}
exec ip netns exec {ns} "$@"
"""

LINK_HELPER = """#!/bin/sh
[ $# -eq 0 ] && exec {linkem} -c {socket} show
link=$1 verb=$2
[ $# -ge 2 ] || {{
    echo "usage: link [NAME cut|restore|carrier up|carrier down|set ...]" >&2
    exit 2
}}
shift 2
exec {linkem} -c {socket} "$verb" "$link" "$@"
"""


def write_helpers(lab):
    """Small commands for the person in the shell; the folder for PATH."""
    folder = os.path.join(lab.dir, "bin")
    rc = os.path.join(lab.dir, "bashrc")
    os.mkdir(folder)
    helpers = {name: NODE_HELPER.format(ns=node.ns, rc=rc) for name, node in lab.nodes.items()}
    helpers["link"] = LINK_HELPER.format(linkem=lab.tool("linkem"), socket=lab.socket)
    for name, text in helpers.items():
        path = os.path.join(folder, name)
        write_file(path, text)
        os.chmod(path, 0o755)
    write_file(rc, "[ -f ~/.bashrc ] && . ~/.bashrc\n"
                   f'PATH={folder}:{lab.build}:{lab.build}/tests/lab:$PATH\n'
                   f'PS1="[{lab.scenario} '
                   '$(ip netns identify | sed s/.*-// | grep . || echo lab)] \\w# "\n')
    return folder, rc


def describe(uplink):
    if uplink.veth:
        return f"{uplink.name} ({uplink.device}) unlimited"
    extra = f", jitter {uplink.jitter:g}" if uplink.jitter else ""
    extra += f", loss {uplink.loss:g} %" if uplink.loss else ""
    return (f"{uplink.name} ({uplink.device}) {uplink.down:g}/{uplink.up:g} Mbit/s "
            f"{uplink.delay:g} ms{extra}")


def main():
    parser = argparse.ArgumentParser(prog="dev lab", description="a shell in the lab")
    parser.add_argument("scenario", nargs="?", default="S2",
                        help=" ".join(sorted(os.listdir(scenario.SCENARIOS))))
    parser.add_argument("--cc", default="cubic", help="congestion control (cubic, bbr)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run this instead of a shell")
    args = parser.parse_args()
    try:
        with Lab(args.scenario, cc=args.cc) as lab:
            folder, rc = write_helpers(lab)
            print(GUIDE.format(name=args.scenario, links="; ".join(map(describe, lab.uplinks)),
                               first=lab.uplinks[0].name, srv4=SRV4, srv6=SRV6,
                               vps4=VPS4, vps6=VPS6), flush=True)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the shell, not for us
            path = f"{folder}:{lab.build}:{lab.build}/tests/lab:{os.environ['PATH']}"
            subprocess.run(args.command or ["bash", "--rcfile", rc],
                           env=dict(os.environ, PATH=path))
    except (LabError, scenario.ScenarioError) as error:
        sys.exit(f"lab: {error}")


if __name__ == "__main__":
    main()
