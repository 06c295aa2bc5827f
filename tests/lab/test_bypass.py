#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What does not go through the concentrator: by destination, LAN host, port and
name, by an uplink or directly; and who leads it while its uplink is down. The
server tells each client how it sees it: as the concentrator, or as one of the
uplinks, which the isp translates.

    lan -- gw ==S2== isp -- vps -- srv
"""
import contextlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import (DIRECT4, FLOW_PORT, IO_TIMEOUT_S, VPS_SEEN4, VPS_SEEN6, AggdTest,  # noqa: E402
                  connect, listen, receive, receive_all)
from lab import LAN4, LAN6, SRV4, SRV6  # noqa: E402

BY_DSL, BY_LTE = DIRECT4[0], DIRECT4[1]
OTHER4 = "192.168.100.11"  # another host of the LAN
HTTP_PORT, HTTPS_PORT, FIRST_PORT, UDP_PORT, UDP_PORT_OTHER = 80, 443, 7100, 5000, 5100
NAMED, PLAIN = "www.bank.test", "www.other.test"
APPLIED_S = 20
MOVES_S = 60    # until another uplink leads, or the own one again
SET = "bypass_bank4"
MARK_PORT = 40000  # of a section that says which rules are in force
SOON_S = 3         # who is not answered so soon asks again

BY_NAME = """
config bypass 'bank'
	list name 'bank.test'
	option to 'lte'
"""


class TellServer:
    """Answers HTTP, by TLS too, with the client's address; greets first on
    FIRST_PORT; and answers datagrams with it."""

    def __init__(self, lab):
        key, cert = os.path.join(lab.dir, "tls.key"), os.path.join(lab.dir, "tls.crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                        "-subj", "/CN=test", "-days", "2"], check=True, capture_output=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        for port, serve in ((HTTP_PORT, self.http), (HTTPS_PORT, self.https),
                            (FIRST_PORT, self.greet)):
            self.start(self.accept, listen(lab.srv, port), serve)
        for port in (UDP_PORT, UDP_PORT_OTHER):
            with lab.srv.inside():
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((SRV4, port))
            self.start(self.datagrams, sock)

    @staticmethod
    def start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def accept(self, server, serve):
        server.settimeout(None)
        while True:
            sock, peer = server.accept()
            sock.settimeout(IO_TIMEOUT_S)
            self.start(serve, sock, peer[0].removeprefix("::ffff:"))

    @staticmethod
    def http(sock, peer):
        with sock, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                part = sock.recv(4096)
                if not part:
                    return
                data += part
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(peer), peer.encode()))

    def https(self, sock, peer):
        with contextlib.suppress(OSError), self.tls.wrap_socket(sock, server_side=True) as tls:
            self.http(tls, peer)

    @staticmethod
    def greet(sock, peer):
        with sock:
            sock.sendall(peer.encode() + b"\n")
            receive_all(sock)

    @staticmethod
    def datagrams(sock):
        while True:
            _, peer = sock.recvfrom(2048)
            sock.sendto(peer[0].encode(), peer)


class Bypass(AggdTest):
    scenario = "S2"
    options = {"lan": {"tunnel": "0"}}  # what is not TCP leaves directly
    uses = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.lan.ip(f"addr add {OTHER4}/24 dev eth0")
        cls.server = TellServer(cls.lab)

    def use(self, sections):
        """Reloads with these sections; when it returns they are in force. One more
        than these, of a port that nobody uses, tells them from those before."""
        Bypass.uses += 1
        port = MARK_PORT + Bypass.uses
        mark = f"config bypass\n\tlist port 'udp/{port}'\n" if sections else ""
        self.aggd.bypasses = sections + mark
        self.assertTrue(self.aggd.reload("gw"), self.aggd.log("gw"))
        count = self.aggd.bypasses.count("config bypass")

        def is_in_force():
            rules = self.aggd.ruleset()
            return rules.count("jump hosts") == count and (not sections or str(port) in rules)

        self.wait(is_in_force, APPLIED_S, self.aggd.ruleset)

    def curl(self, url, *words):
        done = self.lab.lan.run(
            ["curl", "-sk", "--max-time", str(SOON_S), *words,
             "--connect-to", f"{NAMED}::{SRV4}:", "--connect-to", f"{PLAIN}::{SRV4}:", url],
            check=False)
        return done.stdout or f"curl: {done.returncode} {done.stderr}"

    def datagram(self, port=UDP_PORT):
        with self.lab.lan.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(SOON_S)
            sock.sendto(b"?", (SRV4, port))
            return sock.recv(2048).decode()

    def page(self, want, scheme="https", name=NAMED):
        """The server sees that one. Who was too slow to say the name is looked
        through as if it had none, and asks again."""
        self.wait_equal(lambda: self.curl(f"{scheme}://{name}/"), want, MOVES_S)

    def sent(self, want, port=UDP_PORT):
        """The server sees datagrams from that one."""
        self.wait_equal(lambda: self.datagram(port), want, MOVES_S)

    def tcp_from(self, source, port=FIRST_PORT):
        with self.lab.lan.inside():
            sock = socket.socket()
        with sock:
            sock.bind((source, 0))
            sock.settimeout(IO_TIMEOUT_S)
            sock.connect((SRV4, port))
            return sock.makefile().readline().strip()

    def test_by_name(self):
        self.use(BY_NAME)
        for scheme in ("https", "http"):
            self.page(BY_LTE, scheme)
            self.page(VPS_SEEN4, scheme, PLAIN)
        # By SOCKS5 the name is said; and the client of an address is not asked.
        proxy = f"socks5h://{self.aggd.socks}"
        self.wait_equal(lambda: self.curl(f"http://{SRV4}/", "--proxy", proxy), VPS_SEEN4)
        # Who speaks second loses nothing, and who says it in two parts is heard.
        self.assertEqual(self.tcp_from(LAN4), VPS_SEEN4)
        self.wait_equal(self.in_two_parts, BY_LTE)
        with self.flow() as flow:  # bytes are exact behind a look
            self.wait(lambda: flow.count > 1_000_000, IO_TIMEOUT_S, "a download")

    def in_two_parts(self):
        with self.connect(SRV4, HTTP_PORT) as sock:
            for part in (b"GET / HTTP/1.1\r\nHo", b"st: BANK.test\r\n\r\n"):
                sock.sendall(part)
                time.sleep(0.05)
            return receive_all(sock).rpartition(b"\n")[2].decode()

    def test_by_host_port_and_destination(self):
        self.use(f"""
