#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Strangers at the concentrator's door, and what the daemons may do at all.

    lan -- gw ==S2== isp -- vps -- srv
                     strangers, from 203.0.113.150 on: an address each test,
                     as failures are remembered by source
"""
import contextlib
import glob
import itertools
import json
import os
import socket
import stat
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import AggdTest, receive_all  # noqa: E402
from lab import SRV4, SRV6, VPS4, VPS6  # noqa: E402

STRANGERS = ["203.0.113.%d" % host for host in range(150, 200)]
WORKERS_MAX = 8               # agg/conf/conf.h: CONF_WORKERS_MAX
FREE_FAILURES = 8             # agg/role/guard.h
HANDSHAKE_S = 5               # agg/transport/subflow.h
SILENT = 1000
SILENT_TURN_S = 0.1
CONNECTED_S = 60
PUT_OUT_S = 4 * HANDSHAKE_S   # on a slow machine
SHUT_OUT_S = 60
LOGGED_S = 20
ALPN = ("-alpn", "aggd/1")
CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW = 10, 12, 13

STRANGER = """\
config aggd 'main'
	option role 'gateway'
	option control '{dir}/stranger.sock'
	option state '{state}'
config concentrator 'vps'
	list endpoint '{endpoint}'
	option pin '{pin}'
config uplink 'eth'
	option device 'eth0'
