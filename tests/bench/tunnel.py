# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench tunnel: what is not TCP. Ours beside OpenVPN over UDP on the best uplink,
OpenVPN over the kernel's MPTCP, and that uplink alone, on the same links.

    udp      90 % of what all links together carry, 1300 bytes: delivered, order, delay
    call     50 packets a second each way beside a TCP download, beside one by QUIC, and
             beside UDP at 150 %: loss, delay above what it is alone
    cut      a call, and its best link is cut silently: the longest gap
    ping     its round-trip time, idle and under that UDP
    drop     that UDP, and the fastest link, which has a long queue, falls to a tenth of its
             rate, also with jitter: until when its queue is too long
    flood    that UDP, while a million of random datagrams a second come to the port
    beside   a QUIC download beside 1 and beside 20 TCP downloads: its part, and theirs;
             also where these go by the kernel's MPTCP (aggd-mptcp, which has this only)
    quic     a download by CUBIC, by BBR, eight at once: the goodput beside the sum of the
             links' rates and beside the best link's, each one's part, a ping meanwhile
    streams  a TCP download and an echo beside it, without and with UDP at 30 %
    cpu      on links that nothing limits (fast, which has this only): CPU seconds of both
             ends per GB, of TCP in the tunnel and of datagrams; aggd-plain has offload off

    ./dev bench tunnel --quick               5 s each
    ./dev bench tunnel --only S2 call aggd   scenarios, experiments, systems
"""
import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time

import aggd
import quic
import scenario
import systems
from lab import SRV4, VPS4, Lab, LabError, install_signals, remove_stale

SCENARIOS = ("S1", "S2", "S3", "S4", "S5", "fast")
EXPERIMENTS = ("udp", "call", "cut", "ping", "drop", "flood", "quic", "beside", "streams", "cpu")
SIZE, OVERHEAD = 1300, 2 * 28 + 35 + 14  # IP and UDP twice, our header and tag, the frame
SHARE, TOO_MUCH, SOME = 0.9, 1.5, 0.3
CALL_RATE, CALL_SIZE = 50, 160
FLOOD_RATE = 1_000_000
SECONDS, QUICK_SECONDS = 10, 5
PORT, CALL_PORT, LOAD_PORT, TUNNEL_PORT = 6000, 6100, 7777, 7778
READY_S = 20
QUIC_START_S = 4              # until a download counts
QUIC_BYTES = 4 << 30          # never comes to its end
BESIDE = (1, 20)
QUIC_KINDS = (("cubic", 1), ("bbr", 1), ("cubic", 8))
DROP_TO, DROP_JITTER_MS, DROP_QUEUE_MS, DROP_LONG_MS = 0.1, 8, 2000, 100
DROP_WATCH_S = 4
CPU_DATAGRAMS = 15000         # a second: what the one who sends them bears
FLOW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "udp_flow.py")
TUN = "tun9"


class Tunnel(systems.Aggd):
    port = 443
    # TCP to this port goes by the tunnel, as all does in OpenVPN's.
    bypasses = f"config bypass\n\tlist port 'tcp/{TUNNEL_PORT}'\n\toption to 'tunnel'\n"

    def __init__(self, carrier, offload="auto"):
        super().__init__(carrier)
        self.options = {"offload": offload}
        if carrier == "mptcp":  # which no packet goes by
            self.experiments = ("beside",)
        if offload == "off":
            self.name, self.experiments = "aggd-plain", ("cpu",)

    def start(self, lab):
        super().start(lab)
        aggd.wait_until(lambda: self.aggd.status()["sessions"][0]["tunnel"]["state"] == "up",
                        READY_S, "the tunnel is up")


class OpenVpn(systems.System):
    """TLS, AES-128-GCM: over UDP by the best uplink, or over the kernel's MPTCP by all."""

    def __init__(self, over):
        self.over_mptcp = over == "mptcp"
        self.name = "openvpn-mptcp" if self.over_mptcp else "openvpn"
        self.port = None if self.over_mptcp else 1194

    def make_keys(self):
        prints = {}
        for end in ("server", "client"):
            key, cert = (os.path.join(self.lab.dir, f"{end}.{e}") for e in ("key", "crt"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={end}",
                            "-days", "30", "-keyout", key, "-out", cert], check=True,
                           capture_output=True)
            out = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-fingerprint",
                                  "-sha256"], check=True, capture_output=True, text=True).stdout
            prints[end] = out.strip().partition("=")[2]
        return prints

    def options(self, end, peer):
        program = ["mptcpize", "run", "openvpn"] if self.over_mptcp else ["openvpn"]
        return [*program, "--dev", TUN, "--dev-type", "tun", "--proto",
                f"tcp-{end}" if self.over_mptcp else "udp", "--cert",
                os.path.join(self.lab.dir, f"{end}.crt"), "--key",
                os.path.join(self.lab.dir, f"{end}.key"), "--peer-fingerprint", peer,
                "--data-ciphers", "AES-128-GCM", "--topology", "p2p", "--verb", "1",
                "--sndbuf", "0", "--rcvbuf", "0"]

    def start(self, lab):
        super().start(lab)
        lab.prefer(max(lab.uplinks, key=lambda u: u.down).name)
        if self.over_mptcp:
            systems.kernel_mptcp(lab)
        prints = self.make_keys()
        self.concentrator = [lab.vps.spawn(
            [*self.options("server", prints["client"]), "--tls-server", "--dh", "none", "--port",
             "1194", "--ifconfig", "10.8.0.1", "10.8.0.2"], log="openvpn-server.log")]
        self.gateway = [lab.gw.spawn(
            [*self.options("client", prints["server"]), "--tls-client", "--remote", VPS4, "1194",
             "--nobind", "--ifconfig", "10.8.0.2", "10.8.0.1"], log="openvpn-client.log")]
        lab.vps.nft("table ip vpn { chain post { type nat hook postrouting priority srcnat;\n"
                    "ip saddr 10.8.0.0/24 oifname srv0 masquerade\n}\n}\n")
        aggd.wait_until(lambda: TUN in lab.gw.run(["ip", "-br", "addr"]).stdout and
                        "10.8.0.2" in lab.gw.run(["ip", "-br", "addr"]).stdout, READY_S,
                        "openvpn's device")
        lab.gw.ip(f"route add default dev {TUN} table 88", "rule add iif lan0 lookup 88 pref 500")
        aggd.wait_until(lambda: not lab.lan.run(["ping", "-c1", "-W1", SRV4],
                                                check=False).returncode, READY_S, "openvpn")

    def stop(self):
        super().stop()
        self.lab.gw.run(["ip", "rule", "del", "pref", "500"], check=False)


