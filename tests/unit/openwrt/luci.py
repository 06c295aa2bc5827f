#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""LuCI's views of aggd in Chromium, with stubs of LuCI's own classes (luci.html): what a
person sees and does. package.py loads them in Node.

    luci.py ROOT
"""
import json
import os
import sys
import unittest

ROOT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
VIEWS = os.path.join(ROOT, "openwrt/luci-app-aggd/htdocs/luci-static/resources/view/aggd")
sys.path.insert(0, os.path.join(ROOT, "tests/unit/scheduler/sim"))
import browser  # noqa: E402

CTL = "/usr/bin/aggctl"
CHOICES = {"choices": [
    {"kind": "scheduler", "name": "ecf", "summary": "earliest", "runs": ""},
    {"kind": "scheduler", "name": "srpt_ecf", "summary": "least left", "runs": "down"},
    {"kind": "order", "name": "fifo", "summary": "who came first", "runs": ""}]}


def uplink(name, **more):
    return {"name": name, "state": "up", "why": "", "cost": "normal", "srtt_us": 10400,
            "down_bytes_per_s": 125000, "up_bytes_per_s": 25000, **more}


def status(state, limit, *uplinks):
    return {"stdout": json.dumps({"state": state, "limit": limit, "uplinks": uplinks})}


class Views(unittest.TestCase):
    browser = None

    def view(self, name, answers):
        """A tab in which it is shown; whatever it says on the console is a failure."""
        tab = browser.Tab(self.browser)
        self.addCleanup(tab.__exit__)
        tab.open("file://" + os.path.join(HERE, "luci.html"))
        with open(os.path.join(VIEWS, name), encoding="utf-8") as file:
            source = file.read()
        tab.get(f"answers = {json.dumps(answers)}, show({json.dumps(source)}).then(() => 1)")
        self.addCleanup(lambda: self.assertEqual(tab.said, []))
        return tab

    def status_view(self, first):
        return self.view("status.js", {"status": first, "scheduler":
                                       {"stdout": json.dumps(CHOICES)}})

    @staticmethod
    def text(tab, selector="main"):
        return tab.get(f"document.querySelector({json.dumps(selector)}).innerText")

    @staticmethod
    def rows(tab):
        return tab.get("[...document.querySelectorAll('main tr')].map((row) => "
                       "[...row.children].map((cell) => cell.innerText))")

    def click(self, tab, words):
        """And waits until what it does is done."""
        found = (f"[...document.querySelectorAll('button')].find((b) => b.innerText === "
                 f"{json.dumps(words)})")
        tab.get(f"{found}.click()")
        tab.wait(f"!{found}.disabled")

    def test_devices(self):
        """Where the daemon tells of some; what others call them is text."""
        first = json.loads(status("up", "", uplink("dsl"))["stdout"])
        first["devices"] = [
            {"name": "02:00:5e:10:00:01", "address": "192.168.1.20", "down_bytes": 1234567890,
             "up_bytes": 40000},
            {"name": "<b>others</b>", "address": None, "down_bytes": 0, "up_bytes": 0}]
        tab = self.status_view({"stdout": json.dumps(first)})
        self.assertEqual(self.rows(tab)[3:], [
            ["02:00:5e:10:00:01", "192.168.1.20", "1234.6", "0.0"],
            ["<b>others</b>", "-", "0.0", "0.0"]])
        self.assertEqual(tab.get("document.querySelectorAll('main b').length"), 0)

    def test_the_state(self):
        tab = self.status_view(status("degraded", "lte is down", uplink("dsl"),
                                      uplink("lte", state="down", why="no <b>carrier</b>",
                                             cost="metered", srtt_us=None)))
        self.assertIn("degraded – lte is down", self.text(tab))
        heads, *rows = self.rows(tab)
        self.assertEqual(len(heads), 6)
        self.assertEqual(rows, [["dsl", "up", "normal", "1.0", "0.2", "10.4"],
                                ["lte", "down: no <b>carrier</b>", "metered", "1.0", "0.2", "-"]])
        self.assertEqual(tab.get("document.querySelectorAll('main b').length"), 0)
        self.assertEqual(tab.get("document.body.classList.length"), 3)  # nothing to save

    def test_it_is_asked_again(self):
        tab = self.status_view(status("up", "nothing is under way", uplink("dsl")))
        self.assertEqual(tab.get("[polls.length, polls[0].seconds]"), [1, 3])
        again = {"status": status("down", "no uplink works"),
                 "scheduler": {"stdout": json.dumps(CHOICES)}}
        tab.get(f"answers = {json.dumps(again)}, polls[0].fn().then(() => 1)")
        self.assertIn("down – no uplink works", self.text(tab))
        self.assertEqual(self.rows(tab)[1:], [["There are none"]])
        tab.get("refuses = true, polls[0].fn().then(() => 1)")
        self.assertIn("Permission denied", self.text(tab, "main .warning"))

    def test_nothing_runs(self):
        tab = self.view("status.js", {})
        self.assertEqual(self.text(tab, "main .warning"), "aggd does not run")
        self.assertEqual(tab.get("document.querySelectorAll('select').length"), 0)

    def test_a_scheduler_is_chosen(self):
        tab = self.status_view(status("up", None, uplink("dsl")))
        self.assertEqual(tab.get("document.querySelector('select').value"), "srpt_ecf")
        self.assertEqual(tab.get("document.querySelectorAll('option').length"), 2)
        tab.get("document.querySelector('select').value = 'ecf'")
        tab.get("answers.scheduler = { code: 0, stdout: 'ecf: until <i>the next</i> start' }, 1")
        self.click(tab, "Use it until the next start")
        self.assertEqual(tab.get("asked.at(-1)"), f"{CTL} scheduler ecf")
        self.assertEqual(self.text(tab, "aside .info"), "ecf: until <i>the next</i> start")

    def test_joining(self):
        tab = self.view("config.js", {"join": {"code": 0, "stdout": "it has joined"}})
        tab.get("document.querySelector('input').value = ' aggd1_token '")
        self.click(tab, "Join")
        self.assertEqual(tab.get("[asked, reloads.length]"),
                         [[f"{CTL} scheduler --json", f"{CTL} join aggd1_token --yes"], 1])
        self.assertEqual(self.text(tab, "aside .info"), "it has joined")

    def test_joining_fails(self):
        tab = self.view("config.js", {"join": {"code": 1, "stderr": "the invitation was used"}})
        self.click(tab, "Join")
        self.assertEqual(self.text(tab, "aside .error"), "the invitation was used")
        self.assertEqual(tab.get("reloads.length"), 0)

    def test_the_configuration(self):
        tab = self.view("config.js", {"scheduler": {"stdout": json.dumps(CHOICES)}})
        self.assertEqual(tab.get("[...document.querySelectorAll('section')].map((s) => s.id)"),
                         ["aggd", "uplink", "lan"])
        self.assertIn("metered", self.text(tab, "[id='uplink.cost']"))
        self.assertIn("Cap", self.text(tab, "[id='uplink.cap']"))
        for key in ("scheduler", "scheduler_up"):
            self.assertIn("ecf: earliest, srpt_ecf: least left",
                          self.text(tab, f"[id='aggd.{key}']"))
        self.assertEqual(tab.get("document.body.className"), "")  # it may be saved


if __name__ == "__main__":
    with browser.Browser(browser.find() or sys.exit("luci.py: no Chromium")) as Views.browser:
        unittest.main(argv=sys.argv[:1])
