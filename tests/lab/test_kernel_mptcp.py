#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The kernel's MPTCP under our hand: endpoints, limits, events, and that what
is not ours is left as it is, after a crash too.

    gw  wan1 10.1.0.2 ---- 10.1.0.1 up1  isp  (198.51.100.10 on lo)
        wan2 10.2.0.2 ---- 10.2.0.1 up2
"""
import ctypes
import os
import re
import socket
import tempfile
import threading
import unittest

from kernel_ns import TOOL, KernelTest, eventually

SERVER = "198.51.100.10"
PORT = 8080
IPPROTO_MPTCP = 262
SYS_PIDFD_GETFD = 438

libc = ctypes.CDLL(None, use_errno=True)


def has_mptcp():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP).close()
        return True
    except OSError:
        return False


def echo(sock):
    with sock:
        try:
            while data := sock.recv(65536):
                sock.sendall(data)
        except OSError:
            pass


def accept_all(server):
    while True:
        threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()


def listen(space, protocol, port):
    with space.entered():
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("0.0.0.0", port))
    server.listen(64)
    threading.Thread(target=accept_all, args=(server,), daemon=True).start()
    return server


def sockets_of(pid):
    """Copies of the netlink sockets of another process."""
    process = os.pidfd_open(pid)
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        copy = libc.syscall(SYS_PIDFD_GETFD, process, int(fd), 0)
        if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
            found.append(socket.socket(fileno=copy))
        elif copy >= 0:
            os.close(copy)
    os.close(process)
    for sock in (s for s in found if s.family != socket.AF_NETLINK):
        sock.close()
    return [s for s in found if s.family == socket.AF_NETLINK]


def field(line, name):
    found = re.search(rf"\b{name}=(\S+)", line or "")
    return found and found[1]


@unittest.skipUnless(has_mptcp(), "this kernel has no MPTCP, or net.mptcp.enabled is 0")
class MptcpTest(KernelTest):
    SPACES = ("gw", "isp")

    def setUp(self):
        super().setUp()
        gw, isp = self.gw, self.isp
        gw.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0)
        isp.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0)
        for i in (1, 2):
            gw.ip(f"link add wan{i} type veth peer name up{i} netns {isp.name}",
                  f"link set wan{i} up", f"addr add 10.{i}.0.2/24 dev wan{i}",
                  f"addr add 10.{i}.0.3/24 dev wan{i}")
            isp.ip(f"link set up{i} up", f"addr add 10.{i}.0.1/24 dev up{i}")
            # As our policy routes: nothing leads out but a bound socket's device.
            gw.ip(f"route add default via 10.{i}.0.1 dev wan{i} table 10{i}",
                  f"rule add oif wan{i} lookup 10{i}")
        isp.ip(f"addr add {SERVER}/32 dev lo")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.journal = os.path.join(folder.name, "mptcp")
        self.gw.run("ip", "mptcp", "limits", "set", "subflows", "2", "add_addr_accepted", "1")

    def pm(self, space=None):
        tool = (space or self.gw).tool("mptcp", self.journal)
        self.addCleanup(tool.close)
        self.check("it starts", tool.expect("ready"))
        return tool

    def say(self, tool, line):
        """A command's answer: "ok", or why not. Events are passed over."""
        return [l for l in tool.ask(line) if "token=" not in l][-1]

    def endpoints(self):
        return sorted(self.gw.run("ip", "mptcp", "endpoint").stdout.split("\n"))[1:]

    def limits(self):
        return self.gw.run("ip", "mptcp", "limits").stdout.split()

    def has(self, *words):
        return any(all(w in line.split() for w in words) for line in self.endpoints())

    def test_endpoints(self):
        pm = self.pm()
        both = "endpoints 10.1.0.2@wan1 10.2.0.2@wan2+backup"
        self.check("two", self.say(pm, both) == "ok")
        self.check("are there", self.has("10.1.0.2", "subflow", "wan1") and
                   self.has("10.2.0.2", "subflow", "backup", "wan2") and
                   not self.has("10.1.0.2", "backup"), self.endpoints())
        before = self.endpoints()
        self.check("again", self.say(pm, both) == "ok")
        self.check("changes nothing", self.endpoints() == before, self.endpoints())
        self.check("changed", self.say(pm, "endpoints 10.1.0.2@wan1+backup 10.2.0.2@wan2") == "ok")
        self.check("in place, by their ids",
                   self.has("10.1.0.2", "backup") and not self.has("10.2.0.2", "backup") and
                   [l.split()[2] for l in self.endpoints()] == [l.split()[2] for l in before],
                   self.endpoints())
        one_new = "endpoints 10.2.0.2@wan2 10.1.0.3@wan1"
        self.check("one less, one new", self.say(pm, one_new) == "ok")
        self.check("are these", len(self.endpoints()) == 2 and self.has("10.1.0.3", "wan1"),
                   self.endpoints())
        self.check("another device", self.say(pm, "endpoints 10.2.0.2@wan1") == "ok")
        self.check("is another endpoint", len(self.endpoints()) == 1 and
                   self.has("10.2.0.2", "wan1"), self.endpoints())
        self.check("none", self.say(pm, "endpoints ") == "ok" and not self.endpoints(),
                   self.endpoints())
        self.check("and no journal", not os.path.exists(self.journal))

    def test_strangers(self):
        gw = self.gw
        gw.run("ip", "mptcp", "endpoint", "add", "10.1.0.2", "dev", "wan1", "signal")
        gw.run("ip", "mptcp", "endpoint", "add", "10.9.0.2", "id", "100", "subflow")
        before, limits = self.endpoints(), self.limits()
        pm = self.pm()
        self.check("one that is there", self.say(
            pm, "endpoints 10.1.0.2@wan1+backup 10.2.0.2@wan2") == "ok")
        self.check("is left as it is", set(before) < set(self.endpoints()) and
                   len(self.endpoints()) == 3, self.endpoints())
        self.check("limits raised", self.say(pm, "raise 8") == "ok" and
                   self.say(pm, "raise 3") == "ok" and self.say(pm, "accept 0") == "ok")
        self.check("are 8 and 0", self.limits() == "add_addr_accepted 0 subflows 8".split(),
                   self.limits())
        self.check("cleanup", self.say(pm, "cleanup") == "ok")
        self.check("leaves theirs", self.endpoints() == before, self.endpoints())
        self.check("and their limits", self.limits() == limits, self.limits())
        self.check("no journal", not os.path.exists(self.journal))
        self.check("cleanup of nothing", self.say(pm, "cleanup") == "ok")

    def test_changed_meanwhile(self):
        pm = self.pm()
        self.say(pm, "endpoints 10.1.0.2@wan1 10.2.0.2@wan2")
        self.say(pm, "raise 5")
        self.say(pm, "accept 0")
        self.gw.run("ip", "mptcp", "endpoint", "flush")
        self.gw.run("ip", "mptcp", "endpoint", "add", "10.1.0.2", "id", "7", "signal")
        self.gw.run("ip", "mptcp", "limits", "set", "subflows", "6", "add_addr_accepted", "0")
        self.check("cleanup", self.say(pm, "cleanup") == "ok")
        self.check("leaves what is another's now", len(self.endpoints()) == 1 and
                   self.has("10.1.0.2", "signal"), self.endpoints())
        self.check("what was changed after us stays, the rest is restored",
                   self.limits() == "add_addr_accepted 1 subflows 6".split(), self.limits())

    def test_too_many(self):
        pm = self.pm()
        for i in range(3, 9):
            self.gw.run("ip", "mptcp", "endpoint", "add", f"10.9.0.{i}", "subflow")
        three = "endpoints 10.1.0.2@wan1 10.1.0.3@wan1 10.2.0.2@wan2"
        answer = self.say(pm, three)
        self.check("more than fit is said", "No space left" in answer or answer == "ok", answer)
        self.check("and theirs are all there",
                   sum("10.9.0." in l for l in self.endpoints()) == 6, self.endpoints())
        answer = self.say(pm, "endpoints " + " ".join(f"10.1.1.{i}@wan1" for i in range(1, 10)))
        self.check("nine are too many", "has room for 8" in answer, answer)
        self.check("cleanup", self.say(pm, "cleanup") == "ok" and len(self.endpoints()) == 6,
                   self.endpoints())
        answer = self.say(pm, "raise 9")
        self.check("nine subflows too", "at most 8" in answer, answer)

    def test_crash(self):
        gw = self.gw
        gw.run("ip", "mptcp", "endpoint", "add", "10.9.0.2", "subflow")
        before, limits = self.endpoints(), self.limits()
        pm = self.pm()
        self.say(pm, "endpoints 10.1.0.2@wan1 10.2.0.2@wan2+backup")
        self.say(pm, "raise 8")
        self.say(pm, "accept 0")
        self.check("the journal is for its owner only",
                   os.stat(self.journal).st_mode & 0o777 == 0o600)
        pm.process.kill()
        pm.process.wait()
        self.check("a crash leaves all", len(self.endpoints()) == 3, self.endpoints())
        gw.run("ip", "mptcp", "endpoint", "delete", "id", self.id_of("10.1.0.2"))
        gw.run("ip", "mptcp", "endpoint", "add", "10.1.0.2", "dev", "wan1", "id", "33", "subflow")
        pm = self.pm()
        self.check("the next start undoes it, by exact match only",
                   self.has("10.1.0.2", "33") and not self.has("10.2.0.2") and
                   set(before) < set(self.endpoints()), self.endpoints())
        self.check("limits too", self.limits() == limits, self.limits())
        self.check("and the journal is done", not os.path.exists(self.journal))
        self.check("and it works on", self.say(pm, "endpoints 10.2.0.2@wan2") == "ok" and
                   self.has("10.2.0.2", "wan2"), self.endpoints())

    def id_of(self, address):
        return next(l.split()[2] for l in self.endpoints() if l.split()[0] == address)

    def test_other_journals(self):
        pm = self.pm()
        self.say(pm, "endpoints 10.1.0.2@wan1")
        pm.process.kill()
        pm.process.wait()
        with open(self.journal, encoding="ascii") as file:
            mine = file.read()
        for what, text in (("of another boot", mine.replace("boot ", "boot f00")),
                           ("of another namespace", re.sub(r"netns \d+", "netns 1", mine)),
                           ("cut off", mine[:-5]), ("garbage", "\0\xff" * 3000), ("empty", "")):
            with open(self.journal, "w", encoding="latin-1") as file:
                file.write(text)
            with self.gw.tool("mptcp", self.journal) as tool:
                self.check(f"a journal {what}: it starts", tool.expect("ready"))
            self.check(f"a journal {what} is ignored", self.has("10.1.0.2"), self.endpoints())
        with open(self.journal, "w", encoding="ascii") as file:
            file.write(mine)
        self.pm()
        self.check("the true one is not", not self.endpoints(), self.endpoints())

    def test_unprivileged(self):
        result = self.gw.run("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set",
                             "-all", "sh", "-c", '"$0" mptcp -', TOOL)
        self.check("without privilege it is said", result.returncode == 1 and
                   "not permitted" in result.stderr, result.stderr)

    def test_scheduler(self):
        pm = self.pm()
        answer = self.say(pm, "scheduler nosuch")
        self.check("an unknown scheduler is refused", answer != "ok", answer)
        answer = self.say(pm, "scheduler ../etc")
        self.check("what is no name too", answer != "ok", answer)
        self.check("and nothing is noted of it", not os.path.exists(self.journal))

    def connect(self, *argv):
        tool = self.gw.tool("mptcpconnect", *argv)
        self.addCleanup(tool.close)
        return tool

    def test_events(self):
        listen(self.isp, IPPROTO_MPTCP, PORT)
        far = self.isp.tool("mptcp", "-")
        self.addCleanup(far.close)
        far.expect("ready")
        pm = self.pm()
        self.say(pm, "endpoints 10.1.0.2@wan1 10.2.0.2@wan2+backup")
        peer = self.connect("wan1", "10.1.0.2", f"{SERVER}:{PORT}")
        self.check("a connection", peer.expect("^connected"))
        created = pm.expect("^created ")
        self.check("is told with both ends", field(created, "remote") == f"{SERVER}:{PORT}" and
                   field(created, "local").startswith("10.1.0.2:") and
                   field(created, "server") == "0", created)
        token = field(created, "token")
        peer.ask("send 1000")
        self.check("data makes it established", pm.expect(f"^established token={token}"))
        joined = pm.expect(f"^sub-established token={token}")
        self.check("and joined by the second uplink, though it is bound to the first",
                   field(joined, "local").startswith("10.2.0.2:") and
                   field(joined, "if") not in (None, "0"), joined)
        told = far.expect("^sub-established")
        self.check("the server is told who may be a backup", field(told, "backup") == "1" and
                   field(told, "remote").startswith("10.2.0.2:"), told)
        self.info(peer, token)
        pm.ask("endpoints 10.1.0.2@wan1 10.2.0.2@wan2")
        told = far.expect("^sub-priority")
        self.check("and that it is none any more", field(told, "backup") == "0", told)
        pm.say("endpoints 10.1.0.2@wan1")
        closed = pm.expect(f"^sub-closed token={token}")
        self.check("without its endpoint the subflow ends",
                   field(closed, "local").startswith("10.2.0.2:"), closed)
        peer.close()
        self.check("the end is told", pm.expect(f"^closed token={token}"))

    def test_refused_join(self):
        """The second uplink takes the option off: the join ends, the rest goes on."""
        listen(self.isp, IPPROTO_MPTCP, PORT)
        self.isp.run("nft", "add table inet box; add chain inet box pre "
                     "{ type filter hook prerouting priority raw; }; add rule inet box pre "
                     "iifname up2 tcp flags & syn == syn reset tcp option mptcp").check_returncode()
        pm = self.pm()
        self.say(pm, "endpoints 10.1.0.2@wan1 10.2.0.2@wan2")
        peer = self.connect("wan1", "-", f"{SERVER}:{PORT}")
        peer.ask("send 1000")
        told = pm.expect("^sub-")
        self.check("a join that is stripped is told as closed, never as established",
                   told.startswith("sub-closed") and field(told, "local").startswith("10.2.0.2"),
                   told)
        self.isp.run("nft", "delete", "table", "inet", "box").check_returncode()
        pm.ask("endpoints 10.1.0.2@wan1")
        pm.say("endpoints 10.1.0.2@wan1 10.2.0.2@wan2")
        told = pm.expect("^sub-established")
        self.check("an endpoint given again joins again",
                   field(told, "local").startswith("10.2.0.2"), told)

    def info(self, peer, token):
        lines = []

        def told():
            lines[:] = peer.ask("info")
            return len(lines) == 3 and field(lines[0], "joined") == "1"
        self.check("both subflows are read", eventually(told), lines)
        lines += [""] * 3
        self.check("the same token", field(lines[0], "token") == token and
                   field(lines[0], "fallback") == "0" and field(lines[0], "joined") == "1", lines)
        locals_ = sorted(field(l, "local").split(":")[0] for l in lines[1:] if l)
        self.check("by their addresses", locals_ == ["10.1.0.2", "10.2.0.2"], lines)

    def test_overrun(self):
        """Somebody who has no room for what he is told learns that he missed some."""
        listen(self.isp, IPPROTO_MPTCP, PORT)
        pm = self.pm()
        for sock in sockets_of(pm.process.pid):
            with sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        with pm.stopped(), self.gw.entered():
            for _ in range(30):
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wan1")
                sock.connect((SERVER, PORT))
                sock.close()
        self.check("an overrun is told", pm.expect("^overrun "))
        told = self.say_stats(pm)
        self.check("and counted", int(field(told, "overruns")) > 0, told)
        self.check("and it goes on", self.say(pm, "endpoints 10.1.0.2@wan1") == "ok")

    def say_stats(self, pm):
        pm.say("stats")
        return pm.expect("^stats ")

    def test_plain_tcp(self):
        listen(self.isp, socket.IPPROTO_TCP, PORT)
        peer = self.connect("wan1", "-", f"{SERVER}:{PORT}")
        self.check("to a server without MPTCP it connects", peer.expect("^connected"))
        info = peer.ask("info")
        self.check("and is told as plain", "plain" in info[0], info)
        result = self.gw.once("mptcpcounters")
        self.check("and is counted", field(result.stdout, "fallback_synack") == "1",
                   result.stdout)

    def test_disabled(self):
        self.gw.sysctl(mptcp__enabled=0)
        answer = self.gw.once("mptcpconnect", "wan1", "-", f"{SERVER}:{PORT}").stdout
        self.check("net.mptcp.enabled=0 is said", "Protocol not available" in answer, answer)
        answer = self.gw.once("mptcpcounters").stdout
        self.check("and named as what is in the way", "net.mptcp.enabled is 0" in answer, answer)


if __name__ == "__main__":
    unittest.main()
