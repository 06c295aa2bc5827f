#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The page in Chromium, in every state that it has, by answers that are made (stub.py): each
state has a picture, each page fits a telephone, can be read by who sees no colours or nothing
at all, needs no mouse, is French in French, and ten minutes of it leave no memory behind.

    page_test.py ROOT           PICTURES=DIR: and keeps a picture of each there

axe-core, which npm brings (web/page/package.json), looks at all of it. Where npm could not,
the note says so, and our own look has to do.
"""
import os
import re
import sys
import unittest

ROOT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests/unit/scheduler/sim")]
import browser  # noqa: E402
from states import States  # noqa: E402
from stub import Stub  # noqa: E402

AXE = os.path.join(ROOT, "web/page/node_modules/axe-core/axe.min.js")
DESKTOP, TELEPHONE = (1280, 800), (390, 844)
PAGES = {"gateway": ("overview", "uplinks", "devices", "streams", "history", "scheduler", "setup",
                     "diagnostics"),
         "concentrator": ("overview", "uplinks", "streams", "scheduler", "forwards", "setup",
                          "diagnostics")}
# What axe-core does not look for: what does not fit, and what is said by nobody.
FAULTS = """(() => {
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`wider than the screen: ${wide} > ${innerWidth}`);
  for (const e of document.querySelectorAll("a, button, input, select, textarea, progress, meter"))
    if (!(e.getAttribute("aria-label") || e.textContent ||
          [...(e.labels ?? [])].map((l) => l.textContent).join("")).trim())
      found.push("no name: " + e.outerHTML.slice(0, 120));
  const small = [...document.querySelectorAll("main button, main input, main select, nav a")]
    .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 24);
  for (const e of small) found.push("smaller than a fingertip: " + e.outerHTML.slice(0, 80));
  if (/undefined|NaN|\\[object/.test(document.body.innerText)) found.push("undefined is shown");
  return found;
})()"""
# Elements whose words are no sentence of ours: commands, names, the log.
TEXTS = """(() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!e.closest("script, code, pre, .log, option, textarea"))
      found.push(walk.currentNode.data);
  }
  for (const e of document.querySelectorAll("[aria-label], [placeholder]"))
    if (e.id !== "language") found.push(e.getAttribute("aria-label") ?? "");
  for (const e of document.querySelectorAll("main pre, main option"))
    found.push(e.textContent.replace(/^.*?# /, "# "));
  return found;
})()"""
ENGLISH = re.compile(r"\b(is|are|was|were|the|and|as|it|its|at|not|by|has|have|that|this|with|for|"
                     r"from|there|which|be|been|than|allowed|download|upload|down|up|nobody|now|"
                     r"way|away|uplinks?|streams|beside|other)\b")
AXE_RUN = """axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map(
  (v) => v.id + ": " + v.help + " " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")))"""
# A page whose clock goes on with what it hears, so that minutes pass in moments.
CLOCK = "window.now = 1796000000000; Date.now = () => window.now;"
DRAWN = """new Promise((done) => { const look = () => document.querySelector("footer").textContent
  === "aggd 0.1.%d" ? done(1) : setTimeout(look, 2); look(); })"""
WARM, TEN_MINUTES = 320, 600  # seconds: the charts show five minutes
TURNS = ("overview", "devices", "history", "uplinks", "streams", "overview")
HEAP_SLACK, HEAP_SLACK_BYTES = 1.05, 200_000 # compiled code comes and goes
NODES_SLACK, LISTENERS_SLACK = 20, 4


class Page(unittest.TestCase):
    browser = None
    states = States(ROOT)

    def setUp(self):
        self.stub = self.enterContext(Stub(ROOT))
        self.english = []

    def tab(self, size=DESKTOP, dark=False, script=None):
        tab = browser.Tab(self.browser, *size, dark=dark)
        self.addCleanup(tab.__exit__)
        tab.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])
        if script:
            tab.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        return tab

    def open(self, tab, state, language="en"):
        self.states.put(self.stub, state)
        tab.ask("Page.addScriptToEvaluateOnNewDocument", source="try { localStorage.setItem("
                f"'aggd-language', '{language}') }} catch {{ }} // about:blank has none")
        tab.open(self.stub.url)
        tab.wait("document.querySelector('nav a')")

    def go(self, tab, page):
        tab.get(f"location.hash = '#/{page}'")
        tab.wait(f"document.querySelector('main[data-page={page}] .card:not(.loading)')")
        tab.drawn()

    @staticmethod
    def text(tab):
        return tab.get("document.body.innerText")

    def keep(self, tab, name):
        """A picture for a person."""
        folder = os.environ.get("PICTURES")
        if not folder:
            return
        os.makedirs(folder, exist_ok=True)
        height = tab.get("document.documentElement.scrollHeight")
        width = tab.get("innerWidth")
        tab.set_size(width, max(height, 400))
        tab.drawn()
        tab.picture(os.path.join(folder, name + ".png"))

    def look(self, tab, name, size, axe=True):
        tab.set_size(*size)
        tab.drawn()
        self.assertEqual(tab.get(FAULTS), [], name)
        if axe and os.path.exists(AXE):
            if not tab.get("'axe' in window"):
                with open(AXE, encoding="utf-8") as file:
                    tab.get(file.read() + "; 1")
            self.assertEqual(tab.get(AXE_RUN), [], name)
        self.keep(tab, f"{name}-{size[0]}")

    def is_french(self, tab, name):
        for text in tab.get(TEXTS):
            bare = re.sub(r"«[^»]*»|'[^']*'|\([^)]*\)|https?:\S+|/[\w./-]+", "", text)
            if ENGLISH.search(bare):
                self.english.append(f"{name}: {text}")

    # -- every page

    def walk(self, role, state, dark, axe_sizes, language="en"):
        tab = self.tab(dark=dark)
        self.open(tab, state, language)
        for page in PAGES[role]:
            self.go(tab, page)
            self.press_all(tab, page)
            for size in (DESKTOP, TELEPHONE):
                name = f"{role}-{page}-{language}{'-dark' if dark else ''}"
                self.look(tab, name, size, size in axe_sizes)
            if language == "fr":
                self.is_french(tab, f"{role} {page}")
            tab.set_size(*DESKTOP)
        self.assertEqual([s for s in tab.said if "422" not in s], [])
        self.assertEqual({url.split("/")[2] for url in tab.fetched if "://" in url},
                         {self.stub.origin.split("/")[2]})

    def press_all(self, tab, page):
        """What shows more of itself."""
        if page == "diagnostics":
            self.click(tab, "main .card button", "document.querySelector('.findings')")
        if page == "uplinks" and tab.get("!!document.querySelector('main .row button')"):
            self.click(tab, "main .row button", "document.querySelector('main table')")
            tab.get("document.querySelectorAll('details').forEach((d) => d.open = true)")
        if page == "scheduler":
            tab.get("[...document.querySelectorAll('main button')].at(-1).click()")
            tab.wait("!!document.querySelector('.advice li.best')")
            tab.get("[...document.querySelectorAll('main button')].at(-1).click()")
            tab.wait("!!document.querySelector('main [role=status]')")
            self.assertIn(("film", "show"), self.stub.orders)
        if page == "setup" and tab.get("!!document.querySelector('input[name=site]')"):
            tab.get("document.querySelector('input[name=site]').value = 'cabin'")
            self.click(tab, "form button:last-child", "document.querySelector('.qr')")

    @staticmethod
    def click(tab, selector, until):
        tab.get(f"document.querySelector({selector!r}).click()")
        tab.wait(f"!!{until}")
        tab.drawn()

    def test_a_gateway(self):
        self.walk("gateway", self.states.gateway(), False, (DESKTOP,))

    def test_a_gateway_in_the_dark(self):
        self.walk("gateway", self.states.gateway("degraded"), True, (TELEPHONE,))

    def test_a_concentrator(self):
        self.walk("concentrator", self.states.concentrator(), False, (TELEPHONE,))

    def test_a_concentrator_in_the_dark(self):
        self.walk("concentrator", self.states.concentrator(), True, (DESKTOP,))

    def test_in_french(self):
        self.walk("gateway", self.states.gateway("degraded"), False, (), "fr")
        self.walk("concentrator", self.states.concentrator(), False, (), "fr")
        self.assertEqual(self.english, [])

    # -- every state

    def shows(self, tab, name, kind, *words):
        """A picture of that kind, and what it says."""
        tab.wait(f"document.querySelector('.picture.{kind} svg')")
        for text in words:
            self.assertIn(text, self.text(tab))
        for size in (DESKTOP, TELEPHONE):
            self.look(tab, "state-" + name, size)
        tab.set_size(*DESKTOP)

    def test_no_permission(self):
        tab = self.tab()
        tab.open(self.stub.origin)
        self.shows(tab, "locked", "locked", "Open the page", "sudo aggctl web")
        self.stub.refuses = 401
        self.sign_in(tab)
        self.shows(tab, "wrong-secret", "locked", "That is not the secret")
        self.stub.refuses = 429
        self.sign_in(tab)
        self.shows(tab, "throttled", "locked", "Wrong too often")

    @staticmethod
    def sign_in(tab):
        tab.get("document.querySelector('input[name=secret]').value = 'x'")
        tab.get("document.querySelector('form button').click()")
        tab.wait("document.querySelector('[role=alert]')")

    def test_loading_and_lost(self):
        tab = self.tab()
        tab.open(self.stub.url)
        self.shows(tab, "loading", "loading", "Asking aggd")
        self.states.put(self.stub, self.states.gateway())
        tab.wait("document.querySelector('svg.map')")
        self.stub.hang_up()
        tab.wait("document.querySelector('main [role=alert]')")
        self.assertIn("aggd does not answer", self.text(tab))
        self.assertIn("tries again by itself", self.text(tab))
        self.look(tab, "state-lost", DESKTOP)
        self.stub.hang_up(False)
        self.stub.push(self.states.gateway())
        tab.wait("!document.querySelector('main [role=alert]')")
        self.stub.hang_up()
        tab = self.tab()
        tab.open(self.stub.url)
        self.shows(tab, "lost-at-once", "bad", "aggd does not answer")

    def test_down(self):
        tab = self.tab()
        self.open(tab, self.states.gateway("down"))
        self.shows(tab, "down", "bad", "There is no session", "No path works", "no carrier")
        self.assertIn("(down)", tab.get("document.title"))
        self.assertEqual(tab.get("document.querySelectorAll('.map .dead').length"), 2)
        self.assertTrue(tab.get("!!document.querySelector('a.button[href=\"#/diagnostics\"]')"))

    def test_degraded(self):
        tab = self.tab()
        self.open(tab, self.states.gateway("degraded"))
        tab.wait("document.querySelector('.hero.warn')")
        self.assertIn("◐ degraded", self.text(tab))
        self.assertIn("lte is without progress", self.text(tab))

    def test_not_paired(self):
        tab = self.tab()
        self.open(tab, self.states.unpaired())
        self.shows(tab, "not-paired", "empty", "Welcome", "sudo aggctl setup")
        self.assertEqual(tab.get("location.hash"), "#/setup")
        tab.get("document.querySelector('textarea').value = 'nonsense'")
        tab.get("document.querySelector('.join button').click()")
        tab.wait("document.querySelector('pre.bad')")
        self.assertIn("an invitation begins with aggd1_", self.text(tab))
        self.assertEqual(self.stub.orders[-2:], [("join", "start", "nonsense"), ("join", "show")])
        self.states.put(self.stub, self.states.gateway())
        tab.wait("document.querySelectorAll('nav a').length > 2")

    def test_nothing_yet(self):
        tab = self.tab()
        empty = dict(self.states.read("started"), state="up", limit="nothing is under way")
        self.open(tab, empty)
        for page in ("uplinks", "devices", "streams", "history", "scheduler"):
            self.go(tab, page)
            self.shows(tab, "nothing-" + page, "empty")
        tab = self.tab()
        self.open(tab, self.states.concentrator("empty"))
        for page in ("overview", "uplinks", "streams", "forwards", "setup"):
            self.go(tab, page)
            self.shows(tab, "nobody-" + page, "empty")

    def test_what_is_refused(self):
        """It is said, in whatever language, and what was typed stays."""
        for language, words in (("en", "is not allowed"), ("fr", "n’est pas permis ; permis :")):
            tab = self.tab()
            self.open(tab, self.states.gateway(), language)
            self.go(tab, "uplinks")
            tab.get("document.querySelector('details').open = true")
            tab.get("document.querySelector('input[name=cap]').value = 'much'")
            tab.get("document.querySelector('details button').click()")
            tab.wait(f"document.body.innerText.includes({words!r})")
            self.assertEqual(tab.get("document.querySelector('input[name=cap]').value"), "much")
        self.stub.gets["history"] = "a history is kept on a gateway\n"
        self.go(tab, "history")
        self.shows(tab, "not-here", "bad", "Il n’y a rien à voir ici")

    # -- a person without a mouse; ten minutes

    def test_keyboard(self):
        tab = self.tab()
        self.open(tab, self.states.gateway())
        seen = []
        for _ in range(10):
            tab.key("Tab")
            seen.append(tab.get("document.activeElement.id || document.activeElement.hash"))
            self.assertTrue(tab.get("document.activeElement.matches(':focus-visible') && "
                                    "getComputedStyle(document.activeElement).outlineStyle "
                                    "!== 'none'"), seen)
        self.assertEqual(seen[:2], ["#main", "language"])
        self.assertEqual(seen[2:], ["#/" + page for page in PAGES["gateway"]])
        tab.get("document.querySelector('nav a[href=\"#/scheduler\"]').focus()")
        tab.key("Enter")
        tab.wait("document.querySelector('main[data-page=scheduler] select')")
        # What is drawn each second leaves the focus, and what was chosen, where they are.
        tab.get("document.querySelector('select[name=scheduler]').focus()")
        tab.key("ArrowDown")
        chosen = tab.get("document.activeElement.value")
        self.assertTrue(chosen)
        for _ in range(3):
            self.stub.push(self.states.gateway())
            tab.drawn()
        self.assertEqual(tab.get("document.activeElement.name + document.activeElement.value"),
                         "scheduler" + chosen)

    def second(self, tab, state, number):
        """One more, drawn."""
        state["version"] = f"0.1.{number}"
        state["uptime_us"] += 1000000
        for u in state["uplinks"]:
            u["down_bytes_per_s"] = 1000000 + number * 7919 % 5000000
            u["down_bytes"] += u["down_bytes_per_s"]
        tab.get("window.now += 1000")
        self.stub.push(state)
        tab.get(DRAWN % number)

    @staticmethod
    def held(tab):
        """Bytes of the heap, nodes of documents, and who listens to them."""
        for _ in range(2):
            tab.ask("HeapProfiler.collectGarbage")
        dom = tab.ask("Memory.getDOMCounters")
        return (tab.ask("Runtime.getHeapUsage")["usedSize"], dom["nodes"],
                dom["jsEventListeners"])

    def test_ten_minutes(self):
        """Seconds in which the page is drawn as ever, one after the other: when it has seen all
        that it shows, the next ten minutes, with pages turned, add nothing to what it holds."""
        tab, state = self.tab(script=CLOCK), self.states.gateway()
        self.open(tab, state)
        number = 0

        def spend(seconds):
            nonlocal number
            for page in TURNS:
                self.go(tab, page)
                for _ in range(seconds // len(TURNS)):
                    number += 1
                    self.second(tab, state, number)
            return self.held(tab)

        spend(WARM // 2)
        before, after = spend(WARM // 2), spend(TEN_MINUTES)
        print(f"note: in ten minutes of the page its heap goes from {before[0] / 1e6:.2f} to "
              f"{after[0] / 1e6:.2f} MB, its nodes from {before[1]} to {after[1]}")
        self.assertLessEqual(after[0], before[0] * HEAP_SLACK + HEAP_SLACK_BYTES)
        self.assertLessEqual(after[1], before[1] + NODES_SLACK)
        self.assertLessEqual(after[2], before[2] + LISTENERS_SLACK)


if __name__ == "__main__":
    if not os.path.exists(AXE):
        print("note: axe-core is not here (npm ci, in web/page): its rules were not tried")
    with browser.Browser(browser.find() or sys.exit("page_test.py: no Chromium")) as Page.browser:
        unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
