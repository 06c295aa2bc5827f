#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""An update of either end under load: the process that was there keeps its streams
until they end, the next one takes all that is new, and nobody who connects
meanwhile is refused.
"""
import os
import shutil
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from case import AggdTest  # noqa: E402
from lab import SRV6  # noqa: E402

USED_BPS = 100_000  # of a flow
END_S = 60      # for the process that was there, once its streams have ended
SETTLE_S = 60
TOLD_S = 40     # less than the default of linger, which is 60
STREAM_PORT = 8000
WAITS = "streams go on for up to 10 s"
FAILING = "#!/bin/sh\necho 'this one does not start' >&2\nexit 1\n"


class Callers:
    """New connections, one after another, by both families and by SOCKS5; what the
    server took them for is told."""

    def __init__(self, test):
        self.test = test
        self.seen = []
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        ways = (lambda: self.test.who(), lambda: self.test.who(SRV6),
                lambda: self.test.who(sock=self.test.socks_stream()))
        while not self.stopping.is_set():
            try:
                self.seen.append(ways[len(self.seen) % len(ways)]())
            except (OSError, AssertionError) as error:
                self.error = error
                return

    def __enter__(self):
        self.thread.start()
        self.test.wait(lambda: self.error or len(self.seen) >= 3, SETTLE_S, "connections")
        return self

    def __exit__(self, *exc):
        count = len(self.seen)
        if not exc[0]:
            self.test.wait(lambda: self.error or len(self.seen) > count + 3, SETTLE_S,
                           "connections go on")
        self.stopping.set()
        self.thread.join(SETTLE_S)
        if not exc[0]:
            self.test.assertIsNone(self.error, f"after {len(self.seen)} connections")
            self.test.assertLessEqual(set(self.seen), {case.VPS_SEEN4, case.VPS_SEEN6})


class UpdateTest(AggdTest):
    def socks_stream(self):
        code, sock = case.socks_connect(self.lab.lan, self.aggd.socks, case.SRV4,
                                        case.FLOW_PORT)
        if code != case.SOCKS_OK:
            sock.close()
            raise AssertionError(f"SOCKS5 answers {code}")
        return sock

    def wait_bytes(self, *flows):
        before = [f.count for f in flows]

        def more():
            for f in flows:
                f.check()
            return all(f.count > b + case.USED_BYTES for f, b in zip(flows, before))

        self.wait(more, SETTLE_S, "bytes come")

    def wait_ended(self, process, role):
        self.wait(lambda: process.poll() is not None, END_S,
                  lambda: f"the process before ends: {self.aggd.log(role)}")
        self.assertEqual(process.returncode, 0)


class Update(UpdateTest):
    def before(self, role, down=False):
        """What sessions of before carry, as it tells; once it is fast."""
        told = self.aggd.status(role=role).get("before")
        return told if told and (not down or told["down_bytes_per_s"] > USED_BPS) else None

    def update(self, role):
        with self.flow() as down, self.flow("up"):
            with Callers(self):
                old = self.aggd.update(role)
            self.assertIsNone(old.poll())
            self.wait_bytes(down)
            self.aggd.wait_ready()
            for end in ("gw", "vps"):
                self.wait(lambda e=end: self.before(e, down=True), SETTLE_S,
                          lambda e=end: f"{e} tells of the streams")
        self.wait_ended(old, role)
        self.wait(lambda: not self.before(role), SETTLE_S, "and that they are over")
        self.aggd.wait_ready()
        self.assertEqual(self.who(), case.VPS_SEEN4)

    def device_bytes(self):
        return sum(d["down_bytes"] for d in self.aggd.status().get("devices", []))

    def test_gateway(self):
        self.update("gw")

    def test_history_goes_on_beside_the_one_before(self):
        """What streams of before carry is their device's in the next process, too."""
        with self.flow() as flow:
            old = self.aggd.update("gw")
            before = self.device_bytes()
            self.wait(lambda: self.device_bytes() > before + case.USED_BYTES, SETTLE_S,
                      "the device has what the flow carries")
            self.assertIsNone(old.poll())
            flow.check()
        self.wait_ended(old, "gw")

    def test_concentrator(self):
        self.update("vps")

    def test_again_while_the_one_before_has_streams(self):
        with self.flow() as first:
            old = self.aggd.update("gw")
            self.aggd.wait_ready()
            with self.flow() as second:
                older, old = old, self.aggd.update("vps")
                self.wait_bytes(first, second)
        self.wait_ended(older, "gw")
        self.wait_ended(old, "vps")
        self.assertEqual(self.who(), case.VPS_SEEN4)

    def test_stop_ends_both(self):
        """As systemctl stop does: a signal to each."""
        old = self.aggd.update("gw")
        self.wait_ended(old, "gw")
        self.aggd.stop_one("gw")
        self.assertEqual(self.aggd.ruleset(), "")
        self.aggd.start_gateway()
        self.aggd.wait_ready()


