#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The ruleset at work: what a LAN host's connections meet in each mode, and
that a change of mode breaks none of them.

    lan  lan0 192.168.1.10 ---- 192.168.1.1 lan0  gw  wan1 ---- up1  srv
         2001:db8:100::10       2001:db8:100::1            198.51.100.10
                                                           2001:db8:aa::10

The proxy in gw (kernel_tool listen) greets with the destination that the
client meant and echoes; srv greets with "srv", gw's own server with "gw".
"""
import contextlib
import errno
import os
import socket
import tempfile
import threading
import time
import unittest

from kernel_ns import TOOL, KernelTest

SERVER = {4: "198.51.100.10", 6: "2001:db8:aa::10"}
GATEWAY = {4: "192.168.1.1", 6: "2001:db8:100::1"}
PORT, PROXY_PORT, MARK = 8080, 1234, "0x6167"


def add_routes(gw):
    gw.ip("route add default via 10.1.0.1", "-6 route add default via 2001:db8:1::1")


def serve(space, word, port):
    """Greets and echoes, on every address of the namespace."""
    with space.entered():
        server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)

    def talk(sock):
        with sock, contextlib.suppress(OSError):
            sock.sendall(word)
            while data := sock.recv(4096):
                sock.sendall(data)

    def accept():
        while True:
            threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def greeting(lan, address, port=PORT):
    """Who answers, or the error's name."""
    try:
        with lan.connect(address, port) as sock:
            return sock.makefile().readline().strip()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def echoes(sock):
    """Does a stream still carry bytes both ways?"""
    try:
        sock.sendall(b"still there\n")
        return sock.recv(4096) == b"still there\n"
    except OSError:
        return False


def open_stream(lan, address):
    sock = lan.connect(address, PORT)
    sock.recv(4096)
    return sock


def meant(family, port=PORT):
    return f"{SERVER[4]}:{port}" if family == 4 else f"[{SERVER[6]}]:{port}"


def with_nft(gw, script, *words):
    """kernel_tool with another program in nft's place."""
    with tempfile.TemporaryDirectory() as folder:
        if script:
            path = os.path.join(folder, "nft")
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + script)
            os.chmod(path, 0o755)
        result = gw.run("/usr/bin/env", f"PATH={folder}", TOOL, *words)
        return result.stderr if result.returncode else "no error"


