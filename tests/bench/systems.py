# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The systems that the benchmark compares, behind one interface.

    start(lab), stop()     around a lab's whole run
    socks                  HOST:PORT of its SOCKS5 proxy, or None
    cpu_s()                CPU seconds of its processes so far, both ends
    gateway_kib(key)       memory of the gateway's process, VmRSS or VmHWM

What a client on lan sends goes through the system with nothing configured.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
import aggd  # noqa: E402
from lab import VPS4  # noqa: E402

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PORT_SERVER, PORT_REDIR4, PORT_REDIR6, PORT_SOCKS = 8388, 12345, 12346, 1080
SUBFLOWS_MAX = "8"


def process_cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / CLOCK_TICKS


def process_kib(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(next(line for line in file if line.startswith(key + ":")).split()[1])


class System:
    name = None
    socks = None
    is_peer = True
    skips = frozenset({"memory"})  # experiments that say nothing of it

    def start(self, lab):
        self.lab = lab
        self.gateway, self.concentrator = [], []

    def stop(self):
        for process in self.gateway + self.concentrator:
            self.lab.kill(process)

    def cpu_s(self):
        return sum(process_cpu_s(p.pid) for p in self.gateway + self.concentrator)

    def gateway_kib(self, key):
        return sum(process_kib(p.pid, key) for p in self.gateway)


class Alone(System):
    """The best uplink alone: no daemon, all by the default route."""

    name = "alone"
    skips = frozenset({"memory", "cut", "outage", "streams", "cpu", "flow8"})

    def start(self, lab):
        super().start(lab)
        if lab.scenario != "fast":
            lab.prefer(max(lab.uplinks, key=lambda u: u.down).name)


class Shadowsocks(System):
    """shadowsocks-libev over the kernel's MPTCP: mptcpize makes its sockets
    MPTCP, an endpoint per uplink makes the subflows; REDIRECT takes the LAN's
    TCP of both families, ss-local is the SOCKS5 proxy."""

    socks = f"192.168.100.1:{PORT_SOCKS}"

    def __init__(self, cipher):
        self.cipher = cipher
        self.name = "ss-chacha20" if cipher.startswith("chacha") else "ss-aes256"

    def common(self):
        return ["-k", "bench", "-m", self.cipher, "--no-delay", "-n", "8192", "-t", "600"]

    def start(self, lab):
        super().start(lab)
        for node in (lab.gw, lab.vps):
            node.sysctl({"net.mptcp.enabled": "1"})
            node.run(["ip", "mptcp", "limits", "set", "subflows", SUBFLOWS_MAX,
                      "add_addr_accepted", SUBFLOWS_MAX])
        for i, uplink in enumerate(lab.uplinks, 1):
            lab.gw.run(["ip", "mptcp", "endpoint", "add", f"10.{10 + i}.0.2",
                        "dev", uplink.device, "subflow"])
        self.concentrator = [lab.vps.spawn(
            ["mptcpize", "run", "ss-server", "-s", "0.0.0.0", "-p", PORT_SERVER, *self.common()],
            log="ss-server.log")]
        lab.vps.wait_listening(PORT_SERVER)
        for program, address, port in (("ss-redir", "0.0.0.0", PORT_REDIR4),
                                       ("ss-redir", "::", PORT_REDIR6),
                                       ("ss-local", "192.168.100.1", PORT_SOCKS)):
            self.gateway.append(lab.gw.spawn(
                ["mptcpize", "run", program, "-s", VPS4, "-p", PORT_SERVER, "-b", address,
                 "-l", port, *self.common()], log=f"{program}.log"))
            lab.gw.wait_listening(port)
        lab.gw.nft("table inet ss { chain pre { type nat hook prerouting priority dstnat;\n"
                   "iifname lan0 fib daddr type local return\n"
                   f"iifname lan0 meta nfproto ipv4 meta l4proto tcp redirect to :{PORT_REDIR4}\n"
                   f"iifname lan0 meta nfproto ipv6 meta l4proto tcp redirect to :{PORT_REDIR6}\n"
                   "}\n}\n")

    def stop(self):
        super().stop()
        self.lab.gw.run(["nft", "delete", "table", "inet", "ss"], check=False)


class Aggd(System):
    name = "aggd"
    socks = aggd.SOCKS_ADDRESS
    is_peer = False
    skips = frozenset()

    def start(self, lab):
        super().start(lab)
        self.aggd = aggd.Aggd(lab)
        self.aggd.start()
        self.gateway = [self.aggd.gw_process]
        self.concentrator = [self.aggd.vps_process]

    def stop(self):
        self.aggd.stop()


def all_systems():
    return [Alone(), Shadowsocks("chacha20-ietf-poly1305"), Shadowsocks("aes-256-gcm"), Aggd()]
