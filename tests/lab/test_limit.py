#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What `aggctl status` says in its one sentence, and by its exit status, in
situations that were made: full links, a slow server, a slow client, uplinks down.

    lan (clients) -- gw ==S1== isp -- vps -- srv (servers)
"""
import contextlib
import os
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from aggd import DEGRADED, DOWN  # noqa: E402
from case import AggdTest, accept, listen  # noqa: E402

SLOW_PORT = 7100
DOWN_MBPS, UP_MBPS = 10, 5   # of each link: any machine fills them
SLOW_BPS = 400_000      # a sixth of what both carry
PART = 20_000
SAID_S = 30             # a state is seen over some seconds
SCREEN = 80, 24


class Limit(AggdTest):
    scenario = "S1"

    @classmethod
    def prepare(cls):
        for uplink in cls.lab.uplinks:
            cls.lab.link(uplink.name).set("down", rate=DOWN_MBPS)
            cls.lab.link(uplink.name).set("up", rate=UP_MBPS)

    def sentence(self, role="gw"):
        return self.aggd.status(role=role)["limit"] or ""

    def wait_said(self, *words, role="gw"):
        """All of the words, in one sentence."""
        self.wait(lambda: (lambda said: all(w in said for w in words))(self.sentence(role)), SAID_S,
                  lambda: self.sentence(role))

    def wait_exit_status(self, status):
        self.wait(lambda: self.exit_status() == status, SAID_S, self.screen)

    def wait_shown(self, words):
        self.wait(lambda: words in self.screen(), SAID_S, self.screen)

    def exit_status(self, role="gw"):
        return self.aggd.ctl(role, "status").returncode

    def screen(self, role="gw"):
        """The status as a terminal of 80 columns shows it."""
        result = self.lab.node(role).run(
            ["env", f"COLUMNS={SCREEN[0]}", self.lab.tool("aggctl"),
             "-s", self.aggd.path(f"{role}.sock"), "status"], check=False)
        lines = result.stdout.splitlines()
        self.assertLessEqual(max(map(len, lines)), SCREEN[0], result.stdout)
        self.assertLess(len(lines), SCREEN[1], result.stdout)  # and a prompt
        return result.stdout

    def test_idle(self):
        self.wait_said("nothing is under way")
        self.wait_exit_status(0)
        self.wait_shown("\nup: nothing is under way\n")

    def test_links_are_full(self):
        names = " and ".join(u.name for u in self.lab.uplinks)
        with self.flow():
            self.wait_said("download at ", f"as {names} are full")
            self.wait_said("site home: download at ", f"as {names} are full", role="vps")
            self.screen()
            self.screen("vps")
        with self.flow("up"):
            self.wait_said("upload at ", f"as {names} are full")

    def test_the_server_is_slow(self):
        server = listen(self.lab.srv, SLOW_PORT)
        self.addCleanup(server.close)
        client = self.connect(port=SLOW_PORT)
        end, _ = accept(server)
        stop = threading.Event()

        def trickle():
            with contextlib.suppress(OSError):
                while not stop.wait(PART / SLOW_BPS):
                    end.sendall(bytes(PART))

        def swallow():
            with contextlib.suppress(OSError):
                while client.recv(PART):
                    pass

        threads = [threading.Thread(target=t, daemon=True) for t in (trickle, swallow)]
        for thread in threads:
            thread.start()
        try:
            self.wait_said("as the server sends no faster")
        finally:
            stop.set()
            for sock in (client, end):
                sock.close()

    def test_the_client_is_slow(self):
        client = self.connect()
        stop = threading.Event()

        def sip():
            with contextlib.suppress(OSError):
                while not stop.wait(PART / SLOW_BPS) and client.recv(PART):
                    pass

        client.sendall(struct.pack(">cI", b"D", 0))
        thread = threading.Thread(target=sip, daemon=True)
        thread.start()
        try:
            self.wait_said("as the client takes no more")
        finally:
            stop.set()
            thread.join()
            case.reset(client)

    def test_uplinks_are_down(self):
        first, second = (u.name for u in self.lab.uplinks)
        links = [self.lab.link(n) for n in (first, second)]
        with self.flow():
            links[0].cut()
            self.wait_exit_status(DEGRADED)
            self.wait_said(f"; {first} is ")
            self.wait_said(f"as {second} is full; {first} is ")
            self.wait_shown("\ndegraded: download at ")
            links[1].cut()
            self.wait_exit_status(DOWN)
            self.wait_shown("\ndown: ")
            for link in links:
                link.restore()
            self.wait_exit_status(0)

    def test_what_is_gone_is_not_running(self):
        done = self.lab.gw.run(["aggctl", "-s", self.aggd.path("none.sock"), "status"],
                               check=False)
        self.assertEqual(done.returncode, 3)

    def test_watch_ends_cleanly(self):
        process = self.lab.gw.spawn(["aggctl", "-s", self.aggd.path("gw.sock"), "status",
                                     "--watch"], log="watch.log")
        self.wait(lambda: self.aggd.read("watch.log").count("aggd ") > 1, SAID_S, "it is again")
        process.terminate()
        self.assertIn(process.wait(SAID_S), (0, DEGRADED))
        self.assertTrue(self.aggd.read("watch.log").endswith("\n"))


if __name__ == "__main__":
    unittest.main()