def all_systems():
    return [systems.Alone(), OpenVpn("udp"), OpenVpn("mptcp"), Tunnel("subflows"),
            Tunnel("subflows", "off"), Tunnel("mptcp")]


class Flow:
    """Datagrams one way; result() when it is over."""

    def __init__(self, lab, down, port, rate, size, seconds):
        self.lab, self.rate, self.seconds = lab, rate, seconds
        inside, outside = (f"{SRV4}:{port}", str(port))
        lan, srv = ("recv", "send") if down else ("send", "recv")
        words = {"send": [f"{rate:.0f}", str(size), str(seconds)], "recv": [str(seconds)]}
        self.ends = {}
        for node, word, target in ((lab.srv, srv, outside), (lab.lan, lan, inside)):
            self.ends[word] = node.spawn(["python3", FLOW, word, target, *words[word]],
                                         stdout=subprocess.PIPE, text=True)
            time.sleep(0.3)

    def result(self):
        out = {word: p.communicate(timeout=self.seconds + 40)[0] for word, p in self.ends.items()}
        for process in self.ends.values():
            self.lab.kill(process)
        got, sent = json.loads(out["recv"] or "{}"), int(out["send"] or 0)
        if not sent or not got:
            raise LabError(f"a flow did not run: {out}")
        got["sent"] = sent
        got["lost"] = 1 - got["received"] / sent
        return got


def rate_of(lab, direction, share):
    return scenario_sum(lab, direction) * share * 1e6 / 8 / (SIZE + OVERHEAD)


def scenario_sum(lab, direction):
    return sum(getattr(u, direction) for u in lab.uplinks)


def tell(scenario_name, system, what, text):
    print(f"{scenario_name:4} {system.name:13} {what:34} {text}", flush=True)


