#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""How each direction is sent is chosen while it runs, by a person and by the
configuration of either side: schedulers, the order of streams, reinjection,
and the classes of streams. Nothing of it costs a byte.

    lan -- gw ==S2== isp -- vps -- srv
"""
import json
import os
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case  # noqa: E402
from case import AggdTest  # noqa: E402
from lab import SRV4, SRV6  # noqa: E402

APPLIED_S = 20
BETWEEN_S = 0.3          # changes under load
TRANSFER_BYTES = 20_000_000
OTHER_PORT = 7001        # nobody's but the classes'
OTHER_PIN = "sha256:" + "A" * 42 + "E"
EF, LE = 46, 1           # RFC 3246, RFC 8622
CHANGED = {"scheduler": "roundrobin", "order": "priority", "reinjection": "off"}


def all_by(scheduler, **more):
    return {"interactive": scheduler, "bulk": scheduler, **more}


class Chosen(AggdTest):
    """A pair whose choices are undone after each test."""

    scenario = "S2"

    @classmethod
    def prepare(cls):
        cls.start_load_server()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.usual = cls.aggd.status()["sessions"][0]["up"]  # by the defaults

    def tearDown(self):
        """Changed choices in the files take back what was chosen; then the
        files are again as they were."""
        for options in (CHANGED, None):
            self.aggd.gateway_options = self.aggd.site_options = options
            self.aggd.concentrator_options, self.aggd.sites, self.aggd.more = None, {}, {}
            self.assertTrue(self.aggd.reload("vps") and self.aggd.reload("gw"))
        self.wait_sending("down", self.usual)

    def names(self, kind):
        """All that there are, by the registry of the program."""
        choices = self.aggd.status("scheduler")["choices"]
        return [c["name"] for c in choices if c["kind"] == kind]

    def choose(self, role, *words):
        return self.aggd.ctl(role, "scheduler", *words).stdout

    def refused(self, role, *words):
        done = self.aggd.ctl(role, "scheduler", *words, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def sending(self, direction, role):
        return self.aggd.status("status", role)["sessions"][0][direction]

    def both(self, direction):
        return self.sending(direction, "gw"), self.sending(direction, "vps")

    def wait_sending(self, direction, want):
        """Until both sides say that the direction is sent so."""
        self.wait(lambda: all(want.items() <= (s or {}).items() for s in self.both(direction)),
                  APPLIED_S, lambda: f"{direction} is sent by {want}: {self.both(direction)}")

    def reload(self, role):
        self.assertTrue(self.aggd.reload(role), self.aggd.log(role))


class Choice(Chosen):
    def test_every_choice_under_load(self):
        """Each name there is, in turn, while bytes flow both ways."""
        schedulers = self.names("scheduler")
        orders, reinjections = ["auto", *self.names("order")], self.names("reinjection")
        count = max(len(schedulers), len(orders), len(reinjections))
        self.assertGreaterEqual(len(schedulers), 3)
        with self.flow() as down, self.flow("up"), self.flow(address=SRV6):
            for i in range(2 * count):
                scheduler, order, reinjection = (
                    names[i % len(names)] for names in (schedulers, orders, reinjections))
                self.choose("gw", scheduler, "order", order, "reinjection", reinjection)
                want = all_by(scheduler, reinjection=reinjection)
                if order != "auto":
                    want["order"] = order
                for direction in ("up", "down"):
                    self.wait_sending(direction, want)
                time.sleep(BETWEEN_S)
            # Some orders let the others wait while the first has something.
            self.choose("gw", "order", "roundrobin")
            self.wait_sending("down", {"order": "roundrobin"})
            before = down.count
            self.wait(lambda: down.count > before + case.USED_BYTES, APPLIED_S, "bytes come")
        self.note = f"{2 * count} changes"

    def test_every_scheduler_carries_all(self):
        took = []
        for scheduler in self.names("scheduler"):
            with self.subTest(scheduler):
                self.choose("gw", scheduler)
                self.wait_sending("down", all_by(scheduler))
                for direction in ("down", "up"):
                    took.append(f"{scheduler} {direction} {self.transfer(direction)} Mbit/s")
        self.note = ", ".join(took)

    def transfer(self, direction):
        done = self.lab.lan.run(["aggload", "objects", SRV4, "-s", TRANSFER_BYTES, "-n", 1,
                                 "-d", direction], check=False)
        got = json.loads(done.stdout)
        self.assertEqual((got["ok"], got["failed"], got["error"]), (1, 0, None))
        return round(TRANSFER_BYTES * 8 / 1000 / got["ms"]["mean"])

    def test_concentrator_follows_the_wish_its_site_overrides(self):
        self.aggd.gateway_options = {"scheduler": "roundrobin", "order": "fifo",
                                     "reinjection": "off"}
        with self.flow(), self.flow("up"):
            self.reload("gw")
            wished = all_by("roundrobin", order="fifo", reinjection="off")
            self.wait_sending("up", wished)
            self.wait_sending("down", wished)
            self.aggd.site_options = {"scheduler": "lowrtt", "reinjection": "tail"}
            self.reload("vps")
            own = all_by("lowrtt", order="fifo", reinjection="tail")
            self.wait_sending("down", own)
            self.assertEqual(self.both("up"), (wished, wished))
            self.assertIn("not what the gateway wishes", self.aggd.ctl("gw", "status").stdout)
            self.choose("gw", "ecf")
            self.wait_sending("up", all_by("ecf"))
            self.assertEqual(self.sending("down", "vps"), own)

    def test_choice_on_the_concentrator_is_its_own(self):
        self.choose("vps", "roundrobin", "reinjection", "off")
        self.wait_sending("down", all_by("roundrobin", reinjection="off"))
        self.aggd.sites = {"cabin": OTHER_PIN}
        self.reload("vps")  # says nothing else of this
        self.choose("gw", "lowrtt")
        self.wait_sending("up", all_by("lowrtt"))
        self.wait_sending("down", all_by("roundrobin", reinjection="off"))
        self.choose("gw", self.usual["bulk"])
        self.wait_sending("up", self.usual)

    def test_site_is_named_where_there_are_several(self):
        self.aggd.sites = {"cabin": OTHER_PIN}
        self.reload("vps")
        said = self.refused("vps", "lowrtt")
        self.assertIn("home", said)
        self.assertIn("cabin", said)
        self.assertIn("allowed: home, cabin", self.refused("vps", "lowrtt", "hut"))
        self.choose("vps", "lowrtt", "home")
        self.wait_sending("down", all_by("lowrtt"))
        self.assertIn("allowed: vps", self.refused("gw", "lowrtt", "home"))

    def test_one_class_only(self):
        self.choose("gw", "ecf")
        said = self.choose("gw", "lowrtt", "--class", "interactive")
        self.assertIn("config class 'interactive'", said)
        want = {"interactive": "lowrtt", "bulk": "ecf"}
        self.wait_sending("up", want)
        self.wait_sending("down", want)
        said = self.aggd.ctl("gw", "scheduler").stdout
        self.assertRegex(said, r"scheduler +lowrtt +down interactive, up interactive ")
        self.assertRegex(said, r"scheduler +ecf +down bulk, up bulk ")

    def test_choice_lasts_until_the_file_changes_its_own(self):
        said = self.choose("gw", "lowrtt", "order", "srpt")
        for words in ("until a restart, or a reload", "config aggd 'main'",
                      "option scheduler 'lowrtt'", "option order 'srpt'"):
            self.assertIn(words, said)
        chosen = all_by("lowrtt", order="srpt")
        self.wait_sending("down", chosen)
        self.aggd.gateway_options = {"log_level": "debug"}
        self.reload("gw")
        self.wait_sending("up", self.usual | chosen)
        self.wait_sending("down", chosen)
        # Another scheduler takes back the scheduler, and not the order.
        self.aggd.gateway_options = {"scheduler": "roundrobin"}
        self.reload("gw")
        self.wait_sending("up", all_by("roundrobin", order="srpt"))
        self.wait_sending("down", all_by("roundrobin", order="srpt"))
        # As the answer says: what is kept is in the file.
        self.choose("gw", "lowrtt")
        self.aggd.gateway_options = {"scheduler": "lowrtt", "order": "srpt"}
        self.reload("gw")
        self.wait_sending("up", chosen)
        self.aggd.gateway_options = None
        self.reload("gw")
        self.wait_sending("up", self.usual)
        self.wait_sending("down", self.usual)

    def test_choice_outlives_the_peer(self):
        """A concentrator that starts anew is told the wish anew."""
        self.choose("gw", "roundrobin", "order", "fifo")
        self.aggd.stop_one("vps")
        self.aggd.start_concentrator()
        self.aggd.wait_ready()
        self.wait_sending("down", all_by("roundrobin", order="fifo"))

    def test_bytes_sent_again_are_counted_by_reason(self):
        def again():
            return self.aggd.status("status", "vps")["sessions"][0]["again_bytes"]

        self.choose("gw", "ecf", "reinjection", "suspect")
        self.wait_sending("down", {"reinjection": "suspect"})
        before, dsl = again(), self.lab.link("dsl")
        self.addCleanup(self.aggd.wait_ready)
        self.addCleanup(dsl.restore)
        with self.flow():
            time.sleep(BETWEEN_S)
            dsl.cut()
            self.wait(lambda: again()["suspect"] > before["suspect"], case.USED_TIMEOUT_S,
                      lambda: f"bytes of the cut link are sent again: {again()}")
            after = again()
            self.assertEqual([after[k] - before[k] for k in ("tail", "deadline")], [0, 0])
            self.assertIn(" suspect", self.aggd.ctl("vps", "status").stdout)

    # -- what is refused

    def test_bad_names_are_refused_with_the_list(self):
        before = self.both("up") + self.both("down")
        for role in ("gw", "vps"):
            for words, kind in ((("fastest",), "scheduler"), (("ecf", "order", "x"), "order"),
                                (("ecf", "reinjection", "x"), "reinjection")):
                said = self.refused(role, *words)
                self.assertIn("allowed: ", said)
                for name in self.names(kind):
                    self.assertIn(name, said)
            self.assertIn("interactive, bulk", self.refused(role, "ecf", "--class", "games"))
        self.assertIn("did you mean 'lowrtt'?", self.refused("gw", "lowrt"))
        self.assertEqual(self.both("up") + self.both("down"), before)

    def test_bad_names_in_the_file(self):
        good = self.aggd.read("gw.conf")
        role = "option role 'gateway'"
        for key, kind in (("scheduler", "scheduler"), ("order", "order"),
                          ("reinjection", "reinjection")):
            with self.subTest(key):
                self.aggd.write("bad.conf", good.replace(role, f"{role}\n\toption {key} 'x'", 1))
                done = self.lab.gw.run(["aggd", "-t", "-c", self.aggd.path("bad.conf")],
                                       check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("bad.conf:3:", done.stderr)
                for name in self.names(kind):
                    self.assertIn(name, done.stderr)


class Classes(Chosen):
    """Streams are of a class by what they do, by their port, by their mark."""

    def setUp(self):
        self.server = case.listen(self.lab.srv, OTHER_PORT)
        self.addCleanup(self.server.close)

    def client(self, address=SRV4, port=OTHER_PORT, dscp=None, proxy=False):
        """A connection whose packets are marked from the first."""
        v6 = ":" in address and not proxy
        with self.lab.lan.inside():
            sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
        self.addCleanup(sock.close)
        sock.settimeout(case.IO_TIMEOUT_S)
        if dscp is not None and v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        elif dscp is not None:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
        if proxy:
            host, _, proxy_port = self.aggd.socks.rpartition(":")
            sock.connect((host, int(proxy_port)))
            sock.sendall(b"\x05\x01\x00\x05\x01\x00" + case.socks_destination(address) +
                         struct.pack(">H", port))
            case.receive(sock, 2 + 10)
        else:
            sock.connect((address, port))
        return sock

    def class_of(self, sock, role):
        host, port = sock.getsockname()[:2]
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        streams = self.aggd.status("streams", role)["streams"]
        return next((s["class"] for s in streams if s["client"] == name), None)

    def wait_class(self, sock, role, want):
        self.wait(lambda: self.class_of(sock, role) == want, APPLIED_S,
                  lambda: f"{want} on {role}: {self.class_of(sock, role)}")

    def assert_class(self, sock, want):
        """On both ends, soon."""
        self.wait(lambda: {self.class_of(sock, role) for role in ("gw", "vps")} == {want},
                  APPLIED_S, lambda: f"{want}: " + str([self.class_of(sock, role)
                                                        for role in ("gw", "vps")]))

    def test_by_port(self):
        self.aggd.more = {"gw": f"config class 'bulk'\n\tlist port '{OTHER_PORT}'\n"
                                f"config class 'interactive'\n\tlist port '{case.FLOW_PORT}'\n"}
        unlisted = self.client()
        self.wait(lambda: self.class_of(unlisted, "gw"), APPLIED_S, "it is taken")
        self.reload("gw")
        self.assert_class(unlisted, "interactive")   # as it was when it came
        for address in (SRV4, SRV6):
            self.assert_class(self.client(address), "bulk")
        self.assert_class(self.client(proxy=True), "bulk")
        sock = case.connect(self.lab.lan, SRV4, case.FLOW_PORT)
        with self.flow(sock=sock) as down:
            self.wait(lambda: down.count > 4_000_000, case.USED_TIMEOUT_S, "a large burst")
            self.assert_class(sock, "interactive")

    def test_by_mark(self):
        self.aggd.more = {"gw": "config class 'bulk'\n\tlist dscp 'LE'\n"
                                f"\tlist port '{OTHER_PORT}'\n"
                                "config class 'interactive'\n\tlist dscp 'EF'\n"}
        self.reload("gw")
        for address, proxy in ((SRV4, False), (SRV6, False), (SRV4, True)):
            with self.subTest(address, proxy=proxy):
                self.assert_class(self.client(address, dscp=LE, proxy=proxy), "bulk")
                self.assert_class(self.client(address, dscp=EF, proxy=proxy), "interactive")
                self.assert_class(self.client(address, proxy=proxy), "bulk")
                self.assert_class(self.client(address, case.FLOW_PORT, proxy=proxy),
                                  "interactive")

    def test_by_burst(self):
        """Each side by what it sends; `after` of its own."""
        sock = case.connect(self.lab.lan, SRV4, case.FLOW_PORT)
        with self.flow(sock=sock) as down:
            self.wait(lambda: down.count > 4_000_000, case.USED_TIMEOUT_S, "a large burst")
            self.wait_class(sock, "vps", "bulk")
            self.wait_class(sock, "gw", "interactive")
        self.aggd.more = {"vps": "config class 'bulk'\n\toption after '1GiB'\n"}
        self.reload("vps")
        sock = case.connect(self.lab.lan, SRV4, case.FLOW_PORT)
        with self.flow(sock=sock) as down:
            self.wait(lambda: down.count > 4_000_000, case.USED_TIMEOUT_S, "a large burst")
            self.wait_class(sock, "vps", "interactive")

    def test_class_sections_choose_schedulers(self):
        self.aggd.more = {"gw": "config class 'interactive'\n\toption scheduler 'lowrtt'\n"}
        with self.flow(), self.flow("up"):
            self.reload("gw")
            want = {"interactive": "lowrtt", "bulk": self.usual["bulk"]}
            self.wait_sending("up", want)
            self.wait_sending("down", want)
            self.aggd.more["vps"] = "config class 'bulk'\n\toption scheduler 'roundrobin'\n"
            self.reload("vps")
            self.wait_sending("down", {"interactive": "lowrtt", "bulk": "roundrobin"})
            self.wait_sending("up", want)


if __name__ == "__main__":
    unittest.main()
