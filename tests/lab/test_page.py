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
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import Aggd  # noqa: E402
from browser import DESKTOP, TELEPHONE, Browser  # noqa: E402
from case import AggdTest  # noqa: E402
from lab import LAN4, SRV4, VPS4, Lab  # noqa: E402

LAN_GW = "192.168.100.1"
PORT = 8080
AT = f"{LAN_GW}:{PORT}"
TIMEOUT_S = 60
EVENTS = 3
CUT_SEEN_S = 2
CUTS_MAX, CUT_S = 6, 30 # tries, and how long each is waited for
MINUTE_S = 60
PAGES = ("overview", "uplinks", "devices", "streams", "history", "scheduler", "setup",
         "diagnostics")
PAGES_VPS = ("overview", "uplinks", "streams", "scheduler", "forwards", "setup", "diagnostics")
# What a person without a mouse, or without eyes, would miss; and what does not fit.
FAULTS = """(() => {
  const found = [], name = (e) => e.getAttribute("aria-label") ||
    (e.labels && [...e.labels].map((l) => l.textContent).join(" ")) || e.textContent;
  for (const e of document.querySelectorAll("a, button, input, select, textarea, progress, meter"))
    if (!name(e)?.trim()) found.push("no name: " + e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll("svg:not([aria-hidden])"))
    found.push("a picture for eyes alone: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("[tabindex]"))
    if (e.tabIndex > 0) found.push("order of its own: " + e.outerHTML.slice(0, 80));
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size < ids.length) found.push("ids twice");
  if (!document.title || !document.documentElement.lang) found.push("no title, or language");
  return found;
})()"""
SPEEDTEST_S = 180
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
    scenario = "S2"
    options = {"gateway": {"web": AT, "carrier": "subflows"},
               "concentrator": {"web": f"127.0.0.1:{PORT}", "web_tls": "1"}}

    def setUp(self):
        said = self.aggd.ctl("gw", "web").stdout
        self.assertRegex(said, rf"^http://{AT}/#secret=[\w-]{{32}}\n$")
        self.url = said.strip()
        self.secret = self.url.rpartition("=")[2]
        self.name = self.lab.uplinks[0].name

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
        self.assertEqual(self.ask("POST", "/api/speedtest", f"start\n{self.name}")[0], 200)
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
        with self.flow(), self.browser("opened") as browser:
            browser.open(self.url)
            browser.wait_text("Where the bytes go")
            for name in self.aggd.uplinks():
                browser.wait_text(name)
            self.walk(browser, PAGES)
            browser.js("location.hash = '#/streams'")
            browser.wait_text(SRV4)
            browser.js("location.hash = '#/devices'")
            browser.wait_text(LAN4)
            self.assertEqual(browser.complaints, [])
            # Nothing of it is of another host, nor of another's secret.
            self.assertEqual({url.split("/")[2] for url in browser.asked}, {AT})
            browser.js("localStorage.clear(); location.reload()")
            browser.wait_text("Open the page")
            browser.type("input[name=secret]", "wrong")
            browser.press("Enter")
            browser.wait_text("That is not the secret")

    def walk(self, browser, pages):
        """Every page at both widths."""
        for page in pages:
            browser.js(f"location.hash = '#/{page}'")
            shown = f"main[data-page={page}] .card:not(.loading)"
            browser.wait(f"document.querySelector('{shown}')", page)
            for size in (DESKTOP, TELEPHONE):
                browser.view(size)
                self.shows(browser, FAULTS, [], f"{page} {size}")
                # What is wider than a telephone makes it show all of that.
                self.shows(browser, "Math.max(innerWidth, document.body.scrollWidth)",
                           size[0], page)
            browser.view(DESKTOP)
            self.assertNotIn("undefined", browser.text(), page)

    def shows(self, browser, expression, want, where):
        """Soon: what is drawn follows the width, and what comes."""
        self.wait(lambda: browser.js(expression) == want, TIMEOUT_S,
                  lambda: f"{where}: {browser.js(expression)}, not {want}")

    def browser(self, profile, node=None, insecure=False):
        return Browser(node or self.lab.lan, os.path.join(self.lab.dir, profile), insecure)

    def connect_vps(self):
        with self.lab.vps.inside():
            return socket.create_connection(("127.0.0.1", PORT), TIMEOUT_S)

    def test_https(self):
        """By its own certificate, which is in its file, and by nothing else."""
        url = self.aggd.ctl("vps", "web").stdout.strip()
        self.assertTrue(url.startswith(f"https://127.0.0.1:{PORT}/#secret="), url)
        trusted = ssl.create_default_context(cafile=self.aggd.path("vps-state/page.pem"))
        with trusted.wrap_socket(self.connect_vps(), server_hostname="127.0.0.1") as sock:
            secret = url.rpartition("=")[2]
            sock.sendall(("POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                          f"Authorization: Bearer {secret}\r\nContent-Length: 0\r\n"
                          "Origin: https://127.0.0.1\r\nConnection: close\r\n\r\n").encode())
            self.assertTrue(sock.recv(4096).startswith(b"HTTP/1.1 200 "))
        with self.assertRaises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(self.connect_vps(),
                                                     server_hostname="127.0.0.1")
        with self.connect_vps() as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                self.assertNotIn(b"HTTP/", sock.recv(4096))

    def test_the_concentrator_s_in_french(self):
        url = self.aggd.ctl("vps", "web").stdout.strip()
        before = self.aggd.read("vps.conf")
        with self.browser("vps", self.lab.vps, insecure=True) as browser:
            browser.open(url)
            browser.wait_text("Where the bytes go")
            browser.js("localStorage.setItem('aggd-language', 'fr'); location.reload()")
            browser.wait_text("Le chemin des octets")
            self.walk(browser, PAGES_VPS)
            browser.js("location.hash = '#/setup'")
            browser.type("input[name=site]", "cabin")
            browser.click("form button:last-child")
            browser.wait("/^aggd1_/.test(document.querySelector('#token')?.value)", "a token")
            browser.wait_text("cabin : invité jusqu’au")
            browser.wait("document.querySelector('svg.qr[role=img] path:last-child')"
                         "?.getAttribute('d').length > 1000", "its QR code")
            browser.js("location.hash = '#/forwards'")
            browser.wait("document.querySelector('input[name=listen]')", "a form")
            for name, value in (("name", "web"), ("listen", f"{VPS4}:8081"), ("to", f"{LAN4}:80")):
                browser.type(f"input[name={name}]", value)
            browser.click("form button:last-child")
            browser.wait("document.querySelector('td button')", "the forward")
            self.assertIn("config forward 'web'", self.aggd.read("vps.conf"))
            browser.click("td button")
            browser.wait("!document.querySelector('td button')", "it is gone")
            self.assertEqual(browser.complaints, [])
        self.aggd.ctl("vps", "revoke", "cabin")
        self.assertEqual(self.aggd.read("vps.conf").strip(), before.strip())

    def sees_cuts(self, browser):
        """In a moment; on a machine that others use, too, one of several is."""
        link, took = self.lab.link(self.name), []
        while len(took) < CUTS_MAX and min(took, default=CUT_S) > CUT_SEEN_S:
            link.cut()
            start = time.monotonic()
            browser.wait("document.querySelectorAll('.map .dead').length === 1", "the cut", CUT_S)
            took.append(time.monotonic() - start)
            link.restore()
            browser.wait("!document.querySelector('.map .dead')", "it is back")
        self.assertLessEqual(min(took), CUT_SEEN_S)
        self.note = f"a cut is seen after {min(took):.1f} s"

    def test_a_choice_under_load(self):
        """By the keyboard alone; and a link that is cut is seen on the map."""
        self.addCleanup(self.aggd.ctl, "gw", "scheduler", "ecf")
        with self.flow() as flow, self.browser("choosing") as browser:
            browser.open(self.url)
            browser.wait_text("Where the bytes go")
            browser.js("location.hash = '#/scheduler'")
            browser.click("select[name=scheduler]")
            browser.js("document.querySelector('select[name=scheduler]').value = 'lowrtt'")
            browser.js("document.querySelector('select[name=scheduler]').focus()")
            for _ in range(4):
                browser.press("Tab")
            browser.press("Enter")
            browser.wait_text("lowrtt / lowrtt")
            self.assertEqual(self.aggd.status()["sessions"][0]["up"]["bulk"], "lowrtt")
            browser.js("location.hash = '#/overview'")
            browser.wait("document.querySelector('.map .wire:not(.dead)')", "a map")
            self.sees_cuts(browser)
            self.assertGreater(flow.count, 0)
            self.assertEqual(browser.complaints, [])

    def test_an_uplink_off_and_on(self):
        """What is chosen there is in the file, with all else as it was."""
        before = self.aggd.read("gw.conf")
        with self.browser("switching") as browser:
            browser.open(self.url)
            browser.wait_text("Where the bytes go")
            browser.js("location.hash = '#/uplinks'")
            browser.click(".uplink .choose button[aria-pressed=false]")
            browser.wait_text("in force")
            self.wait_state(self.name, "disabled", TIMEOUT_S)
            self.assertIn("option enabled '0'", self.aggd.read("gw.conf"))
            browser.wait("document.querySelector('.uplink .mark.quiet')", "it is off")
            browser.click(".uplink .choose button[aria-pressed=false]")
            self.wait(lambda: self.aggd.uplinks()[self.name]["state"] == "up", TIMEOUT_S, "up")
        after = self.aggd.read("gw.conf").replace("\toption enabled '1'\n", "")
        self.assertEqual(after, before)

    def test_orders_of_the_configuration(self):
        status, _, text = self.ask("POST", "/api/set",
                                   f"bypass\ntv\ndest=192.0.2.0/24\nto={self.name}")
        self.assertEqual(status, 200, text)
        self.assertIn("config bypass 'tv'", self.ask("POST", "/api/sections")[2])
        # What is refused is not in the file.
        before = self.aggd.read("gw.conf")
        for words in ("bypass\ntv\nto=nowhere", f"uplink\n{self.name}\ncost=cheap",
                      "uplink\nnew\ndevice=x0",
                      "lan\nx\ntproxy=0", "aggd\nmain\nrole=concentrator", "bypass\ntv\nto"):
            self.assertEqual(self.ask("POST", "/api/set", words)[0], 422, words)
        self.assertEqual(self.aggd.read("gw.conf"), before)
        self.assertEqual(self.ask("POST", "/api/unset", "bypass\ntv")[0], 200)
        # A device's streams are of the class that it has.
        self.assertEqual(self.ask("POST", "/api/set", f"class\ninteractive\nhost={LAN4}")[0], 200)
        with self.flow() as flow:
            self.wait(lambda: flow.count > 1_000_000, TIMEOUT_S, "bytes")
            self.wait(lambda: {s["class"] for s in self.aggd.status("streams")["streams"]} ==
                      {"interactive"}, TIMEOUT_S, "its class")
        self.assertEqual(self.ask("POST", "/api/set", f"class\nbulk\nhost={LAN4}")[0], 422)
        self.assertEqual(self.ask("POST", "/api/unset", "class\ninteractive")[0], 200)
        # A key alone is taken away.
        before = self.aggd.read("gw.conf")
        words = f"uplink\n{self.name}\ncap=100GB\ncap_day=5"
        self.assertEqual(self.ask("POST", "/api/set", words)[0], 200)
        self.wait(lambda: self.aggd.uplinks()[self.name]["cap_bytes"] == 100 * 10**9, TIMEOUT_S,
                  "there is a cap")
        words = f"uplink\n{self.name}\ncap=\ncap_day="
        self.assertEqual(self.ask("POST", "/api/set", words)[0], 200)
        self.assertEqual(self.aggd.read("gw.conf"), before)
        self.assertEqual(self.ask("POST", "/api/unset", "bypass\ntv")[0], 422)
        self.assertEqual(self.ask("POST", "/api/unset", f"uplink\n{self.name}")[0], 422)

    def result(self, verb, *words):
        """Of what takes longer."""
        self.assertEqual(self.ask("POST", f"/api/{verb}", "\n".join(("start", *words)))[0], 200)
        end, status = time.monotonic() + SPEEDTEST_S, 202
        while status == 202 and time.monotonic() < end:
            time.sleep(0.2)
            status, _, text = self.ask("POST", f"/api/{verb}", "show")
        return status, text

    def test_what_aggctl_does_beside_it(self):
        status, text = self.result("doctor")
        self.assertEqual(status, 200, text)
        self.assertIsInstance(json.loads(text)["findings"], list)
        status, text = self.result("bugreport")
        self.assertEqual(status, 200, text)
        self.assertIn("== configuration", text)
        self.assertNotIn(self.secret, text)
        status, text = self.result("join", "aggd1_nonsense")
        self.assertEqual(status, 422)
        self.assertIn("this is no invitation", text)
        self.assertEqual(self.ask("POST", "/api/join", "start")[0], 422)
        self.assertIn("session: up", self.ask("POST", "/api/log")[2])