"""


class Security(AggdTest):
    scenario = "S2"
    options = {"gateway": {"log_level": "debug"}, "concentrator": {"log_level": "debug"}}

    @classmethod
    def prepare(cls):
        cls.lab.isp.ip(*(f"addr add {a}/24 dev vps0" for a in STRANGERS))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sources = iter(STRANGERS)

    def stranger(self, source=None, timeout=PUT_OUT_S, node=None, to=VPS4):
        """A TCP connection to the concentrator from an address of its own."""
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with (node or self.lab.isp).inside():
            sock = socket.socket(family, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.settimeout(timeout)
        sock.bind((source or next(self.sources), 0))
        sock.connect((to, 443))
        return sock

    def shut_out(self, source, node=None, to=VPS4):
        """So many fail at once that the next ones are refused for seconds."""
        socks = []
        for _ in range(2 * FREE_FAILURES):
            with contextlib.suppress(ConnectionResetError): # it is refused already
                socks.append(self.stranger(source, node=node, to=to))
        for sock in socks:
            with contextlib.suppress(OSError):
                sock.sendall(b"no TLS at all" * 10)
        for sock in socks:
            with contextlib.suppress(ConnectionResetError):
                receive_all(sock)

    def assert_logged(self, source, *words):
        """One of the concentrator's lines about the source says it."""
        def lines():
            return [line for line in self.aggd.read("vps.log").splitlines()
                    if f"stranger {source}:" in line]

        self.wait(lambda: any(all(w in line for w in words) for line in lines()), LOGGED_S,
                  lambda: f"{words} in {lines()}")

    # -- no gateway of ours

    def rejected(self, data):
        """What says this is dropped, and the running session unhurt."""
        source = next(self.sources)
        with self.flow():
            sock = self.stranger(source)
            sock.sendall(data)
            with contextlib.suppress(ConnectionResetError):
                receive_all(sock) # within the socket's timeout
        self.assert_logged(source)
        self.wait(lambda: len(set(self.subflows())) == 1, CONNECTED_S, self.subflows)

    def test_plain_http(self):
        self.rejected(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    def test_garbage(self):
        self.rejected(os.urandom(5000))

    def test_garbage_in_a_tls_record(self):
        self.rejected(b"\x16\x03\x01\x02\x00" + os.urandom(512))

    def test_silence(self):
        self.rejected(b"")

    def test_half_a_hello(self):
        self.rejected(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

    # -- TLS, but not ours

    def s_client(self, *argv):
        source = next(self.sources)
        done = self.lab.isp.run(["timeout", PUT_OUT_S, "openssl", "s_client", "-connect",
                                 f"{VPS4}:443", "-bind", f"{source}:0", *argv],
                                stdin="", check=False)
        self.assertNotEqual(done.returncode, 124, "it was left connected")
        return source, done.stdout + done.stderr

    def test_tls_1_2_without_an_aead(self):
        with self.flow():
            source, said = self.s_client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256", *ALPN,
                                         "-cert", self.identity("tls12"))
        self.assertIn("Cipher is (NONE)", said)
        self.assert_logged(source)

    def test_port_tells_nothing(self):
        """Who does not ask for us by name is shown no certificate."""
        for alpn in ([], ["-alpn", "h2,http/1.1"]):
            source, said = self.s_client("-tls1_3", *alpn)
            self.assertIn("alert no application protocol", said)
            self.assertIn("no peer certificate available", said)
            self.assertNotIn("BEGIN CERTIFICATE", said)
            self.assert_logged(source, "no shared ALPN")

    def test_certificate_tells_nothing(self):
        _, said = self.s_client("-tls1_3", *ALPN)
        self.assertIn("BEGIN CERTIFICATE", said)
        self.assertIn("subject=CN = localhost", said)
        self.assertNotIn("aggd", said.replace("aggd/1", ""))

    def test_no_certificate(self):
        with self.flow():
            source, said = self.s_client("-tls1_3", "-quiet", *ALPN)
        self.assertIn("certificate required", said)
        self.assert_logged(source)

    def identity(self, name):
        """The file of a fresh identity: a key and a certificate of it."""
        self.aggd.keygen(self.lab.isp, name)
        path = self.aggd.path(f"{name}/identity.pem")
        cert = self.lab.isp.run(["openssl", "req", "-x509", "-key", path, "-subj", "/CN=x"])
        with open(path, "a", encoding="ascii") as file:
            file.write(cert.stdout)
        return path

    def test_unknown_certificate(self):
        with self.flow():
            source, _ = self.s_client("-tls1_3", *ALPN,
                                      "-cert", self.identity("openssl-state"))
        self.assert_logged(source)

    def test_unknown_gateway(self):
        """A whole gateway, on srv, whose pin no site has."""
        pin = self.aggd.keygen(self.lab.srv, "stranger-state")
        self.aggd.write("stranger.conf", STRANGER.format(
            dir=self.lab.dir, state=self.aggd.path("stranger-state"), endpoint=f"{VPS4}:443",
            pin=self.aggd.keygen(self.lab.vps, "vps-state")))
        with self.flow():
            process = self.lab.srv.spawn(["aggd", "-c", self.aggd.path("stranger.conf")],
                                         log="stranger.log")
            self.wait(lambda: "unknown pin" in self.aggd.read("stranger.log"), CONNECTED_S,
                      "the stranger hears why")
            process.terminate()
            process.wait(CONNECTED_S)
        self.assert_logged(SRV4, "unknown pin", pin)

    def test_wrong_concentrator(self):
        """A gateway that has another pin for it says so, and both pins, also
        when the concentrator answers no more; to the other it says nothing."""
        pin = self.aggd.keygen(self.lab.srv, "other-state")
        self.aggd.write("mistaken.conf", STRANGER.format(
            dir=self.lab.dir, state=self.aggd.path("other-state"), endpoint=f"[{VPS6}]:443",
            pin=pin))
        process = self.lab.srv.spawn(["aggd", "-c", self.aggd.path("mistaken.conf")],
                                     log="mistaken.log")
        shown = self.aggd.keygen(self.lab.vps, "vps-state")
        wrong = f"wrong pin: shown {shown}, expected {pin}"

        def status():
            done = self.lab.srv.run(["aggctl", "-s", self.aggd.path("stranger.sock"), "status",
                                     "--json"], check=False)
            return json.loads(done.stdout) if done.returncode == 0 else None

        def said():
            answer = status()
            return answer and ((answer["sessions"][0]["why"] or "").partition(";")[0],
                               answer["uplinks"][0]["why"])

        self.wait(lambda: said() == (wrong, wrong), CONNECTED_S, said)
        # Others behind its address fail, and now it is only refused.
        def refused():
            self.shut_out(SRV6, self.lab.srv, VPS6)
            return "reset by peer" in self.aggd.read("mistaken.log")

        self.wait(refused, SHUT_OUT_S, "it is shut out")
        self.assertEqual(said(), (wrong, wrong))
        self.assertEqual(self.aggd.read("mistaken.log").count("wrong pin"), 1)
        self.assert_logged(f"[{SRV6}]", "the peer rejects our certificate")
        process.terminate()
        process.wait(CONNECTED_S)

    def test_source_that_fails_is_shut_out(self):
        source = next(self.sources)

        def refused():
            """At once, for a second: when it stands still so long, once more."""
            self.shut_out(source)
            try:
                with self.stranger(source, HANDSHAKE_S / 2) as sock:
                    sock.recv(1)
            except ConnectionResetError:
                return True
            except TimeoutError:
                pass
            return False

        self.wait(refused, SHUT_OUT_S, "it is refused at once")

    # -- the daemons themselves

    def test_open_proxy_is_refused(self):
        good = self.aggd.read("gw.conf")
        for listen in ("0.0.0.0:1080", "[::]:1080"):
            self.aggd.write("open.conf", good.replace(self.aggd.socks, listen))
            done = self.lab.gw.run(["aggd", "-t", "-c", self.aggd.path("open.conf")], check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("socks5", done.stderr)
            self.assertIn("password", done.stderr)

    def test_capabilities(self):
        want = sum(1 << c for c in (CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW))
        for role in ("gw", "vps"):
            threads = glob.glob(f"/proc/{self.aggd.process(role).pid}/task/*/status")
            workers = min(os.cpu_count(), WORKERS_MAX) if role == "vps" else 1
            if not self.lab.sanitized:  # which may have one of its own
                self.assertEqual(len(threads), workers + (workers > 1))
            for path in threads:
                with open(path, encoding="ascii") as file:
                    status = dict(line.split(":\t", 1) for line in file)
                self.assertEqual(int(status["CapEff"], 16), want)
                self.assertEqual(int(status["CapPrm"], 16), want)
                self.assertEqual(int(status["CapBnd"], 16) & ~want, 0)
                self.assertEqual(int(status["NoNewPrivs"]), 1)

    def test_own_pin_is_said(self):
        for role in ("gw", "vps"):
            pin = self.aggd.keygen(self.lab.node(role), f"{role}-state")
            self.assertEqual(self.aggd.status(role=role)["own_pin"], pin)
            self.assertIn(f"own pin {pin}\n", self.aggd.ctl(role, "status").stdout)
            self.assertEqual(self.aggd.ctl(role, "pin", "-c", self.aggd.path(f"{role}.conf"))
                             .stdout, f"{pin}\n")

    def test_secrets_are_never_logged(self):
        """The library gives them as text that is made for logs: 32 or 48 bytes in hexadecimal."""
        log = self.aggd.read("gw.log") + self.aggd.read("vps.log")
        self.assertIn("debug: ", log)
        self.assertNotIn("_SECRET", log)
        self.assertNotRegex(log, "[0-9A-Fa-f]{32}")

    def test_keys_are_private(self):
        for folder in ("gw-state", "vps-state"):
            mode = os.stat(self.aggd.path(f"{folder}/identity.pem")).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)
            self.assertEqual(stat.S_IMODE(os.stat(self.aggd.path(folder)).st_mode), 0o700)


class Silent(threading.Thread):
    """Connections that say nothing, each opened anew when it is closed."""

    def __init__(self, node, sources, count):
        super().__init__(daemon=True)
        self.node = node
        self.socks = [None] * count
        self.sources = itertools.cycle(sources)
        self.opened = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(SILENT_TURN_S):
            for i, sock in enumerate(self.socks):
                if sock and self.is_open(sock):
                    continue
                if sock:
                    sock.close()
                self.socks[i] = self.open()
        for sock in self.socks:
            sock.close()

    @staticmethod
    def is_open(sock):
        try:
            return sock.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def open(self):
        with self.node.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.bind((next(self.sources), 0))
        sock.connect_ex((VPS4, 443))
        self.opened += 1
        return sock

    def stop(self):
        self.stopping.set()
        self.join()


class Crowd(AggdTest):
    """The strangers take all places, and come again when they are put out."""

    scenario = "S2"

    @classmethod
    def prepare(cls):
        cls.lab.isp.ip(*(f"addr add {a}/24 dev vps0" for a in STRANGERS))

    def test_gateway_gets_in_beside_thousand_silent_strangers(self):
        silent = Silent(self.lab.isp, STRANGERS, SILENT)
        with self.flow() as down:
            silent.start()
            self.addCleanup(silent.stop)
            self.wait(lambda: silent.opened >= SILENT, CONNECTED_S, "a thousand have come")
            start = time.monotonic()
            for enabled in ("0", "1"):
                self.aggd.uplink_options = {u.name: {"enabled": enabled}
                                            for u in self.lab.uplinks}
                self.assertTrue(self.aggd.reload("gw"))
            self.wait(lambda: len(set(self.subflows())) == 1 and self.subflows()[0], CONNECTED_S,
                      lambda: f"the gateway gets in: {self.subflows()} subflows, "
                              f"{silent.opened} strangers")
            seconds, before = time.monotonic() - start, down.count
            self.wait(lambda: down.count > before + 1_000_000, CONNECTED_S, "the flow goes on")
        self.note = (f"all subflows connected anew after {seconds:.1f} s, "
                     f"beside {silent.opened} strangers")


if __name__ == "__main__":
    unittest.main()
