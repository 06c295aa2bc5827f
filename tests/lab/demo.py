#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev demo: one download over three emulated uplinks, by a real gateway and
a real concentrator, in network namespaces of this machine.

    ./dev demo            what each uplink gives alone, then all together; a cut
    ./dev demo --json     ends with one JSON object on the last line
    ./dev demo --keep     leaves it running, with a shell in it
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scenario  # noqa: E402
from aggd import SOCKS_ADDRESS, Aggd  # noqa: E402
from lab import SRV4, SRV6, Lab, LabError, describe, install_signals, write_helpers  # noqa: E402

SCENARIO = "demo"
ALONE_S, ALONE_SKIP_S = 5, 2
FLOW_S, FLOW_SKIP_S = 8, 2
CUT_FLOW_S, CUT_AT_S = 12, 5
SAMPLE_MS = 10
BAR_WIDTH = 40
REFRESH_S = 0.5

KEEP_GUIDE = """
  It goes on running. In this shell:
    aggctl status            the session; aggctl uplinks, aggctl streams --watch
    link dsl cut             silently; then: link dsl restore
    lan aggload bulk {srv4} -t 20     a download; or curl --socks5 {socks} ...
    lan, gw, isp, vps, srv   run something in that host
    cat {dir}/gw.conf        the gateway's configuration; vps.conf, gw.log, vps.log
  Leave with exit or Ctrl-D: everything is removed.
"""


class Progress:
    """Says what goes on: a line a step; on a terminal also what each uplink
    carries at the moment."""

    def __init__(self, lab):
        self.lab = lab
        self.live = sys.stdout.isatty()
        self.carried = {}
        self.width = 0

    def step(self, text):
        print(f"\n{text}", flush=True)

    def result(self, label, mbps, limit=None):
        share = f"  {100 * mbps / limit:.0f} % of {limit:.1f}" if limit else ""
        full = scenario.limit_mbps(self.lab.uplinks, "down")
        bar = "#" * round(BAR_WIDTH * mbps / full)
        print(f"  {label:10}{bar:{BAR_WIDTH}} {mbps:6.1f} Mbit/s{share}", flush=True)

    def rates(self, direction):
        """What each uplink carried since the last call, Mbit/s of frames."""
        now = time.monotonic()
        rates = {}
        for name, link in self.lab.links.items():
            carried = link.counters(direction)["delivered_bytes"]
            before, then = self.carried.get((name, direction), (carried, now - 1))
            rates[name] = (carried - before) * 8 / 1e6 / (now - then)
            self.carried[name, direction] = (carried, now)
        return rates

    def watch(self, thread, direction):
        """Until the thread ends."""
        self.rates(direction)
        while self.live and thread.is_alive():
            thread.join(REFRESH_S)
            rates = self.rates(direction)
            line = "  now  " + "  ".join(f"{n} {r:5.1f}" for n, r in rates.items())
            line += f"  = {sum(rates.values()):5.1f} Mbit/s"
            self.width = max(self.width, len(line))
            print("\r" + line.ljust(self.width), end="", flush=True)
        thread.join()
        if self.live:
            print("\r" + " " * self.width + "\r", end="", flush=True)