def measure_udp(lab, system, seconds):
    slowest = max(u.delay for u in lab.uplinks)
    for direction in ("down", "up"):
        flow = Flow(lab, direction == "down", PORT, rate_of(lab, direction, SHARE), SIZE, seconds)
        got = flow.result()
        tell(lab.scenario, system, f"UDP 90 % {direction}",
             f"delivered {100 * (1 - got['lost']):.2f} %, out of order "
             f"{100 * got['out_of_order'] / max(got['received'], 1):.3f} %, "
             f"p50 {got['p50_ms']:.1f} p99 {got['p99_ms']:.1f} ms "
             f"(slowest path {slowest:g})")


def call(lab, seconds):
    return [Flow(lab, down, CALL_PORT + down, CALL_RATE, CALL_SIZE, seconds)
            for down in (False, True)]


def tell_call(lab, system, what, flows):
    got = [f.result() for f in flows]
    tell(lab.scenario, system, what,
         f"lost {100 * max(g['lost'] for g in got):.2f} %, p50 "
         f"{max(g['p50_ms'] for g in got):.1f} p99 {max(g['p99_ms'] for g in got):.1f} ms, "
         f"gap {max(g['gap_ms'] for g in got):.0f} ms")


def measure_call(lab, system, seconds):
    tell_call(lab, system, "call alone", call(lab, seconds))
    load = lab.lan.spawn(["aggload", "bulk", SRV4, "-t", str(seconds + 2)],
                         stdout=subprocess.DEVNULL)
    time.sleep(1)
    tell_call(lab, system, "call beside a TCP download", call(lab, seconds))
    lab.kill(load)
    server = quic.Server(lab, "cubic", quic.PORT)
    server.put_zeros("zeros", QUIC_BYTES)
    download = quic.Download(lab, "zeros", port=quic.PORT)
    time.sleep(1)
    tell_call(lab, system, "call beside a QUIC download", call(lab, seconds))
    download.stop()
    server.stop()
    load = Flow(lab, True, PORT, rate_of(lab, "down", TOO_MUCH), SIZE, seconds + 3)
    time.sleep(1)
    tell_call(lab, system, "call beside UDP at 150 %", call(lab, seconds))
    load.result()


def measure_cut(lab, system, seconds):
    best = min(lab.uplinks, key=lambda u: u.delay)
    flows = call(lab, seconds)
    time.sleep(seconds / 2)
    lab.link(best.name).cut()
    time.sleep(seconds / 2)
    lab.link(best.name).restore()
    tell_call(lab, system, f"call, {best.name} is cut", flows)
    time.sleep(3)