class Broken(UpdateTest):
    """Every link breaks, one after the other, under a concentrator that left: what breaks is
    made anew, and goes to the process that has the session. By then not one of its first
    subflows is left."""

    def reset_link(self, number):
        self.lab.isp.nft("table inet broken { chain f { type filter hook forward priority 0; "
                         f"iifname up{number} tcp dport 443 reject with tcp reset\n}}\n}}\n")

    def mend(self):
        self.lab.isp.nft("table inet broken\ndelete table inet broken")

    def renewals(self, path):
        return self.aggd.read("gw.log").count(f"path {path}, bundle 0: up again")

    def break_all(self, flow):
        for path in range(len(self.lab.uplinks)):
            count = self.renewals(path)
            self.reset_link(path + 1)
            self.wait_bytes(flow)
            self.mend()
            self.wait(lambda p=path, n=count: self.renewals(p) > n, SETTLE_S,
                      lambda p=path: f"path {p} is made anew: " + self.aggd.log("gw"))
        self.wait_bytes(flow)

    def test_links_break_under_a_concentrator_that_left(self):
        """Once as its next one is there; then as that one has left, too, and only stands
        between the two."""
        self.addCleanup(self.mend)
        with self.flow() as flow:
            first = self.aggd.update("vps")
            self.aggd.wait_ready()
            self.break_all(flow)
            second = self.aggd.update("vps")
            self.aggd.wait_ready()
            self.break_all(flow)
            self.assertIsNone(first.poll())
            self.assertIsNone(second.poll())
        self.wait_ended(first, "vps")
        self.wait_ended(second, "vps")
        self.assertEqual(self.who(), case.VPS_SEEN4)


    def test_links_break_under_both_that_left(self):
        """The gateway's process of before renews its links, too, and does not take those of
        the next one's session for its own."""
        self.addCleanup(self.mend)
        with self.flow() as flow:
            gateway = self.aggd.update("gw")
            self.aggd.wait_ready()
            concentrator = self.aggd.update("vps")
            self.aggd.wait_ready()
            for number in [*range(1, len(self.lab.uplinks) + 1), 1]:
                self.reset_link(number)  # the one before it is in use again
                self.wait_bytes(flow)
                self.mend()
            self.assertIsNone(gateway.poll())
            self.assertIsNone(concentrator.poll())
            self.assertNotIn("began anew", self.aggd.read("vps.log"))
        self.wait_ended(gateway, "gw")
        self.wait_ended(concentrator, "vps")
        self.assertEqual(self.who(), case.VPS_SEEN4)


class Drain(UpdateTest):
    """What a restart does, where an update is refused: SIGTERM, and the streams that there
    are may end."""

    def drain(self, role):
        process = self.aggd.process(role)
        with self.flow() as flow:
            process.terminate()
            self.wait(lambda: WAITS in self.aggd.read(f"{role}.log"),
                      SETTLE_S, lambda: "it is said: " + self.aggd.log(role))
            flow.check()
        self.wait_ended(process, role)
        self.aggd.stop_one(role)

    def test_gateway(self):
        self.drain("gw")
        self.aggd.start_gateway()
        self.aggd.wait_ready()

    def test_concentrator(self):
        self.drain("vps")
        self.aggd.start_concentrator()
        self.aggd.wait_ready()


