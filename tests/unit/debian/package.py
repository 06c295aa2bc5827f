#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""debian/ against the rest of the tree, without building the package: each file that
is installed is in one package and there with the rights that it needs, every version is
the same, and dpkg reads changelog and control without a complaint. What takes minutes
is ./dev release --check.

    package.py ROOT BUILD
"""
import fnmatch
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, BUILD = sys.argv[1:3]
PACKAGES = ["aggd", "aggd-web", "aggsim"]


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def meson_version():
    return re.search(r"^ *version: '([^']+)'", read("meson.build"), re.M)[1]


def wanted(package):
    """The lines of debian/PACKAGE.install."""
    return read("debian", package + ".install").split()


def run(words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


@functools.cache
def prefix():
    options = subprocess.run(["meson", "introspect", "--buildoptions", BUILD],
                             stdout=subprocess.PIPE, text=True, check=True)
    return next(o["value"] for o in json.loads(options.stdout) if o["name"] == "prefix")


def installed():
    """What meson installs, as it would be under debian/tmp."""
    done = subprocess.run(["meson", "introspect", "--installed", BUILD], stdout=subprocess.PIPE,
                          text=True, check=True)
    return sorted("usr/" + os.path.relpath(path, prefix())
                  for path in json.loads(done.stdout).values())


class Package(unittest.TestCase):
    def test_versions(self):
        version = meson_version()
        self.assertEqual(re.match(r"aggd \((\S+)\)", read("debian/changelog"))[1], version)
        self.assertEqual(re.search(r"^PKG_VERSION:=(\S+)", read("openwrt/aggd/Makefile"), re.M)[1],
                         version)

    def test_each_file_is_in_one_package(self):
        patterns = [p for name in PACKAGES for p in wanted(name)]
        for path in installed():
            within = [p for p in patterns
                      if fnmatch.fnmatch(path, p) or path.startswith(p + "/")]
            self.assertEqual(len(within), 1, f"{path} is in {within or 'no package'}")

    def test_what_is_listed_is_installed(self):
        """As debhelper does it: into an empty folder, and out of that by the lists."""
        with tempfile.TemporaryDirectory() as folder:
            done = run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", folder])
            self.assertEqual(done.returncode, 0, done.stdout)
            there = {}
            for at, _, names in os.walk(os.path.join(folder, prefix().lstrip("/"))):
                for name in names:
                    path = os.path.join(at, name)
                    there["usr/" + os.path.relpath(path, os.path.join(folder, prefix()[1:]))] = (
                        os.stat(path).st_mode & 0o7777)
        self.assertEqual(sorted(there), installed())
        for path, mode in there.items():
            program = re.match(r"usr/s?bin/|usr/lib/.*\.so$", path)
            self.assertEqual(mode & 0o6755, 0o755 if program else 0o644, path)
        for pattern in (p for name in PACKAGES for p in wanted(name)):
            if pattern.startswith("usr/") and "sysusers" not in pattern:
                self.assertTrue(any(fnmatch.fnmatch(p, pattern) or p.startswith(pattern + "/")
                                    for p in there), pattern)

    def test_changelog(self):
        done = run(["dpkg-parsechangelog", "--all", "-l", os.path.join(ROOT, "debian/changelog")])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("warning", done.stdout)
        fields = dict(re.findall(r"(?m)^(\w+): (.+)$", done.stdout))
        self.assertEqual((fields["Source"], fields["Version"]), ("aggd", meson_version()))
        self.assertIn(fields["Maintainer"], read("debian/control"))

    def test_control(self):
        """Each paragraph has what dpkg wants, and each list belongs to a package."""
        paragraphs = [dict(re.findall(r"(?m)^([A-Z][\w-]*):[ \t]*(.*)$", text))
                      for text in read("debian/control").split("\n\n") if text.strip()]
        names = [p["Package"] for p in paragraphs[1:]]
        self.assertEqual(names, PACKAGES)
        for paragraph in paragraphs[1:]:
            self.assertLessEqual({"Architecture", "Depends", "Description"}, set(paragraph))
            self.assertLessEqual(len(paragraph["Description"]), 60)
        for name in os.listdir(os.path.join(ROOT, "debian")):
            if "." in name:
                self.assertIn(name.split(".")[0], names)
        self.assertEqual(read("debian/source/format").strip(), "3.0 (native)")

    def test_scripts_end_as_debhelper_wants(self):
        for name in os.listdir(os.path.join(ROOT, "debian")):
            if re.search(r"\.(pre|post)(inst|rm)$", name):
                self.assertRegex(read("debian", name), r"\n#DEBHELPER#\n")
        self.assertTrue(os.access(os.path.join(ROOT, "debian/rules"), os.X_OK))

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
