#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The gateway's side towards its LAN: what others do to our table, who comes
second, what comes late, and who is not of the LAN.

    lan (clients) -- gw ==S2== isp -- vps -- srv
"""
import contextlib
import os
import select
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aggd import SOCKS_ADDRESS  # noqa: E402
from case import (DIRECT4, FLOW_PORT, AggdTest, accept, connect, listen, receive,  # noqa: E402
                  socks_connect)
from lab import LAN4, SRV4, SRV6, VPS4, VPS6, LabError  # noqa: E402

SSH_PORT = 22
OTHER4 = "192.168.100.66"
MANY, FEW = 180, 20

SOON_S = 20         # "within a second", on a slow machine
STRUGGLE_S = 6      # of somebody who removes our table whenever it is there
SEEN_S = 20         # more of it, until it is seen
NFT_S = 3           # that a slow nft takes; at 5 it is killed


class LanSide(AggdTest):
    scenario = "S2"

    def nft(self, command):
        self.lab.gw.run(["nft", *command.split()])

    def interception(self):
        return self.aggd.status()["sessions"][0]["interception"]

    def wait_in_force(self):
        self.wait(lambda: self.aggd.is_taking("ip", "ip6") and
                  self.interception()["state"] == "in force", SOON_S,
                  lambda: f"the table is there: {self.interception()}\n{self.aggd.ruleset()}")

    def told(self, words):
        return self.aggd.read("gw.log").count(words)

    # -- what others do to our table

    def test_removed_table_comes_again(self):
        for command in ("flush ruleset", "delete table inet aggd", "flush table inet aggd",
                        "flush chain inet aggd lan", "flush set inet aggd connected4"):
            told = self.told("removed or changed by somebody")
            with self.subTest(command), self.flow():
                before = self.aggd.ruleset()
                self.nft(command)
                self.wait(lambda: self.aggd.ruleset() == before, SOON_S,
                          lambda: f"put again after {command}: {self.aggd.ruleset()}")
                self.assertNotIn(self.who(), DIRECT4)
            self.assertLessEqual(self.told("removed or changed by somebody") - told, 1)
        self.assertIn("removed or changed by somebody", self.aggd.read("gw.log"))
        self.wait_in_force()

    def test_tables_of_others_are_left_alone(self):
        before = self.told("interception: ")
        self.nft("add table inet other")
        self.nft("add chain inet other c")
        self.nft("add rule inet other c accept")
        self.nft("add table ip aggd")
        self.nft("delete table inet other")
        self.nft("delete table ip aggd")
        time.sleep(1)
        self.assertEqual(self.told("interception: "), before)
        self.assertEqual(self.interception()["state"], "in force")

    def test_struggle_is_bounded_and_told(self):
        """Somebody removes it whenever it is there."""
        lines, removed, states = self.told("interception"), 0, set()
        start = time.monotonic()
        while ((took := time.monotonic() - start) < STRUGGLE_S or
               "broken" not in states and took < STRUGGLE_S + SEEN_S):
            with contextlib.suppress(LabError):
                self.nft("delete table inet aggd")
                removed += 1
            states.add(self.interception()["state"])
        self.assertLess(removed, 3 * took)
        self.assertLessEqual(self.told("interception") - lines, 1)
        self.assertIn("broken", states)
        self.wait_in_force()

    # -- nft that fails, or takes its time

    @contextlib.contextmanager
    def other_nft(self, script):
        """The gateway with another program in nft's place. It stands in PATH
        only while the file is there."""
        folder = self.aggd.path("bin")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "nft")

        def put():
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + script + "\n")
            os.chmod(path, 0o755)

        self.aggd.stop_one("gw")
        before = os.environ["PATH"]
        os.environ["PATH"] = folder + ":" + before
        try:
            self.aggd.start_gateway()
        finally:
            os.environ["PATH"] = before
        self.aggd.wait_ready()
        put()
        try:
            yield lambda: os.unlink(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def test_failed_load_is_not_in_force_and_tried_again(self):
        with self.other_nft("echo 'Error: no memory today' >&2; exit 1") as mend:
            self.nft("delete table inet aggd")
            self.wait(lambda: "no memory" in (self.interception()["why"] or "") and
                      self.interception()["state"] == "broken", SOON_S, self.interception)
            self.assertEqual(self.told("no memory today"), 1)
            mend()
            self.wait_in_force()
        self.assertNotIn(self.who(), DIRECT4)

    def test_slow_nft_stops_nobody(self):
        with self.other_nft(f"sleep {NFT_S}; exec /usr/sbin/nft \"$@\"") as _:
            with self.flow() as flow:
                self.nft("delete table inet aggd")
                start = time.monotonic()
                self.wait_in_force()
                took = time.monotonic() - start
            self.assertGreater(took, NFT_S - 1)
            self.assertLess(flow.gap_s, NFT_S * 0.9)  # whoever waited for nft stood still so long
            self.note = f"gap {flow.gap_s * 1000:.0f} ms in {took:.1f} s"

    def test_hanging_nft_holds_up_the_end_once(self):
        with self.other_nft("exec sleep 60"):
            self.nft("delete table inet aggd")
            start = time.monotonic()
            self.assertEqual(self.aggd.stop_one("gw"), 0)
            self.assertLess(time.monotonic() - start, 10)  # it is given 5 s
        self.aggd.start_gateway()
        self.aggd.wait_ready()

    # -- what comes late, or not at all

    def waits_for(self):
        return self.aggd.status().get("waits_for", "")

    def reload_with(self, **fields):
        """What aggctl reload says of a file with these fields of Aggd."""
        before = {name: getattr(self.aggd, name) for name in fields}
        vars(self.aggd).update(fields)
        self.aggd.write_configs()
        vars(self.aggd).update(before)
        done = self.aggd.ctl("gw", "reload", check=False)
        self.aggd.write_configs()
        return done

    def test_starts_without_its_lan_and_serves_it_when_it_comes(self):
        gw = self.lab.gw
        self.aggd.stop_one("gw")
        gw.ip("link set lan0 name away0", f"addr flush dev away0 scope global",
              "link set away0 down")
        self.aggd.start_gateway()
        self.wait(lambda: "LAN device lan0" in self.waits_for() and
                  SOCKS_ADDRESS in self.waits_for(), SOON_S, self.waits_for)
        gw.ip("link set away0 name lan0", "link set lan0 up",
              "addr add 192.168.100.1/24 dev lan0",
              "-6 addr add 2001:db8:100::1/64 dev lan0 nodad")
        self.aggd.wait_ready()
        self.wait(lambda: not self.waits_for(), SOON_S, self.waits_for)
        self.assertNotIn(self.who(), DIRECT4)
        self.assertEqual(self.socks_code(SRV4), 0)

    def test_starts_without_an_uplinks_device(self):
        i, uplink = 2, self.lab.uplinks[1]
        self.aggd.stop_one("gw")
        self.lab.gw.ip(f"link set {uplink.device} netns {self.lab.lan.ns}")
        self.aggd.start_gateway()
        self.wait_state(uplink.name, "down", SOON_S)
        self.wait(lambda: "no such device" in (self.aggd.uplinks()[uplink.name]["why"] or ""),
                  SOON_S, lambda: self.aggd.uplinks()[uplink.name])
        self.wait_in_force()
        self.assertNotIn(self.who(), DIRECT4)
        self.lab.lan.ip(f"link set {uplink.device} netns {self.lab.gw.ns}")
        self.lab.start_uplink_end(self.lab.gw, i, uplink.device, 2, 1)
        self.lab.add_default(i, uplink)
        self.aggd.wait_ready()

    def stop_tproxy(self):
        conf = self.aggd.read("gw.conf")
        self.aggd.write("gw.conf", conf.replace("tproxy '1'", "tproxy '0'\n\toption tunnel '0'"))
        self.aggd.ctl("gw", "reload")
        self.wait(lambda: not self.aggd.ruleset(), SOON_S, "the table is gone")

    def test_tproxy_comes_and_goes_by_reload(self):
        self.stop_tproxy()
        self.wait(lambda: "interception" not in self.aggd.ctl("gw", "status").stdout, SOON_S,
                  "it is not spoken of")
        self.assertEqual(self.reload_with().returncode, 0)
        self.wait_in_force()
        self.assertNotIn(self.who(), DIRECT4)

    def test_port_of_tproxy_is_taken_for_ipv6(self):
        """Another program has it at ::1: IPv6 is refused, not led to nowhere."""
        self.stop_tproxy()
        with self.every_port_of_loopback6():
            self.reload_with()
            self.wait(lambda: "TPROXY for IPv6" in self.waits_for(), SOON_S, self.waits_for)
            self.wait(lambda: self.aggd.is_taking("ip"), SOON_S, self.aggd.ruleset)
            self.assertFalse(self.aggd.is_taking("ip6"))
            self.assertNotIn(self.who(), DIRECT4)
            with self.assertRaises(ConnectionRefusedError):
                self.connect(SRV6)
        self.wait_in_force()
        self.wait(lambda: not self.waits_for(), SOON_S, self.waits_for)

    @contextlib.contextmanager
    def every_port_of_loopback6(self):
        """The kernel may choose one port only, and that is taken."""
        name = "net.ipv4.ip_local_port_range"
        before = self.lab.gw.run(["sysctl", "-n", name]).stdout.strip()
        with self.lab.gw.inside():
            taken = socket.create_server(("::1", 61000), family=socket.AF_INET6)
        self.lab.gw.sysctl({name: "61000 61000"})
        try:
            yield
        finally:
            taken.close()
            self.lab.gw.sysctl({name: before})

    def test_socks5_moves_to_an_address_that_comes_later(self):
        with self.flow():
            done = self.reload_with(socks="192.168.100.77:1090")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.wait(lambda: "192.168.100.77:1090" in self.waits_for(), SOON_S, self.waits_for)
            self.lab.gw.ip("addr add 192.168.100.77/24 dev lan0")
            self.wait(lambda: not self.waits_for(), SOON_S, self.waits_for)
            code, sock = socks_connect(self.lab.lan, "192.168.100.77:1090", SRV4, FLOW_PORT)
            sock.close()
            self.assertEqual(code, 0)
            self.lab.gw.ip("addr del 192.168.100.77/24 dev lan0")
            self.assertEqual(self.reload_with(socks=SOCKS_ADDRESS).returncode, 0)
            self.assertEqual(self.socks_code(SRV4), 0)

    def test_reload_that_cannot_changes_nothing_and_says_what(self):
        taken = listen(self.lab.gw, 1099)
        self.addCleanup(taken.close)
        before = (self.aggd.ruleset(), list(self.aggd.uplinks()))
        with self.flow():
            for address in ("192.168.100.1:1099", "0.0.0.0:1099"):
                done = self.reload_with(socks=address, only=("dsl",), lan_options={
                    "socks5_user": "u", "socks5_password": "p"})
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"SOCKS5 at {address}", done.stdout + done.stderr)
                self.assertEqual((self.aggd.ruleset(), list(self.aggd.uplinks())), before)
                self.assertEqual(self.socks_code(SRV4), 0)
        taken.close()

    def test_socks5_port_in_use_at_start_is_tried_again(self):
        self.aggd.stop_one("gw")
        taken = listen(self.lab.gw, 1080)
        self.addCleanup(taken.close)
        self.aggd.start_gateway()
        self.aggd.wait_ready()
        self.wait(lambda: "in use" in self.waits_for(), SOON_S, self.waits_for)
        self.assertNotIn(self.who(), DIRECT4)
        taken.close()
        self.wait(lambda: not self.waits_for(), SOON_S, self.waits_for)
        self.assertEqual(self.socks_code(SRV4), 0)

    # -- who is not of the LAN

    def test_socks5_is_for_the_lan_alone(self):
        """A neighbour on an uplink's segment routes to the LAN's address; the
        host itself is no stranger."""
        up4, up6 = "10.11.0.2", "2001:db8:1::2"
        self.lab.isp.ip(f"route add 192.168.100.1/32 via {up4}")
        with self.assertRaises(OSError):
            socks_connect(self.lab.isp, SOCKS_ADDRESS, SRV4, FLOW_PORT)
        self.lab.isp.ip("route del 192.168.100.1/32")
        code, sock = socks_connect(self.lab.gw, SOCKS_ADDRESS, SRV4, FLOW_PORT)
        sock.close()
        self.assertEqual(code, 0)
        options = {"socks5_user": "u", "socks5_password": "p"}
        self.addCleanup(self.reload_with)
        self.assertEqual(self.reload_with(socks="[::]:1080", lan_options=options).returncode, 0)
        with self.assertRaises(OSError):
            sock = connect(self.lab.isp, up6, 1080)
            sock.sendall(b"\5\1\2")
            self.assertEqual(receive(sock, 2), b"")
        with connect(self.lab.lan, "2001:db8:100::1", 1080) as sock:
            sock.sendall(b"\5\1\2")
            self.assertEqual(receive(sock, 2), b"\5\2")
        self.assertEqual(self.told("no LAN device"), 1)

    # -- the concentrator's own address

    def test_lan_reaches_the_concentrator_itself(self):
        for address in (VPS4, VPS6):
            server = listen(self.lab.vps, SSH_PORT)
            try:
                with self.connect(address, SSH_PORT) as client:
                    got, peer = accept(server)
                    got.sendall(b"SSH")
                    self.assertEqual(receive(client, 3), b"SSH")
                    got.close()
            finally:
                server.close()
            self.assertNotIn(peer, (VPS4, VPS6))

    # -- who comes second

    def kernel_state(self):
        gw = self.lab.gw
        return (self.aggd.ruleset(), gw.run(["ip", "rule"]).stdout,
                gw.run(["ip", "route", "show", "table", "all"]).stdout)

    def test_second_daemon_changes_nothing(self):
        other = self.aggd.read("gw.conf").replace("gw.sock", "gw2.sock").replace(
            "192.168.100.1:1080", "192.168.100.1:1081")
        self.aggd.write("gw2.conf", other)
        with self.flow():
            before = self.kernel_state()
            for conf in ("gw.conf", "gw2.conf"):
                done = self.lab.gw.run(["aggd", "-c", self.aggd.path(conf)], check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"pid {self.aggd.gw_process.pid} ", done.stderr)
                self.assertIn(self.aggd.path("gw.conf"), done.stderr)
                self.assertEqual(self.kernel_state(), before)
            self.who()

class Share(AggdTest):
    """A gateway with few places: 225 for streams, of which its own descriptors
    take some."""

    options = {"under": {"gw": ["prlimit", "--nofile=300:300"]}}

    @classmethod
    def prepare(cls):
        cls.lab.lan.ip(f"addr add {OTHER4}/24 dev eth0")

    def open_idle(self, source, count, to=(SRV4, FLOW_PORT)):
        socks = []
        with self.lab.lan.inside():
            for _ in range(count):
                sock = socket.socket()
                self.addCleanup(sock.close)
                sock.bind((source, 0))
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sock.connect(to)
                socks.append(sock)
        return socks

    def test_one_host_leaves_places_for_others(self):
        """Nobody takes all, and who is refused is refused alone."""
        with self.flow():
            many = self.open_idle(LAN4, MANY)
            self.wait(lambda: self.told("LAN host") == 1, SOON_S, "it is told")
            few = self.open_idle(OTHER4, FEW)
            self.wait(lambda: self.streams(OTHER4) == FEW, SOON_S, "the other's are open")
            self.assertEqual(ended(few), 0)
            self.wait(lambda: self.streams(LAN4) + ended(many) == MANY + 1, SOON_S,
                      lambda: f"{self.streams(LAN4)} open, {ended(many)} refused")
            self.assertLess(self.streams(LAN4), 225 * 2 / 3)
            self.assertGreater(self.streams(LAN4), 225 / 4)
        self.assertEqual(self.told("LAN host"), 1)

    def test_one_host_in_handshakes_leaves_places_for_others(self):
        """Who connects to SOCKS5 and says nothing."""
        address, port = SOCKS_ADDRESS.split(":")
        many = self.open_idle(OTHER4, MANY, (address, int(port)))
        self.wait(lambda: ended(many), SOON_S, "some are turned away")
        self.assertLess(ended(many), MANY - 225 / 4)
        self.assertEqual(self.socks_code(SRV4), 0)
        for sock in many:
            sock.close()

    def streams(self, host):
        return sum(s["client"].startswith(host + ":")
                   for s in self.aggd.status("streams")["streams"])

    def told(self, words):
        return self.aggd.read("gw.log").count(words)


class Killed(AggdTest):
    """The gateway is killed under a download and an upload."""

    def test_cut_off_is_not_taken_for_whole(self):
        servers = listen(self.lab.srv, 7100)
        self.addCleanup(servers.close)
        clients = [self.connect(port=7100), self.socks(SRV4, 7100)[1]]
        ends = [accept(servers)[0] for _ in clients]
        for client, end in zip(clients, ends):
            end.sendall(b"half of it")
            self.assertEqual(receive(client, 10), b"half of it")
        self.aggd.gw_process.kill()
        for client in clients:
            with self.assertRaises(ConnectionResetError):
                client.recv(1)


def ended(socks):
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLIN)
    return sum(bool(events & (select.POLLIN | select.POLLHUP | select.POLLERR))
               for _, events in poll.poll(0))


if __name__ == "__main__":
    unittest.main()