def ping_ms(lab, seconds):
    out = lab.lan.run(["ping", "-n", "-i", "0.1", "-c", str(int(seconds * 10)), "-W", "1", SRV4],
                      check=False).stdout
    times = sorted(float(t) for t in re.findall(r"time=([\d.]+)", out))
    return times[len(times) // 2] if times else float("nan")


def measure_ping(lab, system, seconds):
    idle = ping_ms(lab, seconds)
    load = Flow(lab, True, PORT, rate_of(lab, "down", SHARE), SIZE, seconds + 3)
    time.sleep(1)
    loaded = ping_ms(lab, seconds)
    load.result()
    tell(lab.scenario, system, "ping", f"idle {idle:.1f}, under UDP at 90 % {loaded:.1f} ms")


def queue_ms(link):
    line = link.counters("down")
    return line["queued_bytes"] * 8 / line["rate"] / 1000


def watch_drop(link, rate):
    """Until how many seconds after its rate fell the queue was too long; the longest."""
    link.set("down", rate=rate * DROP_TO)
    start, until, most = time.monotonic(), 0.0, 0.0
    while (now := time.monotonic()) < start + DROP_WATCH_S:
        queue = queue_ms(link)
        until = now - start if queue > DROP_LONG_MS else until
        most = max(most, queue)
        time.sleep(0.01)
    return until, most


def measure_drop(lab, system, seconds):
    best = max(lab.uplinks, key=lambda u: u.down)
    link = lab.link(best.name)
    for jitter in (0, DROP_JITTER_MS):
        link.set("down", queue=DROP_QUEUE_MS, jitter=jitter)
        load = Flow(lab, True, PORT, rate_of(lab, "down", SHARE), SIZE, seconds + DROP_WATCH_S)
        time.sleep(seconds)
        until, most = watch_drop(link, best.down)
        load.result()
        link.set("down", rate=best.down, queue=best.queue, jitter=best.jitter)
        tell(lab.scenario, system, f"{best.name} falls to a tenth, jitter {jitter} ms",
             f"its queue over {DROP_LONG_MS} ms until {until:.2f} s, at most {most:.0f} ms")


def measure_flood(lab, system, seconds):
    """From outside, to the port at which the tunnel is."""
    if not system.port:
        return
    for direction in ("down", "up"):
        got = []
        for rate in (0, FLOOD_RATE):
            words = ["flood", VPS4, system.port, seconds + 3, rate]
            flood = lab.isp.spawn(words, stdout=subprocess.PIPE, text=True) if rate else None
            got.append(Flow(lab, direction == "down", PORT, rate_of(lab, direction, SHARE), SIZE,
                            seconds).result()["received"])
            sent = int(flood.communicate()[0].split()[0]) if flood else 0
        tell(lab.scenario, system, f"UDP 90 % {direction}, in a flood",
             f"{got[1] / max(got[0], 1):.2f} of what comes without; "
             f"{sent / (seconds + 3) / 1000:.0f} k/s of junk")


def quic_rates(downloads, seconds):
    """Mbit/s of each."""
    before, start = [d.size() for d in downloads], time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - start
    return [(d.size() - b) * 8 / 1e6 / took for d, b in zip(downloads, before)]


def socket_drops(lab):
    """Datagrams for which a client's socket, which has the kernel's default, had no room."""
    lines = lab.lan.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    keys, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(keys, values))["RcvbufErrors"])


def measure_quic(lab, system, seconds):
    idle, total = ping_ms(lab, 2), scenario_sum(lab, "down")
    best = max(u.down for u in lab.uplinks)
    for port, (cc, count) in enumerate(QUIC_KINDS, quic.PORT):
        server = quic.Server(lab, cc, port)
        names = [f"zeros{i}" for i in range(count)]
        for name in names:
            server.put_zeros(name, QUIC_BYTES)
        downloads = [quic.Download(lab, name, port=port) for name in names]
        time.sleep(QUIC_START_S)
        pinging = threading.Thread(target=lambda: times.append(ping_ms(lab, seconds)))
        times, drops = [], socket_drops(lab)
        pinging.start()
        rates = quic_rates(downloads, seconds)
        pinging.join()
        drops = socket_drops(lab) - drops
        for one in (*downloads, server):
            one.stop()
        tell(lab.scenario, system, f"QUIC {cc}, {count} at once",
             f"{sum(rates):.1f} Mbit/s, {sum(rates) / total:.2f} of all links, "
             f"{sum(rates) / best:.2f} of the best, slowest "
             f"{min(rates) * count / max(sum(rates), 0.1):.2f} of its part; ping idle "
             f"{idle:.1f}, meanwhile {times[0]:.1f} ms; {drops} lost at the clients' sockets")


def measure_beside(lab, system, seconds):
    """Of fair shares."""
    server = quic.Server(lab, "cubic", quic.PORT)
    server.put_zeros("zeros", QUIC_BYTES)
    for count in BESIDE:
        download = quic.Download(lab, "zeros", port=quic.PORT)
        streams = lab.lan.spawn(["aggload", "bulk", SRV4, "-n", count, "-k", QUIC_START_S,
                                 "-t", QUIC_START_S + seconds],
                                stdout=subprocess.PIPE, text=True)
        time.sleep(QUIC_START_S)
        rate = quic_rates([download], seconds)[0]
        theirs = json.loads(streams.communicate(timeout=seconds + 40)[0])["total_mbps"]
        lab.kill(streams)
        download.stop()
        fair = (rate + theirs) / (count + 1)
        tell(lab.scenario, system, f"QUIC beside {count} downloads",
             f"{rate:.1f} Mbit/s, {rate / fair:.2f} of a fair share; they {theirs:.1f}")
    server.stop()


