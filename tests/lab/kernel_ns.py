# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Network namespaces for test_kernel_*.py: smaller than the lab, and bare.

    class RouteTest(KernelTest):
        SPACES = ("gw", "isp")

        def test_something(self):
            self.gw.ip("link add wan1 type veth peer name up1 netns " + self.isp.name)
            with self.gw.tool("netmon") as monitor:
                self.check("it starts", monitor.expect("ready"))
"""
import contextlib
import ctypes
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")),
                    "tests/lab/kernel_tool")
PREFIX = "aggdkern"  # of the namespaces, before the pid
WAIT_S = 20          # for what must come; a slow machine is no failure
QUIET_S = 0.3        # for what must not come
LOOK_S_MAX = 1       # what a look counts at most: the machine may stand still

libc = ctypes.CDLL(None, use_errno=True)


def eventually(fact):
    """Does it become true in time?"""
    left, before = WAIT_S, time.monotonic()
    while not fact():
        if left < 0:
            return False
        time.sleep(0.05)
        now = time.monotonic()
        left -= min(now - before, LOOK_S_MAX)
        before = now
    return True


class Tool:
    """A kernel_tool that runs on, its lines read as they come."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    @contextlib.contextmanager
    def stopped(self):
        """It does nothing meanwhile: what happens waits for it."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, pattern, timeout=WAIT_S):
        """The first line that matches; those before it are dropped. None: none came."""
        try:
            while (line := self.lines.get(timeout=timeout)) is not None:
                if re.search(pattern, line):
                    return line
        except queue.Empty:
            pass
        return None

    def quiet(self):
        """The lines of a short while, in which none should come."""
        lines = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self.lines.get(timeout=QUIET_S))
        return lines

    def ask(self, line):
        """The lines that answer a command, up to the single dot. What was told
        before it is dropped."""
        while not self.lines.empty():
            self.lines.get()
        self.say(line)
        lines = []
        while (got := self.lines.get(timeout=WAIT_S)) not in (".", None):
            lines.append(got)
        return lines


class Space:
    """One network namespace."""

    def __init__(self, name):
        self.name = f"{PREFIX}{os.getpid()}-{name}"

    def argv(self, argv):
        return ["ip", "netns", "exec", self.name] + [str(a) for a in argv]

    def run(self, *argv, env=None, timeout=60):
        return subprocess.run(self.argv(argv), capture_output=True, text=True, env=env,
                              timeout=timeout)

    def ip(self, *lines):
        for line in lines:
            subprocess.run(["ip", "-n", self.name] + line.split(), check=True)

    def batch(self, lines):
        """Many, as fast as it goes."""
        subprocess.run(["ip", "-n", self.name, "-batch", "-"], check=True, text=True,
                       input="\n".join(lines) + "\n")

    def sysctl(self, **values):
        for key, value in values.items():
            path = "/proc/sys/net/" + key.replace("__", "/")
            self.run("sh", "-c", f"echo {value} > {path}").check_returncode()

    def once(self, *argv, **kwargs):
        """kernel_tool to its end."""
        return self.run(TOOL, *argv, **kwargs)

    def tool(self, *argv):
        return Tool(self.argv((TOOL,) + argv))

    @contextlib.contextmanager
    def entered(self):
        """This thread is inside; a socket made here stays here."""
        with open("/proc/self/ns/net", "rb") as home, \
                open(f"/run/netns/{self.name}", "rb") as there:
            if libc.setns(there.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(home.fileno(), 0)

    def socket(self, address):
        with self.entered():
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        sock.settimeout(WAIT_S)
        return sock

    def connect(self, address, port):
        sock = self.socket(address)
        try:
            sock.connect((address, port))
        except OSError:
            sock.close()
            raise
        return sock


def remove_stale():
    """What tests left whose process is gone."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    for name in names:
        pid = re.match(PREFIX + r"(\d+)-", name)
        if pid and not os.path.exists(f"/proc/{pid[1]}"):
            subprocess.run(["ip", "netns", "del", name], check=False)


class KernelTest(unittest.TestCase):
    """Each test has fresh namespaces, as attributes by their names."""

    SPACES = ()

    def setUp(self):
        self.failed = []
        remove_stale()
        for name in self.SPACES:
            space = Space(name)
            subprocess.run(["ip", "netns", "add", space.name], check=True)
            self.addCleanup(subprocess.run, ["ip", "netns", "del", space.name], check=False)
            space.ip("link set lo up")
            setattr(self, name, space)

    def check(self, what, good, seen=""):
        """One line for each fact; the test goes on, and fails at its end."""
        print(f"{'ok' if good else 'FAILED'}: {what}" + ("" if good else f": {seen}"), flush=True)
        if not good:
            self.failed.append(f"{what}: {seen}")

    def tearDown(self):
        self.assertFalse(self.failed)
