# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What the tests of aggd share: a running pair in a lab, plain sockets in any
host, a SOCKS5 client that tells the reply code, and flows that check every
byte for as long as a test wants them.

    class Cut(AggdTest):
        scenario = "S1"
        def test_a_cut(self):
            with self.flow() as flow:      # a download by TPROXY
                self.lab.link("dsl").cut()
                time.sleep(3)
            self.assertLess(flow.gap_s, 1)
"""
import contextlib
import functools
import random
import select
import socket
import struct
import sys
import threading
import time
import unittest

from aggd import SOCKS_ADDRESS, Aggd, wait_until
from lab import SRV4, SRV6, Lab

WWW = "www.lab.test"   # of start_dns()
FLOW_PORT = 7000
LOAD_PORT = 7777
CHUNK = 65536
BODY_LEN = 1_000_003   # of the flows' body, which repeats
USED_BYTES = 500_000   # of a download on an uplink: it is used
USED_TIMEOUT_S = 20
IO_TIMEOUT_S = 20      # no test waits longer for a byte
FLOW_TIMEOUT_S = 60    # but for a flow's, which may wait for an outage to end
TICK_S, STILL_S = 0.02, 0.1

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST

# How the server sees aggd, and whom the isp translates for.
VPS_SEEN4, VPS_SEEN6 = "198.51.100.1", "2001:db8:aa::1"
DIRECT4 = ("203.0.113.101", "203.0.113.102", "203.0.113.103")

# RFC 1928, section 6.
SOCKS_OK, SOCKS_FAILED, SOCKS_REFUSED_BY_RULES = 0, 1, 2
SOCKS_NET_UNREACHABLE, SOCKS_HOST_UNREACHABLE, SOCKS_REFUSED, SOCKS_EXPIRED = 3, 4, 5, 6


def connect(node, address, port, timeout=IO_TIMEOUT_S):
    """A connection from the host."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with node.inside():
        sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def listen(node, port):
    """A listener for both families in the host."""
    with node.inside():
        server = socket.create_server(("::", port), family=socket.AF_INET6,
                                      dualstack_ipv6=True, backlog=1024)
    server.settimeout(IO_TIMEOUT_S)
    return server


def accept(server):
    """The next connection and its peer's address as text."""
    sock, peer = server.accept()
    sock.settimeout(IO_TIMEOUT_S)
    return sock, peer[0].removeprefix("::ffff:")


def receive(sock, count):
    """Exactly so many bytes, or what came before the end."""
    data = bytearray()
    while len(data) < count:
        part = sock.recv(min(CHUNK, count - len(data)))
        if not part:
            break
        data += part
    return bytes(data)


def receive_all(sock):
    return receive(sock, sys.maxsize)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


def socks_destination(destination):
    for family, kind in ((socket.AF_INET, 1), (socket.AF_INET6, 4)):
        with contextlib.suppress(OSError):
            return bytes([kind]) + socket.inet_pton(family, destination)
    return bytes([3, len(destination)]) + destination.encode()


def socks_connect(node, proxy, destination, port, timeout=IO_TIMEOUT_S):
    """Asks the SOCKS5 proxy (RFC 1928): the reply's code and the socket."""
    address, _, proxy_port = proxy.rpartition(":")
    sock = connect(node, address, int(proxy_port), timeout)
    sock.sendall(b"\x05\x01\x00")
    if receive(sock, 2) != b"\x05\x00":
        raise AssertionError("the SOCKS5 server wants something else")
    sock.sendall(b"\x05\x01\x00" + socks_destination(destination) + struct.pack(">H", port))
    head = receive(sock, 4)
    receive(sock, (4 if head[3] == 1 else 16) + 2)
    return head[1], sock


