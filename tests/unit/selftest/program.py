#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""aggd --selftest, as a person and as a program read it: program.py AGGD."""
import json
import subprocess
import sys
import unittest

AGGD = sys.argv[1]


def selftest(*words):
    done = subprocess.run([AGGD, "--selftest", *words], capture_output=True, text=True,
                          timeout=100, check=False)
    return done.returncode, done.stdout, done.stderr


class Selftest(unittest.TestCase):
    def test_json(self):
        status, out, err = selftest("--json")
        self.assertEqual((status, err), (0, ""))
        told = json.loads(out)
        self.assertGreater(told["cores"], 0)
        self.assertGreater(told["memory_mb"], 0)
        for cipher in "aes-128-gcm", "aes-256-gcm", "chacha20-poly1305":
            self.assertGreater(told["ciphers"][cipher]["record_mb_per_s"], 0)
            self.assertGreater(told["ciphers"][cipher]["packet_mb_per_s"], 0)
        for feature in told["features"].values():
            self.assertEqual(feature["there"], not feature["why_not"])
        for name in "streams", "tunnel":
            it = told["ceiling"][name]
            self.assertLess(it["mbit_per_s"], 8000 / it["cipher_ns_per_byte"])
            self.assertLess(it["mbit_per_s"], 8000 / it["kernel_ns_per_byte"])
            self.assertTrue(0 < it["cipher_part"] < 1)

    def test_text(self):
        status, out, err = selftest()
        self.assertEqual((status, err), (0, ""))
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        for words in "chacha20-poly1305", "TPROXY", "streams", "packet tunnel", "Mbit/s":
            self.assertIn(words, out)

    def test_json_belongs_to_it(self):
        done = subprocess.run([AGGD, "--json"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--selftest", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