class NftTest(KernelTest):
    SPACES = ("lan", "gw", "srv")

    def setUp(self):
        super().setUp()
        lan, gw, srv = self.lan, self.gw, self.srv
        gw.ip(f"link add lan0 type veth peer name lan0 netns {lan.name}",
              f"link add wan1 type veth peer name up1 netns {srv.name}",
              "link set lan0 up", "link set wan1 up",
              f"addr add {GATEWAY[4]}/24 dev lan0", f"-6 addr add {GATEWAY[6]}/64 dev lan0 nodad",
              "addr add 10.1.0.2/24 dev wan1", "-6 addr add 2001:db8:1::2/64 dev wan1 nodad")
        lan.ip("link set lan0 up", "addr add 192.168.1.10/24 dev lan0",
               "-6 addr add 2001:db8:100::10/64 dev lan0 nodad",
               f"route add default via {GATEWAY[4]}", f"-6 route add default via {GATEWAY[6]}")
        srv.ip("link set up1 up", "addr add 10.1.0.1/24 dev up1",
               "-6 addr add 2001:db8:1::1/64 dev up1 nodad",
               f"addr add {SERVER[4]}/32 dev lo", f"-6 addr add {SERVER[6]}/128 dev lo nodad",
               "route add default via 10.1.0.2", "-6 route add default via 2001:db8:1::2")
        gw.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        add_routes(gw)
        for space, word, ports in ((srv, b"srv\n", (PORT, PROXY_PORT)), (gw, b"gw\n", (PORT,))):
            for port in ports:
                serve(space, word, port)
        self.check("routes", gw.once("route", "tproxy", MARK).returncode == 0)
        proxy = gw.tool("listen", PROXY_PORT)
        self.addCleanup(proxy.close)
        self.check("the proxy listens", proxy.expect("ready"))
        self.check("without a table nothing is taken", greeting(lan, SERVER[4]) == "srv")

    def mode(self, modes, *prefixes):
        result = self.gw.once("intercept", "lan0", PROXY_PORT, MARK, modes, *prefixes)
        self.check(f"mode {modes} {' '.join(prefixes)}", result.returncode == 0, result.stderr)

    def test_text(self):
        gw = self.gw
        for modes in ("tt", "ff", "rr", "tr", "rt", "ft"):
            result = gw.once("ruleset", "lan0", 1, "1", modes, "10.0.0.0/8", "10.1.0.0/16",
                             "10.0.0.0/8", "2001:db8::/32", "2001:db8:1::/48", "=192.168.1.0/24")
            self.check(f"nft -c takes {modes}", result.returncode == 0, result.stderr)
        result = gw.once("ruleset", "lan0", 1, "0x1000000", "tr", "=192.168.1.0/24", "10.0.0.0/8",
                         "+1,dest=10.0.0.0/8,port=udp/5000-6000,host=00:16:3e:01:02:03",
                         "+3,dest=2001:db8::/32,port=443,host=2001:db8:1::/64,name=ip",
                         "+4,host=192.168.1.7,port=tcp,name=work", "+2,name=x_9",
                         "+6,port=22", "%4")
        self.check("nft -c takes what marks ways", result.returncode == 0, result.stderr)
        self.check("checking leaves nothing", not gw.run("nft", "list", "tables").stdout)

    def test_take(self):
        lan, gw = self.lan, self.gw
        self.mode("tt")
        for family in (4, 6):
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family} is taken, with its destination", got == meant(family), got)
            got = greeting(lan, SERVER[family], PROXY_PORT)
            self.check(f"IPv{family} to a port like the proxy's too",
                       got == meant(family, PROXY_PORT), got)
            got = greeting(lan, GATEWAY[family])
            self.check(f"IPv{family} to the gateway itself is not", got == "gw", got)
            got = greeting(lan, GATEWAY[family], PROXY_PORT)
            self.check(f"IPv{family}: the proxy's port is closed to the LAN",
                       got == "ECONNREFUSED", got)
        gw.ip("route del default", "-6 route del default")
        for family in (4, 6):
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family} is taken without any default route", got == meant(family), got)
        add_routes(gw)

    def test_left_alone(self):
        lan, gw = self.lan, self.gw
        self.mode("tt", "198.51.100.0/24", "198.51.0.0/16", "2001:db8:aa::/48")
        for family in (4, 6):
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family}: a bypassed network is left alone", got == "srv", got)
        self.mode("tt", "=198.51.100.10/32", "=2001:db8:aa::/64")
        for family in (4, 6):
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family}: a connected network is left alone", got == "srv", got)

    def test_ways(self):
        """What is marked for a way of its own is not taken; what may have a name is."""
        lan, gw = self.lan, self.gw
        card = lan.run("cat", "/sys/class/net/lan0/address").stdout.strip()
        for rule, way in (("+1,dest=198.51.100.0/24", "srv"), ("+2,port=tcp/8080", "srv"),
                          ("+3,host=192.168.1.10", "srv"), (f"+3,host={card}", "srv"),
                          ("+1,port=udp", meant(4)), ("+1,host=192.168.1.11", meant(4)),
                          (f"+1,host={card},port=81", meant(4)), ("+1,name=work", meant(4))):
            self.mode("tt", rule)
            got = greeting(lan, SERVER[4])
            self.check(f"{rule} goes its way", got == way, got)
        self.mode("rr", "+1,name=work")
        got = greeting(lan, SERVER[4]), greeting(lan, SERVER[6])
        self.check("in an outage it may still be asked for its name", got == (meant(4), meant(6)),
                   got)
        self.mode("tr", "+1,name=work")
        got = greeting(lan, SERVER[6])
        self.check("IPv6 alone is refused at once", got == "ECONNREFUSED", got)
        self.mode("tt", "+1,port=8080")
        forwarded = open_stream(lan, SERVER[4])
        gw.run("nft", "add", "set", "inet", "aggd_bypass", "bypass_x4",
               "{ type ipv4_addr; flags timeout; }")
        gw.run("nft", "add", "element", "inet", "aggd_bypass", "bypass_x4", "{ 192.0.2.7 }")
        self.mode("tt", "+4,port=81")
        self.check("a connection keeps its way", echoes(forwarded))
        marks = gw.run("nft", "list", "table", "inet", "aggd_bypass").stdout
        self.check("other rules leave the sets as they are", "192.0.2.7" in marks, marks)
        forwarded.close()
        self.mode("tt")
        tables = gw.run("nft", "list", "tables").stdout
        self.check("without rules the table is gone", "aggd_bypass" not in tables, tables)

    def test_modes(self):
        lan, gw = self.lan, self.gw
        for family in (4, 6):
            self.mode("tt")
            taken = open_stream(lan, SERVER[family])
            self.mode("ff")
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family}: forwarded", got == "srv", got)
            self.check(f"IPv{family}: what was taken goes on", echoes(taken))
            forwarded = open_stream(lan, SERVER[family])
            self.mode("rr")
            got = greeting(lan, SERVER[family])
            self.check(f"IPv{family}: rejected by a reset", got == "ECONNREFUSED", got)
            self.check(f"IPv{family}: what was taken goes on", echoes(taken))
            self.check(f"IPv{family}: what was forwarded goes on", echoes(forwarded))
            self.mode("tt", "198.51.100.0/24", "2001:db8:aa::/48")
            self.check(f"IPv{family}: taken goes on though bypassed since", echoes(taken))
            self.mode("tt")
            self.check(f"IPv{family}: taken goes on", echoes(taken))
            self.check(f"IPv{family}: forwarded is not taken half-way", echoes(forwarded))
            taken.close()
            forwarded.close()
        self.mode("tr")
        got = greeting(lan, SERVER[4]), greeting(lan, SERVER[6])
        self.check("IPv4 taken, IPv6 rejected", got == (meant(4), "ECONNREFUSED"), got)
        self.mode("ft")
        got = greeting(lan, SERVER[4]), greeting(lan, SERVER[6])
        self.check("IPv4 forwarded, IPv6 taken", got == ("srv", meant(6)), got)

    def test_atomic(self):
        lan, gw = self.lan, self.gw
        self.mode("tt")
        result = gw.once("nft", "delete table inet aggd\nadd rule inet aggd nochain accept\n")
        self.check("what nft refuses is told by its first line",
                   result.returncode and "Error" in result.stderr and
                   result.stderr.count("\n") == 1, result.stderr)
        self.check("and changes nothing", greeting(lan, SERVER[4]) == meant(4))
        gw.run("nft", "add table inet mine").check_returncode()
        self.check("cleanup", gw.once("nft", "cleanup").returncode == 0)
        self.check("cleanup again", gw.once("nft", "cleanup").returncode == 0)
        tables = gw.run("nft", "list", "tables").stdout
        self.check("removes our table and no other",
                   tables.split() == ["table", "inet", "mine"], tables)

    def test_failures(self):
        gw = self.gw
        words = ("intercept", "lan0", PROXY_PORT, MARK, "tt")
        for module, expression in (("nft_socket", "socket transparent"),
                                   ("nft_tproxy", "tproxy ip")):
            got = with_nft(gw, f"""case "$(cat)" in *'{expression}'*)
                echo 'Error: Could not process rule: No such file or directory' >&2; exit 1;;
                esac\n""", *words)
            self.check(f"a kernel without {module} is told so",
                       f"lacks the module {module}" in got, got)
        got = with_nft(gw, "cat >/dev/null; echo >&2 'Error: No such file or directory'; exit 1",
                       *words)
        self.check("one that lacks the first is told of that", "nft_socket" in got, got)
        got = with_nft(gw, None, *words)
        self.check("no nft at all", "No such file" in got, got)
        got = with_nft(gw, "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 3", *words)
        self.check("one that talks too much", "xxxx" in got and len(got) < 400, len(got))
        start = time.monotonic()
        got = with_nft(gw, "exec sleep 60", *words)
        self.check("one that hangs is ended",
                   "timed out" in got and time.monotonic() - start < 30, got)
        got = with_nft(gw, "exec 2>/dev/null; exec sleep 60", *words)
        self.check("one that hangs silently too", "timed out" in got, got)


if __name__ == "__main__":
    unittest.main()