class FlowServer:
    """Sends the body to whom it gets "D" from, until that one half-closes;
    checks it from whom it gets "U", until then, and answers the count; tells
    the client's address to whom it gets "W" from."""

    def __init__(self, lab):
        body = random.Random(1).randbytes(BODY_LEN)
        self.body = body + body[:CHUNK]
        self.sent = {}  # by the flow's number
        self.listener = listen(lab.srv, FLOW_PORT)
        self.listener.settimeout(None)
        threading.Thread(target=self.serve, daemon=True).start()

    def part(self, offset):
        return self.body[offset % BODY_LEN:][:CHUNK]

    def serve(self):
        while True:
            sock, peer = accept(self.listener)
            sock.settimeout(FLOW_TIMEOUT_S)
            threading.Thread(target=self.serve_one, args=(sock, peer), daemon=True).start()

    def serve_one(self, sock, peer):
        with contextlib.suppress(OSError, struct.error), sock:
            kind, number = struct.unpack(">cI", receive(sock, 5))
            if kind == b"D":
                self.sent[number] = send_body(self, sock, lambda: readable(sock))
                sock.shutdown(socket.SHUT_WR)
            elif kind == b"W":
                sock.sendall(peer.encode())
            else:
                sock.sendall(struct.pack(">Q", check_body(self, sock, lambda count: None)))


def readable(sock):
    return select.select([sock], [], [], 0)[0]


def send_body(server, sock, is_over):
    """Until is_over(); how many bytes were sent."""
    sent = 0
    while not is_over():
        if select.select([], [sock], [], 0.05)[1]:
            sent += sock.send(server.part(sent))
    return sent


def check_body(server, sock, on_bytes):
    """Receives to the end; how many bytes, all of them right."""
    count = 0
    while True:
        data = sock.recv(CHUNK)
        if not data:
            return count
        if data != server.part(count)[:len(data)]:
            raise AssertionError(f"wrong bytes after {count}")
        count += len(data)
        on_bytes(len(data))


class Clock:
    """When the machine stood still, as a thread sees that wants to wake every
    TICK_S."""

    def __init__(self):
        self.stops = []  # (from, to)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        before = time.monotonic()
        while True:
            time.sleep(TICK_S)
            now = time.monotonic()
            if now - before > STILL_S:
                self.stops.append((before + TICK_S, now))
            before = now

    def still_s(self, start, end):
        """So much of this time it stood still."""
        return sum(max(0, min(end, to) - max(start, since))
                   for since, to in list(self.stops))


@functools.cache
def clock():
    return Clock()