config bypass
	list host '{OTHER4}'
	list port 'tcp/{FIRST_PORT}'
	option to 'lte'
config bypass
	list port 'udp/{UDP_PORT}'
	list port 'tcp/9'
	option to 'lte'
config bypass
	list dest '{SRV6}'
""")
        self.assertEqual(self.tcp_from(OTHER4), BY_LTE)
        self.assertEqual(self.tcp_from(LAN4), VPS_SEEN4)
        self.assertEqual(self.who(), VPS_SEEN4)
        self.sent(BY_LTE)
        self.sent(BY_DSL, UDP_PORT_OTHER)
        self.assertEqual(self.who(SRV6), LAN6)
        self.use("")
        self.assertEqual(self.who(SRV6), VPS_SEEN6)
        self.sent(BY_DSL)

    def test_by_card(self):
        link = self.lab.lan.run(["ip", "-o", "link", "show", "dev", "eth0"]).stdout
        mac = link.split("link/ether ")[1].split()[0]
        self.use(f"config bypass\n\tlist host '{mac}'\n\toption to 'lte'\n")
        self.assertEqual(self.who(), BY_LTE)
        self.sent(BY_LTE)
        self.use(f"config bypass 'x'\n\tlist host '{mac}'\n\tlist name 'bank.test'\n"
                 "\toption to 'lte'\n")
        self.page(BY_LTE)
        self.use("config bypass 'x'\n\tlist host '02:00:00:00:00:07'\n"
                 "\tlist name 'bank.test'\n\toption to 'lte'\n")
        self.page(VPS_SEEN4)

    def test_names_of_dnsmasq(self):
        self.use(BY_NAME)
        dns = self.lab.gw.spawn(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
             "--no-hosts", "--user=root", "--pid-file=", "--port=5353", "--server=127.0.0.1#5354",
             f"--nftset=/bank.test/4#inet#aggd_bypass#{SET}"], log="dns-gw.log")
        upstream = self.lab.gw.spawn(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
             "--no-hosts", "--user=root", "--pid-file=", "--port=5354",
             f"--address=/bank.test/{SRV4}"], log="dns-up.log")
        self.addCleanup(self.lab.kill, dns)
        self.addCleanup(self.lab.kill, upstream)
        self.sent(BY_DSL)
        self.wait(lambda: self.ask_dns() and SRV4 in self.elements(), APPLIED_S, "dnsmasq's set")
        self.sent(BY_LTE)
        self.page(VPS_SEEN4, name=PLAIN)
        # Somebody takes the table away: it is there again; and an element is nobody's fault.
        self.assertNotIn("removed or changed", self.aggd.read("gw.log"))
        self.lab.gw.run(["nft", "delete", "table", "inet", "aggd_bypass"])
        self.wait(lambda: "jump hosts" in self.aggd.ruleset(), APPLIED_S, "the table is back")
        self.wait(lambda: self.ask_dns() and SRV4 in self.elements(), APPLIED_S, "dnsmasq's set")
        # What is in the set outlives other rules.
        self.use(BY_NAME + "config bypass\n\tlist port 'udp/9'\n")
        self.assertIn(SRV4, self.elements())
        self.sent(BY_LTE)
        self.use("")
        self.wait_equal(lambda: "aggd_bypass" in self.lab.gw.run(["nft", "list", "tables"]).stdout,
                        False)

    def elements(self):
        return self.lab.gw.run(["nft", "list", "set", "inet", "aggd_bypass", SET]).stdout

    def ask_dns(self):
        """An A question for NAMED (RFC 1035, 4)."""
        question = b"".join(bytes([len(p)]) + p.encode() for p in NAMED.split(".")) + b"\0"
        with self.lab.gw.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(1)
            sock.sendto(struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + question +
                        struct.pack(">2H", 1, 1), ("127.0.0.1", 5353))
            try:
                return sock.recv(2048)
            except OSError:
                return b""

    def test_an_uplink_dies(self):
        """Another leads, and the own one again when it is back; what was on it
        ends, so that its client begins anew."""
        self.use(BY_NAME + """