class Demo:
    def __init__(self, lab):
        self.lab = lab
        self.progress = Progress(lab)
        self.limit = {d: scenario.limit_mbps(lab.uplinks, d) for d in ("down", "up")}

    def bulk(self, *argv, node="lan", direction="down", during=None):
        """One flow of aggload while progress is shown; its JSON."""
        got = {}

        def run():
            done = self.lab.run(node, ["aggload", "bulk", *argv, "-d", direction], check=False)
            got.update(json.loads(done.stdout) if done.stdout else {"error": done.stderr})

        thread = threading.Thread(target=run)
        thread.start()
        if during:
            threading.Thread(target=during, daemon=True).start()
        self.progress.watch(thread, direction)
        if "error" in got:
            raise LabError("aggload: " + got["error"])
        return got

    def flow(self, label, address, direction, *argv):
        got = self.bulk(address, "-t", FLOW_S, "-k", FLOW_SKIP_S, *argv, direction=direction)
        self.progress.result(label, got["total_mbps"], self.limit[direction])
        return got["total_mbps"]

    def alone(self):
        """What each uplink gives without us: straight from the gateway."""
        links = []
        for uplink in self.lab.uplinks:
            got = self.bulk(SRV4, "-t", ALONE_S, "-k", ALONE_SKIP_S, "-b", uplink.device, node="gw")
            self.progress.result(uplink.name, got["total_mbps"])
            links.append({"name": uplink.name, "down_mbps": uplink.down, "up_mbps": uplink.up,
                          "alone_down_mbps": round(got["total_mbps"], 1)})
        return links

    def cut(self):
        """The strongest link is cut silently under a download, for good."""
        link = self.lab.links[max(self.lab.uplinks, key=lambda u: u.down).name]
        cut_us = []

        def cut_later():
            time.sleep(CUT_AT_S)
            cut_us.append(time.monotonic() * 1e6)
            link.cut()

        got = self.bulk(SRV4, "-t", CUT_FLOW_S, "-i", SAMPLE_MS, during=cut_later)
        first = int((cut_us[0] - got["start_us"]) / SAMPLE_MS / 1000)
        samples = got["samples"]
        second = 1000 // SAMPLE_MS
        before, after = (sum(samples[i:i + 2 * second]) * 8 / 2e6
                         for i in (first - 2 * second, len(samples) - 2 * second))
        link.restore()
        gap_ms = longest_gap(samples[first:]) * SAMPLE_MS
        resets = sum(c["error"] is not None for c in got["connections"])
        self.progress.result("before", before)
        self.progress.result("after", after)
        print(f"  longest silence {gap_ms} ms, connections lost: {resets}"
              f"  ({link.name} is restored now)")
        return gap_ms, resets

    def run(self):
        progress = self.progress
        progress.step("Each uplink alone, one download:")
        links = self.alone()
        progress.step("Starting aggd: a gateway on gw, a concentrator on vps ...")
        self.aggd = Aggd(self.lab)
        self.aggd.start()
        print("  " + ", ".join(f"{u['name']} {u['state']}"
                               for u in self.aggd.status("uplinks")["uplinks"]))
        progress.step("All together, one TCP connection of a host of the LAN:")
        down = self.flow("download", SRV4, "down")
        ipv6 = self.flow("by IPv6", SRV6, "down")
        socks5 = self.flow("by SOCKS5", SRV4, "down", "-x", SOCKS_ADDRESS)
        up = self.flow("upload", SRV4, "up")
        progress.step("A download, and its strongest uplink is cut silently:")
        gap_ms, resets = self.cut()
        return {"links": links,
                "limit_down_mbps": round(self.limit["down"], 1),
                "aggregate_down_mbps": round(down, 1),
                "limit_up_mbps": round(self.limit["up"], 1),
                "aggregate_up_mbps": round(up, 1),
                "ipv6_down_mbps": round(ipv6, 1), "socks5_down_mbps": round(socks5, 1),
                "cut_gap_ms": gap_ms, "resets": resets}


def longest_gap(samples):
    longest = run = 0
    for n in samples:
        run = 0 if n else run + 1
        longest = max(longest, run)
    return longest


def keep(lab, last_line):
    """A shell in the running lab; without a terminal, until a signal."""
    folder, rc = write_helpers(lab)
    print(KEEP_GUIDE.format(srv4=SRV4, socks=SOCKS_ADDRESS, dir=lab.dir), flush=True)
    if sys.stdin.isatty():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        env = dict(os.environ, AGGD_CONTROL=os.path.join(lab.dir, "gw.sock"))
        subprocess.run(["bash", "--rcfile", rc], env=env)
    else:
        print(f"  No terminal: the commands are in {folder}; it ends by kill {os.getpid()}.\n"
              + last_line, flush=True)
        signal.pause()


def main():
    parser = argparse.ArgumentParser(prog="dev demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--keep", action="store_true", help="leave it running, with a shell")
    args = parser.parse_args()
    install_signals()
    try:
        with Lab(SCENARIO) as lab:
            print("Three uplinks, emulated: " + "; ".join(map(describe, lab.uplinks)))
            lab.srv.spawn(["aggload", "server"])
            lab.srv.wait_listening(7777)
            figures = Demo(lab).run()
            print(f"\nOne connection: {figures['aggregate_down_mbps']} Mbit/s; "
                  "the best uplink alone: "
                  f"{max(l['alone_down_mbps'] for l in figures['links'])}.", flush=True)
            last_line = json.dumps(figures) if args.json else ""
            if args.keep:
                keep(lab, last_line)
    except LabError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    if last_line:
        print(last_line)


if __name__ == "__main__":
    main()
