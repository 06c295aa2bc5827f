#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Programs of others through the packet tunnel, as they are: who measures, who asks for
names, a call, VPNs, a browser by QUIC; protocols without ports; what routers say; NAT; and
a flood from outside.

    lan (clients) -- gw [agg-tun] ==S1== isp -- vps [agg-home, NAT] -- srv (servers)
"""
import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import quic  # noqa: E402
from case import VPS_SEEN4, WWW, connect, listen, receive_all  # noqa: E402
from lab import LAN4, SRV4, SRV6, VPS4  # noqa: E402
from test_tunnel import ECHO_PORT, LOOKS_S, SOON_S, TunnelTest, seen_by_srv, udp  # noqa: E402

PROGRAM_S = 90          # no program takes longer
SECONDS = 2             # of those that run so long
MUCH = 0.3              # of what is sent arrives, though a machine stand still: what
                        # waits too long is dropped; figures are measured elsewhere
VPN_PORT, FILE_PORT, OTHER_PORT, CLOSED_PORT = 1194, 7100, 10, 4445
FILE_BYTES = 12 << 20
KERNEL_S, IDLE_S = 2, 5  # how long the kernel would remember UDP; longer than that
GRE, ESP, SCTP = 47, 50, 132
FLOOD_S = 3
FLOOD_LEAST = 20_000
FLOOD_RATE, FLOOD_KEEPS = 1_000_000, 0.9
FLOOD_MB = 6            # that the concentrator may grow by
SOUNDS, SOUND_PACKETS = "/usr/share/sip-tester", 30  # of RTP, and as many come back
WORD = "a page of srv's"

ECHO_WITH_PORT = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", {OTHER_PORT}))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data[:8] + str(peer[1]).encode(), peer)
"""