class FirstVisit(unittest.TestCase):
    """A gateway and a concentrator that have nothing."""

    note = ""

    def setUp(self):
        self.lab = self.enterContext(Lab("fast", sanitized=True))
        self.aggd = Aggd(self.lab)
        self.addCleanup(self.aggd.stop)
        self.start = time.monotonic()
        self.token = self.ctl("vps", "setup", "--no-start", "--yes",
                              "--state", self.path("vps-state"),
                              "--sites", self.path("sites.d")).stdout.strip()
        self.aggd.start_concentrator()

    def path(self, name):
        return self.aggd.path(name)

    def ctl(self, role, *words, check=True):
        return self.lab.node(role).run(["aggctl", "-s", self.path(f"{role}.sock"),
                                        "-c", self.path(f"{role}.conf"), *words], check=check)

    def test_joins(self):
        said = self.ctl("gw", "web", "--no-start", "--state", self.path("gw-state"), check=False)
        self.assertIn("now start it: aggd -c", said.stderr)
        self.aggd.start_gateway()
        url = self.ctl("gw", "web").stdout.strip()
        self.assertIn(f"http://{AT}/#secret=", url)
        with Browser(self.lab.lan, self.path("first")) as browser:
            browser.open(url)
            browser.wait_text("Welcome")
            self.assertEqual(browser.js("document.querySelectorAll('nav a').length"), 2)
            for token, answer in (("aggd1_x", "this is no invitation"), (self.token, "Joined")):
                browser.js("document.querySelector('textarea').value = ''")
                browser.type("textarea", token)
                # The answer is seen while the one before is still at its end.
                browser.click(".join button:not([disabled])")
                browser.wait_text(answer)
            browser.click("a.button[href='#/overview']")
            browser.wait("document.querySelectorAll('.map .wire:not(.dead)').length > 2",
                         "two uplinks")
            took = time.monotonic() - self.start
            self.assertLess(took, MINUTE_S)
            self.note = f"in {took:.0f} s"
            self.assertEqual([c for c in browser.complaints if "422" not in c], [])
        self.aggd.wait_ready()
        self.assertIn("list web '192.168.100.1:8080'", self.aggd.read("gw.conf"))
        for log in ("gw.log", "vps.log"):
            self.assertNotIn(self.token, self.aggd.read(log))


if __name__ == "__main__":
    unittest.main()
