#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Every shell script of the tree: what shellcheck says of it, and that it is written as
shfmt writes it: scripts.py ROOT
"""
import os
import re
import subprocess
import sys
import unittest

ROOT = sys.argv[1]
NOT_OURS = re.compile(r"^(build.*|node_modules|__pycache__|\..*)$")
# The interpreter, and what shellcheck calls it; OpenWrt's is ash, which dash is nearest to.
DIALECTS = {"bash": "bash", "sh": "dash", "rc.common": "dash"}


def dialect(path):
    with open(path, "rb") as file:
        first = file.readline(80)
    words = re.match(rb"#!\s*(\S+)(?: (\S+))?\s*$", first)
    if not words:
        return None
    return DIALECTS.get(os.path.basename(words[2] or words[1]).decode())


def scripts():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not NOT_OURS.match(name)]
        for path in (os.path.join(folder, name) for name in names):
            if os.path.isfile(path) and dialect(path):
                yield path


class Scripts(unittest.TestCase):
    def check(self, *words):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_they_are_found(self):
        found = {os.path.relpath(path, ROOT) for path in scripts()}
        self.assertLessEqual({"dev", "debian/aggd.postrm", "openwrt/aggd/files/aggd.init"}, found)

    def test_shellcheck(self):
        for path in scripts():
            with self.subTest(path):
                self.check("shellcheck", "-s", dialect(path), path)

    def test_shfmt(self):
        for path in scripts():
            with self.subTest(path):
                self.check("shfmt", "-d", path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