class Killed(UpdateTest):
    """Who does not wait for its streams tells the other end, which keeps none of them for a
    minute: neither of the session that is, nor of one of before an update."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = case.listen(cls.lab.srv, STREAM_PORT)
        cls.addClassCleanup(cls.server.close)

    def pair(self):
        client = self.connect(case.SRV4, STREAM_PORT)
        server = case.accept(self.server)[0]
        for sock in (client, server):
            self.addCleanup(sock.close)
        client.sendall(b"?")
        self.assertEqual(case.receive(server, 1), b"?")
        return client, server

    def kill(self, role, process, other_end):
        said = self.aggd.read(f"{role}.log").count(WAITS)
        process.terminate()
        self.wait(lambda: self.aggd.read(f"{role}.log").count(WAITS) > said, SETTLE_S,
                  lambda: "it waits for its streams: " + self.aggd.log(role))
        process.terminate()
        self.wait_ended(process, role)
        other_end.settimeout(TOLD_S)
        try:
            self.assertEqual(other_end.recv(1), b"")
        except ConnectionResetError:
            pass

    def test_a_gateway(self):
        self.kill("gw", self.aggd.process("gw"), self.pair()[1])
        self.aggd.stop_one("gw")
        self.aggd.start_gateway()
        self.aggd.wait_ready()

    def test_a_concentrator(self):
        self.kill("vps", self.aggd.process("vps"), self.pair()[0])
        self.wait(lambda: "peer: the concentrator ends" in self.aggd.read("gw.log"), SETTLE_S,
                  lambda: "the gateway was told: " + self.aggd.log("gw"))
        self.aggd.stop_one("vps")
        self.aggd.start_concentrator()
        self.aggd.wait_ready()

    def test_the_one_before(self):
        server = self.pair()[1]
        self.kill("gw", self.aggd.update("gw"), server)
        self.wait(lambda: not self.aggd.status(role="vps").get("before"), TOLD_S,
                  "the concentrator has no session of before")
        self.aggd.wait_ready()
        self.assertEqual(self.who(), case.VPS_SEEN4)


class Failing(UpdateTest):
    """What is there now does not start: nothing has happened."""

    def setUp(self):
        self.place = self.aggd.path("aggd")
        shutil.copy(self.lab.tool("aggd"), self.place + ".good")
        os.rename(self.place + ".good", self.place)

    @classmethod
    def prepare(cls):
        place = os.path.join(cls.lab.dir, "aggd")
        shutil.copy(cls.lab.tool("aggd"), place)
        cls.options = {"program": {"gw": place, "vps": place}}

    def put(self, text):
        with open(self.place + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.place + ".new", 0o755)
        os.rename(self.place + ".new", self.place)

    def refuse(self, role, why):
        before = self.aggd.process(role).pid
        count = self.aggd.read(f"{role}.log").count("this process goes on")
        with self.flow() as flow, Callers(self):
            self.aggd.ctl(role, "update")
            self.wait(lambda: self.aggd.read(f"{role}.log").count("this process goes on") > count,
                      SETTLE_S, lambda: "it is said: " + self.aggd.log(role))
            self.wait_bytes(flow)
        self.assertIn(why, self.aggd.read(f"{role}.log"))
        self.wait_equal(lambda: self.aggd.lock_pid(role), before)
        self.assertEqual(self.aggd.ctl(role, "status").returncode, 0)

    def test_a_broken_program(self):
        self.put(FAILING)
        for role in ("gw", "vps"):
            self.refuse(role, "this one does not start")

    def test_a_broken_configuration(self):
        good = self.aggd.read("gw.conf")
        self.addCleanup(self.aggd.write, "gw.conf", good)
        self.aggd.write("gw.conf", good + "\toption colour 'red'\n")
        self.refuse("gw", "colour")

    def test_one_that_begins_and_ends(self):
        """It has the sockets by then; nothing of the kernel's goes with it."""
        for role in ("gw", "vps"):
            good = self.aggd.read(f"{role}.conf")
            self.addCleanup(self.aggd.write, f"{role}.conf", good)
            self.aggd.write(f"{role}.conf", good.replace(f"/{role}.sock", f"/{role}.log"))
            self.refuse(role, "something else than a socket is there")
            self.aggd.write(f"{role}.conf", good)
        self.aggd.wait_ready()


if __name__ == "__main__":
    unittest.main()