class Flow:
    """An endless transfer by a thread; stop() ends it and says if all came."""

    number = 0

    def __init__(self, server, sock, direction):
        Flow.number += 1
        self.index = Flow.number
        self.server = server
        self.sock = sock
        self.sock.settimeout(FLOW_TIMEOUT_S)
        self.clock = clock()
        self.direction = direction
        self.times = []      # (when, bytes) of what arrived
        self.count = 0
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with self.sock:
                self.sock.sendall(struct.pack(">cI", self.direction, self.index))
                (self.download if self.direction == b"D" else self.upload)()
        except (OSError, AssertionError) as error:
            self.error = error

    def note(self, count):
        self.times.append((time.monotonic(), count))
        self.count += count

    def download(self):
        check_body(self.server, self.sock, self.note)
        if self.count != self.server.sent.get(self.index):
            raise AssertionError(f"{self.count} bytes came, "
                                 f"{self.server.sent.get(self.index)} were sent")

    def upload(self):
        self.count = send_body(self.server, self.sock, self.stopping.is_set)
        self.sock.shutdown(socket.SHUT_WR)
        got = struct.unpack(">Q", receive(self.sock, 8))[0]
        if got != self.count:
            raise AssertionError(f"{got} of {self.count} bytes came")

    def bytes_between(self, start, end):
        return sum(n for at, n in list(self.times) if start <= at < end)

    @property
    def gap_s(self):
        """The longest time without a byte, of a download; when the machine itself
        stood still, nobody would have got one."""
        times = [at for at, _ in list(self.times)]
        return max((b - a - self.clock.still_s(a, b) for a, b in zip(times, times[1:])),
                   default=float("inf"))

    def stop(self):
        """Ends it, and raises what went wrong."""
        self.stopping.set()
        if self.direction == b"D":
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: not self.thread.is_alive(), FLOW_TIMEOUT_S,
                   lambda: f"the flow ends; it stands still after {self.count} bytes")
        self.check()

    def check(self):
        if self.error:
            raise AssertionError(f"the flow broke after {self.count} bytes: {self.error}")

    def abandon(self):
        """Ends it, so that it is no load beside what comes next."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class AggdTest(unittest.TestCase):
    """One lab and one pair for the tests of a class. Its logs are shown when a
    test fails. self.note is printed behind a passed test's name."""

    scenario = "fast"
    options = {}    # of Aggd
    plain = False   # figures are asserted, which sanitizers, or another file of
                    # tests beside this one, would spoil
    note = ""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(cls.scenario, sanitized=not cls.plain))
        cls.prepare()
        cls.aggd = Aggd(cls.lab, **cls.options)
        cls.aggd.start()
        cls.addClassCleanup(cls.aggd.stop)
        cls.flows = FlowServer(cls.lab)

    @classmethod
    def prepare(cls):
        """Before the daemons start."""

    @classmethod
    def start_dns(cls):
        """A name server on srv that the concentrator asks: WWW is srv, and
        nobody else is in lab.test."""
        cls.lab.srv.spawn(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                           "--no-resolv", "--no-hosts", "--local=/lab.test/",
                           "--user=root", "--pid-file=",
                           f"--host-record={WWW},{SRV4},{SRV6}"], log="dns.log")
        cls.lab.vps.etc("resolv.conf", f"nameserver {SRV4}\n")

    @classmethod
    def start_load_server(cls):
        cls.lab.srv.spawn(["aggload", "server"])
        cls.lab.srv.wait_listening(LOAD_PORT)

    def __init__(self, name="runTest"):
        super().__init__(name)
        setattr(self, name, self.with_logs(getattr(self, name)))

    def with_logs(self, method):
        """The test; when it fails, the daemons' last words come with it."""
        @functools.wraps(method)
        def run():
            try:
                method()
            except Exception as error:
                for role in ("gw", "vps"):
                    error.add_note(f"-- {role}'s log:\n{self.aggd.log(role)}")
                raise
        return run

    def connect(self, address=SRV4, port=FLOW_PORT, node=None):
        """From the LAN, by TPROXY."""
        return connect(node or self.lab.lan, address, port)

    def socks(self, destination, port=FLOW_PORT):
        """From the LAN by SOCKS5: the code and the socket, closed at the end."""
        code, sock = socks_connect(self.lab.lan, self.aggd.socks, destination, port)
        self.addCleanup(sock.close)
        return code, sock

    def socks_code(self, destination, port=FLOW_PORT):
        return self.socks(destination, port)[0]

    def who(self, address=SRV4, sock=None):
        """How the server sees a new client of the LAN."""
        with sock or self.connect(address) as client:
            client.sendall(struct.pack(">cI", b"W", 0))
            return receive_all(client).decode()

    @contextlib.contextmanager
    def flow(self, direction="down", address=SRV4, sock=None):
        """A transfer that must survive the block and be exact."""
        flow = Flow(self.flows, sock or self.connect(address),
                    b"D" if direction == "down" else b"U")
        try:
            wait_until(lambda: flow.count or flow.error or flow.direction == b"U", IO_TIMEOUT_S,
                       "the first byte")
            flow.check()
            yield flow
        except BaseException:
            flow.abandon()
            raise
        flow.stop()

    def subflows(self):
        """How many are alive, and how many shall be."""
        uplinks = self.aggd.uplinks().values()
        return (sum(u["subflows_alive"] for u in uplinks),
                sum(u["subflows_total"] for u in uplinks))

    def down_bytes(self, name):
        return self.aggd.uplinks()[name]["down_bytes"]

    def wait_used(self, name):
        """Until a download uses the uplink; how many seconds that took."""
        before, start = self.down_bytes(name), time.monotonic()
        self.wait(lambda: self.down_bytes(name) > before + USED_BYTES, USED_TIMEOUT_S,
                  f"{name} is used")
        return time.monotonic() - start

    def wait_state(self, name, state, timeout):
        self.wait(lambda: self.aggd.uplinks()[name]["state"] == state, timeout,
                  lambda: f"{name} is {state}: {self.aggd.uplinks()[name]}")

    def wait(self, check, timeout, what):
        return wait_until(check, timeout, what)

    def wait_equal(self, look, want, timeout=IO_TIMEOUT_S):
        """Until look() gives that; who is refused, or waits in vain, looks again."""
        got = None

        def check():
            nonlocal got
            try:
                got = look()
            except OSError as error:
                got = error
            return got == want

        wait_until(check, timeout, lambda: f"{want!r}: it is {got!r}")
