#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The page as a browser has it: who may ask what, and what it shows.

    lan (curl, Chromium) -- gw ==fast== isp -- vps -- srv
"""
import contextlib
import http.client
import json
import os
import re
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402
from case import AggdTest  # noqa: E402
from lab import SRV4  # noqa: E402

LAN_GW = "192.168.100.1"
PORT = 8080
AT = f"{LAN_GW}:{PORT}"
TIMEOUT_S = 20
EVENTS = 3
SPEEDTEST_S = 60
ENDED_S = 60  # whoever says nothing: fifteen seconds


class Connection(http.client.HTTPConnection):
    """From the LAN."""

    def __init__(self, node):
        super().__init__(LAN_GW, PORT, timeout=TIMEOUT_S)
        self.node = node

    def connect(self):
        with self.node.inside():
            self.sock = socket.create_connection((LAN_GW, PORT), TIMEOUT_S)


class Page(AggdTest):
    options = {"gateway": {"web": AT, "carrier": "subflows"}}

    def setUp(self):
        said = self.aggd.ctl("gw", "web").stdout
        self.assertRegex(said, rf"^http://{AT}/#secret=[\w-]{{32}}\n$")
        self.url = said.strip()
        self.secret = self.url.rpartition("=")[2]

    def ask(self, method, path, body=None, secret="", host=AT, **headers):
        """Status, headers, text."""
        connection = Connection(self.lab.lan)
        headers["Host"] = host
        if secret is not None:
            headers["Authorization"] = "Bearer " + (secret or self.secret)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def test_answers_are_aggctl_s(self):
        status, headers, text = self.ask("GET", "/api/status")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(json.loads(text)["sessions"][0]["state"], "up")
        self.assertIsInstance(json.loads(self.ask("GET", "/api/streams")[2])["streams"], list)
        status, headers, text = self.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("openmetrics", headers["Content-Type"])
        self.assertTrue(text.endswith("# EOF\n"))

    def test_orders(self):
        status, _, text = self.ask("POST", "/api/scheduler", "lowrtt\n--class\nbulk")
        self.assertEqual(status, 200, text)
        self.assertIn("lowrtt for bulk", text)
        down = self.aggd.status()["sessions"][0]["up"]
        self.assertEqual(down["bulk"], "lowrtt")
        status, _, text = self.ask("POST", "/api/scheduler", "nonsense")
        self.assertEqual(status, 422)
        self.assertIn("nonsense", text)
        self.assertEqual(self.ask("POST", "/api/reload", "now")[0], 422)
        self.assertEqual(self.ask("POST", "/api/reload")[0], 200)
        self.assertEqual(self.ask("POST", "/api/scheduler", "ecf")[0], 200)

    def test_speedtest(self):
        self.assertEqual(self.ask("POST", "/api/speedtest", "start\na")[0], 200)
        start, status = time.monotonic(), 202
        while status == 202 and time.monotonic() - start < SPEEDTEST_S:
            time.sleep(0.5)
            status, _, text = self.ask("POST", "/api/speedtest", "show")
        self.assertEqual(status, 200, text)
        self.assertIn("Mbit/s", text)

    def test_who_may_ask(self):
        self.assertEqual(self.ask("GET", "/api/status", secret=None)[0], 401)
        self.assertEqual(self.ask("GET", "/metrics", secret=None)[0], 401)
        self.assertEqual(self.ask("POST", "/api/reload", secret=None)[0], 401)
        for host in ("evil.example", "evil.example:8080", "localhost.evil.example", ""):
            self.assertEqual(self.ask("GET", "/", host=host)[0], 421, host)
        self.assertEqual(self.ask("POST", "/api/reload", Origin="http://evil.example")[0], 403)
        self.assertEqual(self.ask("POST", "/api/reload", Origin="null")[0], 403)
        self.assertEqual(self.ask("POST", "/api/reload", Origin=f"http://{AT}")[0], 200)
        # Nothing is changed by GET, and nothing is there that aggctl has not.
        for path in ("/api/reload", "/api/web", "/api/nothing", "/../etc/passwd", "/nothing"):
            self.assertEqual(self.ask("GET", path)[0], 404, path)
        self.assertEqual(self.ask("DELETE", "/api/reload")[0], 405)
        self.assertEqual(self.ask("POST", "/api/scheduler", "x" * 5000)[0], 413)
        self.assertEqual(self.ask("POST", "/api/scheduler", "x\n" * 40)[0], 413)

    def test_z_wrong_secrets_wait(self):
        codes = [self.ask("GET", "/api/status", secret="A" * 32)[0] for _ in range(8)]
        self.assertEqual(codes[:5], [401] * 5)
        self.assertIn(429, codes)
        self.assertEqual(self.ask("GET", "/api/status")[0], 429)
        # The page itself is for everybody.
        self.assertEqual(self.ask("GET", "/", secret=None)[0], 200)

    def test_headers(self):
        _, headers, text = self.ask("GET", "/", secret=None)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertIsNone(headers["Set-Cookie"])
        for name in re.findall(r'(?:src|href)="(/[^"]+)"', text):
            self.assertEqual(self.ask("GET", name, secret=None)[0], 200, name)
        self.assertNotRegex(text, r"https?://")

    def test_events(self):
        connection = Connection(self.lab.lan)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/events", headers={"Authorization": "Bearer " + self.secret})
        answer = connection.getresponse()
        self.assertEqual(answer.headers["Content-Type"], "text/event-stream")
        seen, start = [], time.monotonic()
        while len(seen) < EVENTS and time.monotonic() - start < TIMEOUT_S:
            line = answer.readline().decode()
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
        self.assertEqual([s["role"] for s in seen], ["gateway"] * EVENTS)
        self.assertGreater(seen[-1]["uptime_us"], seen[0]["uptime_us"])

    def test_slow_and_broken_clients(self):
        socks = []
        for text in (b"", b"GET / HTTP/1.1\r\nHo", b"\x16\x03\x01\x02\x00", b"GET " + b"x" * 60000):
            for _ in range(2):
                with self.lab.lan.inside():
                    sock = socket.create_connection((LAN_GW, PORT), TIMEOUT_S)
                self.addCleanup(sock.close)
                with contextlib.suppress(ConnectionError): # it may be refused on the way
                    sock.sendall(text)
                socks.append(sock)
        self.assertEqual(self.ask("GET", "/api/status")[0], 200)
        for sock in socks: # each is ended
            sock.settimeout(ENDED_S)
            with contextlib.suppress(ConnectionError):
                while sock.recv(4096):
                    pass
        self.assertEqual(self.ask("GET", "/api/status")[0], 200)

    def test_a_browser_shows_it(self):
        with self.flow(), Browser(self.lab.lan, os.path.join(self.lab.dir, "opened")) as browser:
            browser.open(self.url)
            browser.wait_text("Where the bytes go")
            browser.wait_text("Mbit/s")
            for name in self.aggd.uplinks():
                browser.wait_text(name)
            self.assertNotIn("undefined", browser.text())
            browser.js("location.hash = '#/streams'")
            browser.wait_text(SRV4)
            self.assertEqual(browser.complaints, [])
            # Nothing of it is of another host, nor of another's secret.
            self.assertEqual({url.split("/")[2] for url in browser.asked}, {AT})
            browser.js("localStorage.clear(); location.reload()")
            browser.wait_text("Open the page")


if __name__ == "__main__":
    unittest.main()
