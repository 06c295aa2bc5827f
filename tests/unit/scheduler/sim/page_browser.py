#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The page of aggsim in a browser: does it show what the trace says?

    page_browser.py PAGE_MAKE AGGSIM [TEST...]     PAGE_MAKE makes a page of a trace

Opens pages at a moment that the address names and compares the figures in the
document with the trace; then does what a person does with keys and a mouse.
Of every page: not a word on the console, nothing fetched but itself. Skipped
(exit 77) where there is no browser.
"""
import contextlib
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import browser
import page_sample

SKIPPED = 77

# What the page shows, by the values that it gives programs.
FIGURES = """Object.fromEntries([...document.querySelectorAll('[data-side]')].map((side) =>
  [side.dataset.side, Object.fromEntries(['done', 'left', 'flight', 'queue', 'pipe'].map((name) =>
    [name, [...side.querySelectorAll('data.' + name)].map((data) => Number(data.value))]))]))"""
LIST = """[...document.querySelectorAll('#list tbody tr')].map((row) =>
  [...row.querySelectorAll('data')].map((data) => data.value ? Number(data.value) : null))"""
NOW = "Number(document.getElementById('now').value)"
TIP = "document.getElementById('tip').hidden ? null : document.getElementById('tip').textContent"
PLAY = "document.getElementById('play').getAttribute('aria-label')"
BLANK = """(() => { const drawn = document.querySelector('.bars');
  const blank = document.createElement('canvas');
  Object.assign(blank, { width: drawn.width, height: drawn.height });
  return drawn.toDataURL() === blank.toDataURL(); })()"""
RATIO = """(() => { const c = document.querySelector('.bars');
  return c.width / c.clientWidth; })()"""
TRACE = '<script id="trace" type="application/json">'
TIMELINE = "#timeline canvas"
BARS = "[data-side=left] .bars"


def text_of(name):
    return f"document.getElementById('{name}').textContent"


def last_frame(trace):
    return max(len(run["frames"]) for run in trace["runs"]) - 1


def expected_side(trace, r, k):
    """What a side has to show at a frame, from the trace alone."""
    run, at_us = trace["runs"][r], k * trace["step_us"]
    streams, paths = run["frames"][min(k, len(run["frames"]) - 1)]
    done = sum(s["end_us"] is not None and s["end_us"] <= at_us for s in run["streams"])
    return {"done": [done], "left": [sum(s[1] for s in streams)],
            "flight": [sum(s[2] for s in streams)],
            "queue": [p[0] for p in paths], "pipe": [p[1] for p in paths]}


def expected_cells(stream, now, at_us):
    """Of a stream: left, in flight, time taken."""
    if at_us < stream["start_us"]:
        return [None, None, None]
    if now is None:
        return [0, 0, stream["end_us"] - stream["start_us"]]
    return [*now, at_us - stream["start_us"]]


class PageTest(unittest.TestCase):
    browser = page_make = aggsim = None
    maxDiff = None

    @contextlib.contextmanager
    def page(self, kind, address, bound_ms=None, **how):
        """A trace, and a tab in which its page is open."""
        trace = copy.deepcopy(page_sample.sample(kind))
        for load in trace["loads"]:
            load["bound_ms"] = bound_ms
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.html")
            with open(path, "wb") as file:
                subprocess.run([self.page_make], input=json.dumps(trace).encode(), stdout=file,
                               check=True)
            with self.opened(path, address, **how) as tab:
                yield trace, tab

    @contextlib.contextmanager
    def opened(self, path, address, **how):
        url = f"file://{path}"
        with browser.Tab(self.browser, **how) as tab:
            tab.open(f"{url}#{address}")
            yield tab
            self.assertEqual(tab.said, [])
            self.assertEqual([u.partition("#")[0] for u in tab.fetched if u != "data:,"], [url])

    def assert_sides(self, trace, tab, k, left, right):
        self.assertEqual(tab.get(FIGURES), {"left": expected_side(trace, left, k),
                                            "right": expected_side(trace, right, k)})

    def test_a_moment_of_a_batch(self):
        with self.page("batch", "t=0.1s&left=ecf&right=roundrobin") as (trace, tab):
            self.assert_sides(trace, tab, 100000 // trace["step_us"], 0, 2)
            self.assertEqual(tab.get(text_of("title")), trace["title"])
            self.assertEqual(tab.get(text_of("note")), trace["note"])
            self.assertIn("0.100", tab.get(text_of("now")))

    def test_between_frames_is_the_frame_before(self):
        with self.page("arrivals", "t=2s&left=lowrtt&right=ecf/roundrobin/tail") as (trace, tab):
            self.assertTrue(2000000 % trace["step_us"])
            self.assert_sides(trace, tab, 2000000 // trace["step_us"], 1, 3)

    def test_a_page_that_aggsim_wrote(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.html")
            subprocess.run([self.aggsim, "batch20", "--scheduler", "lowrtt", "--scheduler", "ecf",
                            "--html", path], check=True, stdout=subprocess.DEVNULL)
            with open(path, encoding="utf-8") as file:
                trace = json.loads(file.read().partition(TRACE)[2].partition("</script>")[0])
            with self.opened(path, "t=0.2s&left=lowrtt&right=ecf") as tab:
                self.assert_sides(trace, tab, 200000 // trace["step_us"], 0, 1)
                self.assertGreater(tab.get(FIGURES)["left"]["flight"][0], 0)
                self.assertIn("times the least possible (268", tab.get(text_of("verdict")))

    def test_the_start_and_the_end(self):
        with self.page("batch", "t=0") as (trace, tab):
            self.assert_sides(trace, tab, 0, 0, 1)
        with self.page("batch", "t=1000000s") as (trace, tab):
            self.assert_sides(trace, tab, last_frame(trace), 0, 1)
            self.assertEqual(tab.get(FIGURES)["left"]["left"], [0])

    def test_it_opens_where_something_happens(self):
        for kind in ("batch", "arrivals", "mixed", "one"):
            with self.page(kind, "") as (trace, tab):
                k = tab.get(NOW) // trace["step_us"]
                self.assertGreater(k, 0, kind)
                seen = tab.get(FIGURES)
                self.assertGreater(max(side["left"][0] for side in seen.values()), 0, kind)
        with self.page("batch", "") as (trace, tab):
            sides = tab.get(FIGURES)
            self.assertNotEqual(sides["left"], sides["right"])

    def test_one_sentence_says_who_won_and_by_how_much(self):
        def mean(run):
            return run["stats"][0]["mean_ms"]
        with self.page("batch", "", bound_ms=50.0) as (trace, tab):
            best, *_, last = sorted(trace["runs"], key=mean)
            says = tab.get(text_of("verdict"))
            self.assertRegex(says, rf"^{best['scheduler']}\b.* wins: ")
            self.assertIn(f"{mean(best) / 50:.2f} times the least possible (50.0", says)
            self.assertRegex(says, rf"; next is .*, last {last['scheduler']}")
            self.assertEqual(says.count("."), len(re.findall(r"\d\.\d", says)) + 1)
            self.assertIn("least possible50.0", tab.get(
                "document.querySelector('#stats tfoot').textContent"))
            self.assertEqual(tab.get("document.querySelectorAll('.bound-mean').length"), 1)
        with self.page("one", "") as (trace, tab):
            self.assertRegex(tab.get(text_of("verdict")), r"^lowrtt: .* in the mean\.$")
        with self.page("bare", "") as (_, tab):
            self.assertEqual(tab.get(text_of("verdict")), "")

    def test_a_stream_is_done_at_its_very_end(self):
        trace = page_sample.sample("batch")
        at_us = next(s["end_us"] for s in trace["runs"][0]["streams"]
                     if s["end_us"] % trace["step_us"] == 0)
        with self.page("batch", f"t={at_us}us") as (_, tab):
            self.assert_sides(trace, tab, at_us // trace["step_us"], 0, 1)

    def test_another_address_is_another_moment(self):
        with self.page("batch", "t=0.1s") as (trace, tab):
            tab.get("location.hash = '#t=200ms&left=roundrobin'")
            tab.drawn()
            tab.wait(f"{NOW} === 200000")
            self.assert_sides(trace, tab, 200000 // trace["step_us"], 2, 1)

    def test_every_stream_is_in_the_list(self):
        with self.page("full", "t=1s&left=ecf/srpt&right=lowrtt/roundrobin&list=1") as (trace, tab):
            k, rows = 1000000 // trace["step_us"], tab.get(LIST)
        self.assertEqual(len(rows), 200)
        for column, run in ((0, trace["runs"][1]), (3, trace["runs"][2])):
            frame = {s[0]: s[1:] for s in run["frames"][k][0]}
            self.assertGreater(len(frame), 10)
            for i, row in enumerate(rows):
                self.assertEqual(row[column:column + 3], expected_cells(
                    run["streams"][i], frame.get(i), k * trace["step_us"]))

    def test_hostile_text_stays_text(self):
        with self.page("cut", "t=0.6s&right=%3Cb%3E") as (trace, tab):
            self.assertEqual(tab.get(text_of("title")), trace["title"])
            self.assertEqual(tab.get(text_of("note")), trace["note"])
            self.assert_sides(trace, tab, 600000 // trace["step_us"], 0, 1)

    def test_an_address_that_means_nothing_changes_nothing(self):
        with self.page("batch", "") as (trace, tab):
            now = tab.get(NOW)
        with self.page("batch", "t=soon&left=none&right=&&=&%") as (trace, tab):
            self.assertEqual(tab.get(NOW), now)
            self.assert_sides(trace, tab, now // trace["step_us"], 0, 1)

    def test_one_run_has_one_side(self):
        with self.page("one", "t=0.3s") as (trace, tab):
            self.assertEqual(tab.get(FIGURES),
                             {"left": expected_side(trace, 0, 300000 // trace["step_us"])})

    def test_nothing_at_all_is_shown_as_that(self):
        with self.page("bare", "t=1s&list=1&play=1") as (_, tab):
            self.assertEqual(tab.get(FIGURES)["left"], {
                "done": [0], "left": [0], "flight": [0], "queue": [], "pipe": []})

    def test_keys_move_in_time(self):
        with self.page("batch", "t=50ms") as (trace, tab):
            for name, shift, k in (("ArrowRight", False, 51), ("ArrowLeft", True, 41),
                                   ("End", False, last_frame(trace)), ("Home", False, 0),
                                   ("ArrowLeft", False, 0), ("ArrowRight", True, 10)):
                tab.key(name, shift)
                self.assertEqual(tab.get(NOW), k * trace["step_us"], name)
            tab.get("document.getElementById('time').focus()")
            tab.key("ArrowRight") # ours once, not the slider's too
            self.assertEqual(tab.get(NOW), 11 * trace["step_us"])

    def test_space_plays_and_pauses(self):
        with self.page("batch", "t=0.1s") as (trace, tab):
            tab.key(" ")
            tab.wait(f"{NOW} > 102000")
            self.assertEqual(tab.get(PLAY), "Pause")
            tab.key(" ")
            self.assertEqual(tab.get(PLAY), "Play")
            paused = tab.get(NOW)
            tab.drawn()
            self.assertEqual(tab.get(NOW), paused)
            tab.get("location.hash = '#t=0.3s&play=1'")
            tab.wait(f"{PLAY} === 'Play' && {NOW} === {last_frame(trace) * trace['step_us']}")

    def test_the_mouse_peeks_and_stays_where_it_is_pressed(self):
        with self.page("batch", "t=0") as (trace, tab):
            last, frame = last_frame(trace), lambda: tab.get(NOW) // trace["step_us"]
            tab.mouse("mouseMoved", TIMELINE, .5, .4)
            self.assertAlmostEqual(frame(), last / 2, delta=1)
            tab.mouse("mouseMoved", "#title", 0, 0)
            self.assertEqual(frame(), 0)
            tab.mouse("mousePressed", TIMELINE, .5, .4, held=True)
            tab.mouse("mouseMoved", TIMELINE, .999, .4, held=True)
            tab.mouse("mouseReleased", TIMELINE, .999, .4)
            tab.mouse("mouseMoved", "#title", 0, 0)
            self.assertEqual(frame(), last)

    def test_tooltips_say_what_is_under_the_mouse(self):
        with self.page("batch", "t=0.1s") as (trace, tab):
            streams = trace["runs"][0]["streams"]
            self.assertIsNone(tab.get(TIP))
            tab.mouse("mouseMoved", BARS, .98, .3)
            self.assertTrue(tab.get(TIP).startswith(streams[-1]["name"] + "size"), tab.get(TIP))
            tab.mouse("mouseMoved", "#title", 0, 0)
            self.assertIsNone(tab.get(TIP))
            tab.get(f"document.querySelector('{BARS}').focus()")
            tab.key("ArrowDown")
            self.assertTrue(tab.get(TIP).startswith(streams[0]["name"] + "size"), tab.get(TIP))
            tab.key("Escape")
            self.assertIsNone(tab.get(TIP))
            tab.mouse("mouseMoved", ".paths li", .1, .5)
            self.assertTrue(tab.get(TIP).startswith(trace["paths"][0]["name"]), tab.get(TIP))
            tab.mouse("mouseMoved", "#curves", .96, .03)
            self.assertIn("of 12 streams", tab.get(TIP))

    def test_streams_of_one_load_have_all_the_place(self):
        with self.page("mixed", "t=0.3s&streams=bulk") as (trace, tab):
            for x in (.3, .98):
                tab.mouse("mouseMoved", BARS, x, .3)
                self.assertTrue(tab.get(TIP).startswith("downloadsize"), tab.get(TIP))
            tab.get("(() => { const bars = document.getElementById('bars'); bars.value = '-1';"
                    "bars.dispatchEvent(new Event('change')); })()")
            tab.mouse("mouseMoved", BARS, .3, .31)
            self.assertTrue(tab.get(TIP).startswith("object"), tab.get(TIP))

    def test_a_button_of_the_table_shows_its_run(self):
        with self.page("batch", "t=0.1s") as (trace, tab):
            tab.get("document.querySelectorAll('#stats .right')[3].click()")
            tab.drawn()
            self.assert_sides(trace, tab, 100000 // trace["step_us"], 0, 3)
            tab.wait("location.hash === '#t=0.1s&left=ecf/srpt&right=ecf/roundrobin'")
            self.assertEqual(tab.get("[...document.querySelectorAll('#stats .right')].map("
                                     "(b) => b.getAttribute('aria-pressed'))"),
                             ["false", "false", "false", "true"])

    def test_the_table_has_the_statistics_of_a_load(self):
        with self.page("mixed", "t=0") as (trace, tab):
            self.assert_stats(trace, tab, 0, [
                "mean_ms", "p50_ms", "p95_ms", "p99_ms", "slowdown", "goodput_mbit"])
            tab.get("(() => { const load = document.getElementById('load'); load.value = '1';"
                    "load.dispatchEvent(new Event('change')); })()")
            self.assert_stats(trace, tab, 1, ["goodput_mbit"])
            self.assertTrue(tab.get("document.getElementById('curves').hidden"))
            tab.wait("location.hash.includes('&load=bulk')")
        with self.page("mixed", "load=objects") as (trace, tab):
            self.assert_stats(trace, tab, 2, [])
            self.assertTrue(tab.get("document.getElementById('curves').hidden"))

    def assert_stats(self, trace, tab, load, keys):
        shown = tab.get("[...document.querySelectorAll('#stats tbody tr')].map((row) =>"
                        "[...row.querySelectorAll('data')].map((d) => Number(d.value)))")
        self.assertEqual(shown, [[run["stats"][load][key] for key in keys]
                                 for run in trace["runs"]])

    def test_the_best_run_is_compared_with_a_usual_one(self):
        with self.page("full", "t=1s") as (trace, tab):
            best = min(trace["runs"], key=lambda run: run["stats"][0]["slowdown"])
            self.assertEqual((best["scheduler"], trace["runs"][2]["scheduler"]),
                             ("ecf", "lowrtt"))
            self.assert_sides(trace, tab, 10**6 // trace["step_us"],
                              trace["runs"].index(best), 2)

    def test_nothing_is_wider_than_the_screen(self):
        for kind in ("full", "cut", "one"):
            with self.page(kind, "t=0.5s") as (_, tab):
                for width in (360, 700, 1000, 1900):
                    tab.set_size(width)
                    tab.drawn()
                    self.assertLessEqual(tab.get("document.documentElement.scrollWidth"), width,
                                         f"{kind} at {width}")

    def test_canvases_are_sharp_and_not_blank(self):
        with self.page("full", "t=1s", ratio=2.5, dark=True) as (_, tab):
            for width, ratio in ((1000, 2.5), (800, 1)):
                tab.set_size(width, ratio=ratio)
                tab.wait(f"Math.abs({RATIO} - {ratio}) < 0.01")
                self.assertFalse(tab.get(BLANK))


def main(page_make, aggsim, tests):
    program = browser.find()
    if not program:
        print("skipped: no browser here, none of " + ", ".join(browser.PROGRAMS))
        return SKIPPED
    PageTest.page_make, PageTest.aggsim = page_make, aggsim
    load = unittest.defaultTestLoader
    suite = (unittest.TestSuite(map(PageTest, tests)) if tests
             else load.loadTestsFromTestCase(PageTest))
    with browser.Browser(program) as PageTest.browser:
        return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