CHARON = """
charon-systemd {{
  load = random nonce aes sha1 sha2 hmac kdf gmp kernel-libipsec kernel-netlink socket-default vici
  plugins {{
    vici {{
      socket = {vici}
    }}
  }}
}}
"""
SWANCTL = """
connections {{
  vpn {{
    {peer}
    proposals = aes128-sha256-modp2048
    local {{
      auth = psk
    }}
    remote {{
      auth = psk
    }}
    children {{
      net {{
        local_ts = {own}/32
        remote_ts = {other}/32
        esp_proposals = aes128-sha256
      }}
    }}
  }}
}}
secrets {{
  ike {{
    secret = of-a-test
  }}
}}
"""


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp(sport, dport, tag, kind):
    """INIT or INIT ACK (RFC 9260), without parameters but the cookie."""
    cookie = b"\0\x07\0\x08cook" if kind == 2 else b""
    chunk = struct.pack(">BBHIIHHI", kind, 0, 20 + len(cookie), 77, 65536, 1, 1, 1) + cookie
    head = struct.pack(">HHI", sport, dport, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


class Inner(TunnelTest):
    @classmethod
    def prepare(cls):
        cls.start_dns()

    def program(self, *words, node=None, ok=(0,)):
        """What it says; it ends well."""
        done = (node or self.lab.lan).run(list(words), timeout=PROGRAM_S, check=False)
        self.assertIn(done.returncode, ok, done.stdout[-800:] + done.stderr[-800:])
        return done.stdout

    def serve(self, *words, port, log):
        """A server on srv, that is there."""
        process = self.lab.srv.spawn(list(words), log=log)
        self.addCleanup(self.lab.kill, process)
        self.wait(lambda: self.lab.srv.run(["ss", "-Hlun", f"sport = :{port}"]).stdout, SOON_S,
                  lambda: f"{words[0]}: " + self.aggd.read(log))

    def wait_much(self, look, what):
        """Much arrives, of which look() gives the part; else it looks again."""
        got = []

        def much():
            got.append(look())
            return got[-1] >= MUCH

        self.wait(much, LOOKS_S, lambda: f"{what}: {got}")

    # Measuring

    def test_iperf3(self):
        server = self.lab.srv.spawn(["iperf3", "-s"], log="iperf3.log")
        self.addCleanup(self.lab.kill, server)
        self.lab.srv.wait_listening(5201)
        for way in ((), ("-R",)):
            def part(way=way):
                out = json.loads(self.program("iperf3", "-J", "-u", "-b", "5M", "-l", 1200, "-t",
                                              SECONDS, *way, "-c", SRV4))
                return 1 - out["end"]["sum"]["lost_percent"] / 100
            self.wait_much(part, f"iperf3 {way}")

    def test_irtt(self):
        self.serve("irtt", "server", "-b", f"{SRV4}:2112", port=2112, log="irtt.log")

        def part():
            out = self.program("irtt", "client", "-Q", "-i", "20ms", "-l", "160", "-d",
                               f"{SECONDS}s", "-o", "-", f"{SRV4}:2112")
            stats = json.loads(out)["stats"]
            return stats["packets_received"] / stats["packets_sent"]

        self.wait_much(part, "irtt")

    def test_dnsperf(self):
        """Each question is a flow of its own."""
        self.aggd.write("names", f"{WWW} A\n{WWW} AAAA\n")

        def part():
            out = self.program("dnsperf", "-s", SRV4, "-d", self.aggd.path("names"), "-l",
                               SECONDS, "-Q", 500, "-c", 20, "-t", 2)
            return float(re.search(r"Queries completed:.*\(([\d.]+)%\)", out)[1]) / 100

        self.wait_much(part, "dnsperf")

    def test_ways_are_traced(self):
        """Every hop says who it is, of both families."""
        for family, address, first in ((4, SRV4, "192.168.100.1"), (6, SRV6, "2001:db8:100::1")):
            for how in ((), ("-I",)):
                def hops(address=address, how=how, family=family):
                    out = self.program("traceroute", f"-{family}", "-n", "-q", "2", "-w", "2",
                                       "-m", "6", *how, address)
                    return [line.split()[1] for line in out.splitlines()[1:]]

                self.wait(lambda first=first, hops=hops, address=address:
                          self.is_way(hops(), first, address), LOOKS_S,
                          lambda hops=hops: f"each hop: {hops()}")

        def reached():
            out = self.program("tracepath", "-n", "-m", "6", SRV4, ok=(0, 1))
            # Less than on the LAN, more than the least.
            return "pmtu 14" in out and "reached" in out

        self.wait(reached, LOOKS_S, "the end of the path, and what fits through it")

    @staticmethod
    def is_way(hops, first, last):
        return len(hops) == 3 and hops[0] == first and hops[2] == last and hops[1] != "*"

    def test_errors_find_who_asked(self):
        """A port where nobody is: the kernel of the host that sent there is told."""
        for family, address in ((4, SRV4), (6, SRV6)):
            with udp(self.lab.lan, family) as sock:
                sock.settimeout(0.5)
                sock.connect((address, CLOSED_PORT))

                def refused(sock=sock):
                    with contextlib.suppress(TimeoutError):
                        try:
                            sock.send(b"anybody?")
                            sock.recv(100)
                        except ConnectionRefusedError:
                            return True
                    return False

                self.wait(refused, SOON_S, f"it is refused by IPv{family}")

    # NAT

    def test_a_mapping_is_stable(self):
        """The same port for two who are asked, and for one that answers when the kernel
        would have forgotten who asked."""
        self.lab.vps.sysctl({"net.netfilter.nf_conntrack_udp_timeout": KERNEL_S,
                             "net.netfilter.nf_conntrack_udp_timeout_stream": KERNEL_S})
        other = self.lab.srv.spawn(["python3", "-c", ECHO_WITH_PORT])
        self.addCleanup(self.lab.kill, other)
        with self.lab.srv.inside():
            late = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(late.close)
        late.bind(("", 0))
        late.settimeout(1)
        late_at = (SRV4, late.getsockname()[1])
        with udp(self.lab.lan) as sock:
            sock.bind((LAN4, 0))
            port = sock.getsockname()[1]
            peer = self.wait(lambda: self.heard(sock, late, late_at), SOON_S, "it is heard")
            self.assertEqual(peer, (VPS_SEEN4, port))
            self.wait(lambda: self.port_seen(sock) == port, SOON_S, "the same for another")
            time.sleep(IDLE_S)
            self.wait(lambda: self.is_late(sock, late, peer), SOON_S, "it is let in")

    @staticmethod
    def is_late(sock, late, peer):
        late.sendto(b"late", peer)
        with contextlib.suppress(TimeoutError):
            while sock.recv(100) != b"late":
                pass
            return True
        return False

    @staticmethod
    def heard(sock, late, at):
        sock.sendto(b"hello", at)
        with contextlib.suppress(TimeoutError):
            return late.recvfrom(100)[1]
        return None

    @staticmethod
    def port_seen(sock):
        """Of an answer of before nothing is waited for."""
        mark = os.urandom(8)
        sock.sendto(mark, (SRV4, OTHER_PORT))
        with contextlib.suppress(TimeoutError):
            while True:
                data = sock.recv(100)
                if data[:8] == mark:
                    return int(data[8:])
        return None

    # Protocols without ports, or with their own

    def test_other_protocols(self):
        """IPsec's ESP, GRE and SCTP, there and back."""
        for protocol, ask, answer in (
                (ESP, struct.pack(">II", 0x1234, 1) + bytes(40),
                 struct.pack(">II", 0x4321, 1) + bytes(40)),
                (GRE, struct.pack(">HH", 0, 0x0800) + bytes(40),
                 struct.pack(">HH", 0, 0x0800) + bytes(60)),
                (SCTP, sctp(5000, 5001, 0, 1), sctp(5001, 5000, 77, 2))):
            ends = [udp(node, 4, socket.SOCK_RAW, protocol)
                    for node in (self.lab.lan, self.lab.srv)]
            for sock in ends:
                self.addCleanup(sock.close)
                sock.settimeout(0.5)

            def there_and_back(ends=ends, ask=ask, answer=answer):
                with contextlib.suppress(TimeoutError):
                    ends[0].sendto(ask, (SRV4, 0))
                    data, peer = ends[1].recvfrom(200)
                    if data[20:] != ask or peer[0] != VPS_SEEN4:
                        return False
                    ends[1].sendto(answer, peer)
                    data, peer = ends[0].recvfrom(200)
                    return data[20:] == answer and peer[0] == SRV4
                return False

            self.wait(there_and_back, SOON_S, f"protocol {protocol}")

    # A call, a browser

    def test_sipp(self):
        """A call with sound, which comes back."""
        self.serve("sipp", "-sn", "uas", "-i", SRV4, "-p", 5060, "-rtp_echo", "-nostdin",
                   port=5060, log="sipp.log")

        text = self.lab.lan.run(["sipp", "-sd", "uac_pcap"], check=False).stdout
        text = text.replace("pcap/", SOUNDS + "/").replace('"8000"', '"1500"')
        self.aggd.write("call.xml", text)

        def call():
            before = self.tunnel("gw")
            done = self.lab.lan.run(["sipp", "-sf", self.aggd.path("call.xml"), "-i", LAN4, "-p",
                                     5061, "-m", 1, "-nostdin", "-timeout", "20s",
                                     f"{SRV4}:5060"], timeout=PROGRAM_S, check=False)
            return done.returncode == 0 and self.grew(before, SOUND_PACKETS)

        self.wait(call, LOOKS_S, lambda: "a call: " + self.aggd.read("sipp.log")[-500:])

    def grew(self, before, packets):
        """What is shown may be a second old."""
        time.sleep(1.1)
        now = self.tunnel("gw")
        return all(now[way] - before[way] >= packets for way in ("down_packets", "up_packets"))

    def test_chromium_by_quic(self):
        """There is no TCP server: what it shows came by QUIC."""
        server = quic.Server(self.lab)
        self.addCleanup(server.stop)
        server.put("page.html", f"<p>{WORD}</p>".encode())
        key = subprocess.run(["openssl", "x509", "-in", self.aggd.path(f"quic-{quic.PORT}.crt"),
                              "-noout", "-pubkey"], check=True, capture_output=True).stdout
        key = base64.b64encode(hashlib.sha256(base64.b64decode(
            b"".join(key.splitlines()[1:-1]))).digest()).decode()
        words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={self.aggd.path('browser')}",
                 f"--origin-to-force-quic-on={SRV4}:{quic.PORT}",
                 f"--ignore-certificate-errors-spki-list={key}", "--dump-dom",
                 f"https://{SRV4}:{quic.PORT}/page.html"]
        self.wait(lambda: WORD in self.lab.lan.run(words, timeout=PROGRAM_S, check=False).stdout,
                  LOOKS_S, lambda: "the page: " + self.aggd.read(f"quic-{quic.PORT}.log")[-500:])

    # VPNs inside

    def carry_a_file(self, address):
        """Through what is inside, exact, while one uplink falls silent and comes back."""
        body = random.Random(3).randbytes(FILE_BYTES)
        with listen(self.lab.srv, FILE_PORT) as server:
            threading.Thread(target=self.give, args=(server, body), daemon=True).start()
            with connect(self.lab.lan, address, FILE_PORT, PROGRAM_S) as sock:
                first = sock.recv(1)
                self.lab.link("dsl").cut()
                timer = threading.Timer(2, self.lab.link("dsl").restore)
                timer.start()
                try:
                    self.assertTrue(first + receive_all(sock) == body, "other bytes came")
                finally:
                    timer.join()

    @staticmethod
    def give(server, body):
        with contextlib.suppress(OSError):
            sock, _ = server.accept()
            with sock:
                sock.settimeout(PROGRAM_S)
                sock.sendall(body)

    def wait_inside(self, address, log):
        self.wait(lambda: self.pings("-c", "1", address) == 1, SOON_S,
                  lambda: f"{address}: " + self.aggd.read(log))

    def test_openvpn(self):
        key = self.aggd.path("openvpn.key")
        subprocess.run(["openvpn", "--genkey", "secret", key], check=True, capture_output=True)
        for node, words in ((self.lab.srv, ("10.66.0.1", "10.66.0.2", "--lport", VPN_PORT)),
                            (self.lab.lan, ("10.66.0.2", "10.66.0.1", "--remote", SRV4,
                                            VPN_PORT, "--nobind"))):
            process = node.spawn(["openvpn", "--dev", "ovpn", "--dev-type", "tun", "--proto",
                                  "udp", "--secret", key, "--cipher", "AES-256-CBC",
                                  "--ifconfig", *words], log="openvpn.log")
            self.addCleanup(self.lab.kill, process)
        self.wait_inside("10.66.0.1", "openvpn.log")
        self.carry_a_file("10.66.0.1")

    def test_wireguard(self):
        """In user space, as it is where a kernel has none."""
        ends, keys = (self.lab.srv, self.lab.lan), []
        for i, node in enumerate(ends):
            keys.append(node.run(["wg", "genkey"]).stdout.strip())
            self.aggd.write(f"wg{i}.key", keys[-1])
            process = node.spawn(["wireguard-go", "-f", f"aggdwg{i}"], log="wireguard.log")
            self.addCleanup(self.lab.kill, process)
        pins = [ends[0].run(["wg", "pubkey"], stdin=k + "\n").stdout.strip() for k in keys]
        for i, node in enumerate(ends):
            device = f"aggdwg{i}"
            self.wait(lambda node=node, device=device:
                      not node.run(["wg", "show", device], check=False).returncode, SOON_S,
                      lambda: "wireguard-go: " + self.aggd.read("wireguard.log"))
            more = ["endpoint", f"{SRV4}:51820", "persistent-keepalive", 5] if i else []
            port = [] if i else ["listen-port", 51820]
            node.run(["wg", "set", device, "private-key", self.aggd.path(f"wg{i}.key"), *port,
                      "peer", pins[1 - i], "allowed-ips", "10.67.0.0/24", *more])
            node.ip(f"addr add 10.67.0.{i + 1}/24 dev {device}", f"link set {device} up")
        self.wait_inside("10.67.0.1", "wireguard.log")
        self.carry_a_file("10.67.0.1")

    def test_strongswan(self):
        """IKEv2, and ESP in UDP, in user space: this kernel has none."""
        # AppArmor, where it is, knows them by their paths, and lets them read /etc alone.
        for name in ("charon-systemd", "swanctl"):
            shutil.copy(f"/usr/sbin/{name}", self.aggd.path(name))
        charon, swanctl = self.aggd.path("charon-systemd"), self.aggd.path("swanctl")
        ends = ((self.lab.srv, "10.68.0.1", "10.68.0.2", "remote_addrs = %any"),
                (self.lab.lan, "10.68.0.2", "10.68.0.1", f"remote_addrs = {SRV4}"))
        for i, (node, own, other, peer) in enumerate(ends):
            vici = f"unix://{self.aggd.path(f'ike{i}.vici')}"
            self.aggd.write(f"ike{i}.conf", CHARON.format(vici=vici))
            self.aggd.write(f"ike{i}.swanctl", SWANCTL.format(peer=peer, own=own, other=other))
            node.ip(f"addr add {own}/32 dev lo")
            self.addCleanup(node.ip, f"addr del {own}/32 dev lo")
            process = node.spawn([charon], log="strongswan.log", env=dict(
                os.environ, STRONGSWAN_CONF=self.aggd.path(f"ike{i}.conf")))
            self.addCleanup(self.lab.kill, process)
            self.wait(lambda node=node, i=i, vici=vici: not node.run(
                [swanctl, "--load-all", "--uri", vici, "--file",
                 self.aggd.path(f"ike{i}.swanctl")], check=False).returncode, SOON_S,
                      lambda: "charon: " + self.aggd.read("strongswan.log")[-800:])
        self.wait(lambda: not self.lab.lan.run([swanctl, "--initiate", "--child", "net", "--uri",
                                                vici], check=False).returncode, LOOKS_S,
                  lambda: "the tunnel inside: " + self.aggd.read("strongswan.log")[-800:])
        self.wait_inside("10.68.0.1", "strongswan.log")
        self.carry_a_file("10.68.0.1")

    # From outside

    def test_a_flood_of_random_datagrams(self):
        """None is answered, the tunnel goes on, and it costs no memory."""
        self.wait_up()
        before = self.aggd.rss_mb("vps")
        flood = self.flood(FLOOD_S)
        answered = 0
        while flood.poll() is None:
            answered += seen_by_srv(self.lab.lan, patience=0.2) == VPS_SEEN4
        sent, heard = map(int, flood.communicate()[0].split())
        self.assertGreater(sent, FLOOD_LEAST)
        self.assertEqual(heard, 0)
        self.wait_up()
        self.assertLess(self.aggd.rss_mb("vps") - before, FLOOD_MB)
        self.note = f"{sent / FLOOD_S / 1000:.0f} k/s, {answered} echoes meanwhile"

    def flood(self, *words):
        process = self.lab.isp.spawn(["flood", VPS4, 443, *words], stdout=subprocess.PIPE,
                                     text=True)
        self.addCleanup(self.lab.kill, process)
        return process

    def test_a_flood_takes_little(self):
        """What comes while a million a second do, beside what comes else. Looked at again
        where the machine had no time."""
        self.lab.srv.spawn(["iperf3", "-s", "-p", 5202])
        self.lab.srv.wait_listening(5202)
        for way in ((), ("-R",)):
            def part(way=way):
                flood = self.flood(SECONDS + 1, FLOOD_RATE)
                out = json.loads(self.program("iperf3", "-J", "-u", "-b", "10M", "-l", 1200, "-t",
                                              SECONDS, *way, "-p", 5202, "-c", SRV4))
                flood.wait()
                return 1 - out["end"]["sum"]["lost_percent"] / 100
            self.wait(lambda part=part: part() >= FLOOD_KEEPS, LOOKS_S, f"iperf3 {way}, in a flood")


if __name__ == "__main__":
    unittest.main()
