# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The systems that the benchmark compares, behind one interface.

    start(lab), stop()     around a lab's whole run
    socks                  HOST:PORT of its SOCKS5 proxy, or None
    cpu_s()                CPU seconds of its processes so far, both ends
    gateway_kib(key)       memory of the gateway's process, VmRSS or VmHWM
    client, wrap, instead  where the load runs, what it is run by, and which
                           addresses it goes to in place of srv's

What a client on lan sends goes through the system with nothing configured.
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
import aggd  # noqa: E402
from lab import SRV4, SRV6, VPS4, VPS6  # noqa: E402

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PORT_SERVER, PORT_REDIR4, PORT_REDIR6, PORT_SOCKS = 8388, 12345, 12346, 1080
SUBFLOWS_MAX = "8"
READY_S = 15


def process_cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / CLOCK_TICKS


def process_kib(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(next(line for line in file if line.startswith(key + ":")).split()[1])


class System:
    name = None
    socks = port = None  # port: at which a concentrator hears datagrams
    client, wrap, instead = "lan", (), {}
    is_peer = True
    is_ours = False
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


def kernel_mptcp(lab):
    """What MPTCP needs on gw and vps: limits, and an endpoint per uplink."""
    for node in (lab.gw, lab.vps):
        node.sysctl({"net.mptcp.enabled": "1"})
        node.run(["ip", "mptcp", "limits", "set", "subflows", SUBFLOWS_MAX,
                  "add_addr_accepted", SUBFLOWS_MAX])
    for i, uplink in enumerate(lab.uplinks, 1):
        for address in (f"10.{10 + i}.0.2", f"2001:db8:{i}::2"):
            lab.gw.run(["ip", "mptcp", "endpoint", "add", address, "dev", uplink.device,
                        "subflow"])


class KernelMptcp(System):
    """The kernel's MPTCP and nothing else: client on gw, server on vps, their
    sockets made MPTCP by mptcpize."""

    name = "mptcp"
    client, wrap = "gw", ("mptcpize", "run")
    is_peer = False
    instead = {SRV4: VPS4, SRV6: VPS6}
    skips = frozenset({"memory", "streams", "cpu"})

    def start(self, lab):
        super().start(lab)
        kernel_mptcp(lab)
        self.concentrator = [lab.vps.spawn([*self.wrap, lab.tool("aggload"), "server"])]
        lab.vps.wait_listening(7777)


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
        kernel_mptcp(lab)
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
    """Ours, over one carrier: what auto would measure is not to change here."""

    socks = aggd.SOCKS_ADDRESS
    is_peer = False
    is_ours = True
    skips = frozenset()
    options, bypasses = {}, ""  # more of both ends' files, of the gateway's

    def __init__(self, carrier):
        self.carrier = carrier
        self.name = "aggd" if carrier == "subflows" else "aggd-mptcp"

    def is_ready(self):
        state = self.aggd.status()
        return (state["sessions"][0]["carrier"] == self.carrier and
                all(not u["mptcp"] or u["mptcp"]["bundles_joined"] == u["mptcp"]["bundles_total"]
                    for u in state["uplinks"]))

    def start(self, lab):
        super().start(lab)
        self.aggd = aggd.Aggd(lab, gateway={"carrier": self.carrier, **self.options},
                              concentrator=self.options)
        self.aggd.bypasses = self.bypasses
        self.aggd.start()
        aggd.wait_until(self.is_ready, READY_S, lambda: f"{self.carrier}: {self.aggd.status()}")
        self.gateway = [self.aggd.gw_process]
        self.concentrator = [self.aggd.vps_process]

    def stop(self):
        self.aggd.stop()


def all_systems():
    return [Alone(), KernelMptcp(), Shadowsocks("chacha20-ietf-poly1305"),
            Shadowsocks("aes-256-gcm"), Aggd("subflows"), Aggd("mptcp")]
