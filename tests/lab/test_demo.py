#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The README's first command: its JSON has the keys that others read, the
aggregate is more than any uplink alone, and nothing is left behind."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from lab import PREFIX  # noqa: E402

KEYS = ["links", "limit_down_mbps", "aggregate_down_mbps", "limit_up_mbps", "aggregate_up_mbps",
        "ipv6_down_mbps", "socks5_down_mbps", "cut_gap_ms", "resets"]
TRIES_MAX = 2  # a machine that stands still carries less meanwhile


class Demo(unittest.TestCase):
    def run_demo(self):
        """Its figures; what does not hang on the machine is asserted."""
        process = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "demo.py"), "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        output, _ = process.communicate(timeout=180)
        self.assertEqual(process.returncode, 0, output)
        self.assertEqual([n for n in os.listdir("/run/netns")
                          if n.startswith(f"{PREFIX}{process.pid}-")], [])
        got = json.loads(output.splitlines()[-1])
        self.assertEqual(list(got), KEYS)
        for link in got["links"]:
            self.assertEqual(list(link), ["name", "down_mbps", "up_mbps", "alone_down_mbps"])
        self.assertEqual(got["resets"], 0)
        return got

    def test_one_connection_gets_more_than_any_uplink(self):
        for _ in range(TRIES_MAX):
            got = self.run_demo()
            best = max(link["alone_down_mbps"] for link in got["links"])
            downs = [got[key] for key in ("aggregate_down_mbps", "ipv6_down_mbps",
                                          "socks5_down_mbps")]
            if (1.3 * best < min(downs) and max(downs) < 1.1 * got["limit_down_mbps"]
                    and got["aggregate_up_mbps"] > 0.7 * got["limit_up_mbps"]
                    and got["cut_gap_ms"] < 3000):
                return
        self.fail(f"more than 1.3 times the best uplink: {got}")


if __name__ == "__main__":
    unittest.main()