config bypass
	list port 'udp/5000'
	option to 'lte'
config bypass 'plain'
	list port 'udp/5100'
""")
        self.page(BY_LTE)
        held = self.connect(SRV4, HTTP_PORT)
        self.addCleanup(held.close)
        held.sendall(b"GET / HTTP/1.1\r\nHost: bank.test\r\n")
        self.wait(lambda: self.is_dialled(), APPLIED_S, "a connection by lte")
        self.lab.link("lte").set(cut=True)
        self.addCleanup(self.lab.link("lte").set, cut=False)
        self.page(BY_DSL)
        self.sent(BY_DSL)
        with self.assertRaises(ConnectionResetError):
            held.recv(1)
        self.assertIn("what goes by lte leaves by dsl now", self.aggd.read("gw.log"))
        self.lab.link("lte").set(cut=False)
        self.sent(BY_LTE)
        self.page(BY_LTE)
        # What goes by the kernel's own route, too.
        self.sent(BY_DSL, UDP_PORT_OTHER)
        self.lab.link("dsl").set(cut=True)
        self.addCleanup(self.lab.link("dsl").set, cut=False)
        self.sent(BY_LTE, UDP_PORT_OTHER)
        self.lab.link("dsl").set(cut=False)
        self.sent(BY_DSL, UDP_PORT_OTHER)

    def is_dialled(self):
        return ":80" in self.lab.gw.run(
            ["ss", "-Htn", "state", "established", "dst", f"{SRV4}:80"]).stdout


if __name__ == "__main__":
    unittest.main()
