#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""debian/ against the rest of the tree, without building the package: each file
that is installed is in one package, and every version is the same.

    package.py ROOT BUILD
"""
import fnmatch
import json
import os
import re
import subprocess
import sys
import unittest

ROOT, BUILD = sys.argv[1:3]


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def meson_version():
    return re.search(r"^ *version: '([^']+)'", read("meson.build"), re.M)[1]


def wanted(package):
    """The lines of debian/PACKAGE.install."""
    return read("debian", package + ".install").split()


def installed():
    """What meson installs, as it would be under debian/tmp."""
    done = subprocess.run(["meson", "introspect", "--installed", BUILD], stdout=subprocess.PIPE,
                          text=True, check=True)
    options = subprocess.run(["meson", "introspect", "--buildoptions", BUILD],
                             stdout=subprocess.PIPE, text=True, check=True)
    prefix = next(o["value"] for o in json.loads(options.stdout) if o["name"] == "prefix")
    return sorted("usr/" + os.path.relpath(path, prefix)
                  for path in json.loads(done.stdout).values())


class Package(unittest.TestCase):
    def test_versions(self):
        version = meson_version()
        self.assertEqual(re.match(r"aggd \((\S+)\)", read("debian/changelog"))[1], version)
        self.assertEqual(re.search(r"^PKG_VERSION:=(\S+)", read("openwrt/aggd/Makefile"), re.M)[1],
                         version)

    def test_each_file_is_in_one_package(self):
        patterns = wanted("aggd") + wanted("aggsim")
        for path in installed():
            within = [p for p in patterns
                      if fnmatch.fnmatch(path, p) or path.startswith(p + "/")]
            self.assertEqual(len(within), 1, f"{path} is in {within or 'no package'}")

    def test_the_service(self):
        rules = read("debian/rules")
        folder = re.search(r"-Dsystemd=/(\S+)", rules)[1]
        self.assertIn(folder + "/aggd.service", wanted("aggd"))
        with open(os.path.join(BUILD, "systemd/aggd.service"), encoding="ascii") as file:
            unit = file.read()
        self.assertNotIn("@", unit.replace("SystemCallFilter=@system-service", "")
                         .replace("SystemCallFilter=~@resources", ""))
        self.assertRegex(unit, r"(?m)^ExecStart=\S+/sbin/aggd -c /etc/config/aggd$")
        self.assertIn("u aggd ", read("systemd/aggd.sysusers"))

    def test_sources_exist(self):
        for name in ("aggd.docs", "aggd.examples", "aggsim.docs"):
            for path in read("debian", name).split():
                self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)

    def test_what_is_built_with_is_what_dev_installs(self):
        """A library that ./dev installs to build is one that the package is built with."""
        packages = re.search(r'^PACKAGES="([^"]+)"', read("dev"), re.M)[1].split()
        control = read("debian/control")
        for name in packages:
            if name.endswith("-dev") and name != "libcmocka-dev":
                self.assertRegex(control, rf"(?m)^ {re.escape(name)}\b")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