def aggload(lab, *words):
    return lab.lan.spawn(["aggload", *words], stdout=subprocess.PIPE, text=True)


def download_and_echo(lab, seconds):
    """Mbit/s, and the echo's milliseconds."""
    bulk = aggload(lab, "bulk", SRV4, "-k", 1, "-t", seconds + 2)
    time.sleep(1)
    echo = aggload(lab, "echo", SRV4, "-t", seconds)
    got = [json.loads(p.communicate(timeout=seconds + 40)[0]) for p in (bulk, echo)]
    return got[0]["total_mbps"], got[1]["ms"]


def measure_streams(lab, system, seconds):
    alone, echo = download_and_echo(lab, seconds)
    load = Flow(lab, True, PORT, rate_of(lab, "down", SOME), SIZE, seconds + 4)
    time.sleep(1)
    beside, echo_beside = download_and_echo(lab, seconds)
    lost = load.result()["lost"]
    tell(lab.scenario, system, "TCP download beside UDP 30 %",
         f"{beside / alone:.2f} of {alone:.1f} Mbit/s, of UDP {100 * (1 - lost):.1f} %; echo p50 "
         f"{echo['p50']:.1f}, p99 {echo['p99']:.1f}, beside UDP "
         f"{echo_beside['p50']:.1f}, {echo_beside['p99']:.1f} ms")


def tell_cpu(lab, system, what, cpu_s, moved, seconds):
    tell(lab.scenario, system, f"CPU, {what}",
         f"{cpu_s / max(moved, 1) * 1e9:.2f} s/GB at {moved * 8 / 1e6 / seconds:.0f} Mbit/s")


def measure_cpu(lab, system, seconds):
    if not system.gateway:
        return
    for direction in ("down", "up"):
        before = system.cpu_s()
        load = aggload(lab, "bulk", SRV4, "-p", TUNNEL_PORT, "-d", direction, "-t", seconds,
                       "-i", 100)
        moved = sum(json.loads(load.communicate(timeout=seconds + 40)[0])["samples"])
        tell_cpu(lab, system, f"TCP {direction}", system.cpu_s() - before, moved, seconds)
    before = system.cpu_s()
    got = Flow(lab, True, PORT, CPU_DATAGRAMS, SIZE, seconds).result()
    tell_cpu(lab, system, f"datagrams of {SIZE} bytes", system.cpu_s() - before,
             got["received"] * SIZE, seconds)


MEASURES = {"udp": measure_udp, "call": measure_call, "cut": measure_cut, "ping": measure_ping,
            "drop": measure_drop, "flood": measure_flood, "quic": measure_quic,
            "beside": measure_beside, "streams": measure_streams, "cpu": measure_cpu}


def run(scenario_name, system, experiments, seconds):
    with Lab(scenario_name, cc="bbr") as lab:
        for port in (LOAD_PORT, TUNNEL_PORT):
            lab.srv.spawn(["aggload", "server", "-p", port])
            lab.srv.wait_listening(port)
        system.start(lab)
        try:
            for name in experiments:
                MEASURES[name](lab, system, seconds)
        finally:
            system.stop()


def chosen(words, among):
    return [x for x in among if x in words] or list(among)


def main(argv):
    parser = argparse.ArgumentParser(prog="dev bench tunnel", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    args = parser.parse_args(argv)
    names = [s.name for s in all_systems()]
    unknown = set(args.only) - {*SCENARIOS, *EXPERIMENTS, *names}
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}, "
                     f"{', '.join(EXPERIMENTS)}, {', '.join(names)}")
    install_signals()
    remove_stale()
    seconds, failed = QUICK_SECONDS if args.quick else SECONDS, False
    for scenario_name in chosen(args.only, SCENARIOS):
        for system in all_systems():
            experiments = [e for e in chosen(args.only, EXPERIMENTS)
                           if e in getattr(system, "experiments", EXPERIMENTS) and
                           (e == "cpu") == (scenario_name == "fast")]
            if system.name not in chosen(args.only, names) or not experiments:
                continue
            try:
                run(scenario_name, system, experiments, seconds)
            except (LabError, scenario.ScenarioError) as error:
                print(f"{scenario_name} {system.name}: {error}", file=sys.stderr)
                failed = True
    return 1 if failed else 0
