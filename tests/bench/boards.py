# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""./dev bench boards: an estimate of what one core of a board carries. Its cipher is
what others measured and published; what the kernel does for a byte is measured here
by aggd --selftest, as cycles, of which such a core needs so many times as many, at its
own clock. Network cards are not in it.
"""
import argparse
import json
import os
import re
import statistics
import subprocess

RUNS = 5
TIMEOUT_S = 100
# Name, MHz, chacha20-poly1305 in MB/s (openssl speed, 16 KiB), and how many times the
# cycles of this machine its kernel needs: of the Cortex-A72 and A53 as derived for a
# packet through TUN and UDP, of the others a guess by their width.
BOARDS = (("Raspberry Pi 1", 700, 22.9, 4.5),
          ("Raspberry Pi 3B", 1200, 188, 3.1),
          ("Raspberry Pi 3B+", 1400, 225, 3.1),
          ("Raspberry Pi 4B", 1500, 266, 2.1),
          ("VisionFive 2", 1500, 50.8, 3.1))


def estimate(here_ns, here_mhz, mhz, cipher_mb, times):
    """Mbit/s of a core: of nanoseconds a byte here, and the board's figures."""
    system_ns = here_ns * here_mhz * times / mhz
    return 8000 / (1000 / cipher_mb + system_ns)


def clock_mhz():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        found = re.search(r"^cpu MHz\s*: ([\d.]+)", file.read(), re.M)
    return float(found[1]) if found else None


def kernel_ns(build):
    """What a byte of streams and of the tunnel takes here, the median of some runs."""
    runs = [json.loads(subprocess.run([os.path.join(build, "aggd"), "--selftest", "--json"],
                                      stdout=subprocess.PIPE, timeout=TIMEOUT_S,
                                      check=True).stdout)["ceiling"] for _ in range(RUNS)]
    return [statistics.median([run[name]["kernel_ns_per_byte"] for run in runs])
            for name in ("streams", "tunnel")]


def rows(streams_ns, tunnel_ns, mhz):
    for name, clock, cipher, times in BOARDS:
        yield (name, cipher, *(estimate(ns, mhz, clock, cipher, times)
                               for ns in (streams_ns, tunnel_ns)))


def main(words):
    parser = argparse.ArgumentParser(prog="bench boards", description=__doc__)
    parser.add_argument("--mhz", type=float, default=clock_mhz(), help="of this machine")
    parser.add_argument("--build", default="build")
    args = parser.parse_args(words)
    if not args.mhz:
        parser.error("this machine does not tell its clock: --mhz")
    streams_ns, tunnel_ns = kernel_ns(args.build)
    print(f"here: {streams_ns:.2f} ns a byte of streams, {tunnel_ns:.2f} of the tunnel, "
          f"at {args.mhz:.0f} MHz")
    print("| board | chacha20-poly1305, MB/s | streams, Mbit/s | tunnel, Mbit/s |\n"
          "|---|---|---|---|")
    for name, cipher, streams, tunnel in rows(streams_ns, tunnel_ns, args.mhz):
        print(f"| {name} | {cipher:g} | {streams:.0f} | {tunnel:.0f} |")
    return 0
