#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Makes a release of what is committed: ./dev release [--check]

In build-release/VERSION: tarball, Debian packages, the feed for OpenWrt with the
tarball's hash in it, the container file, changelog, checksums. The same commit gives
the same bytes, wherever it is built. --check builds a second time in another folder
and compares, asks lintian, and takes the packages through their life on machines of
Debian 12 and 13 (tests/package/check.py), which needs root and minutes.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHART = "web/page/node_modules/uplot"  # the page's, as ./dev build has it of npm
CHART_FILES = ("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE")
SUITES = ("bookworm", "trixie")


def run(words, **how):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **how)
    if done.returncode:
        raise SystemExit(f"release: {' '.join(words)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def git(*words):
    return run(["git", "-C", ROOT, *words]).strip()


def version():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as file:
        return re.search(r"^ *version: '([^']+)'", file.read(), re.M)[1]


def tarball(work, out, name, epoch):
    """What is committed, and the chart's files where npm has brought them."""
    tree = os.path.join(work, name)
    os.mkdir(tree)
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], stdout=subprocess.PIPE,
                             check=True)
    subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)
    for path in CHART_FILES:
        source = os.path.join(ROOT, CHART, path)
        if os.path.exists(source):
            os.makedirs(os.path.dirname(os.path.join(tree, CHART, path)), exist_ok=True)
            shutil.copyfile(source, os.path.join(tree, CHART, path))
    to = os.path.join(out, name + ".tar.xz")
    run(["tar", "-C", work, "--sort=name", f"--mtime=@{epoch}", "--owner=0", "--group=0",
         "--numeric-owner", "--mode=go=rX,u+rw,a-s", "--format=ustar",
         "--use-compress-program=xz -6 -T1", "-cf", to, name])
    return tree, to


def packages(tree, out):
    run(["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=tree,
        env={k: v for k, v in os.environ.items() if k not in ("CC", "CFLAGS", "LDFLAGS")})
    made = glob.glob(os.path.join(os.path.dirname(tree), "*.deb"))
    for path in made:
        shutil.copy(path, out)
    return run(["lintian", "--allow-root", "--fail-on", "error",
                *glob.glob(os.path.join(os.path.dirname(tree), "*.changes"))])


def feed(tree, out, tar):
    """openwrt/ as a feed is: its Makefile knows the tarball."""
    folder = os.path.join(out, "openwrt")
    shutil.copytree(os.path.join(tree, "openwrt"), folder)
    path = os.path.join(folder, "aggd/Makefile")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text, count = re.subn(r"(?m)^PKG_HASH:=.*$", "PKG_HASH:=" + digest(tar), text)
    if count != 1:
        raise SystemExit(f"release: {path} has no PKG_HASH")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def changelog(tree, out):
    """The words for this version, and since the tag before it the commits."""
    with open(os.path.join(tree, "debian/changelog"), encoding="utf-8") as file:
        words = re.split(r"(?m)^ -- ", file.read())[0]
    tags = git("tag", "--merged", "HEAD~1", "--sort=-v:refname").split()
    commits = git("log", "--format=  %h %s", f"{tags[0]}..HEAD") if tags else ""
    with open(os.path.join(out, "CHANGELOG"), "w", encoding="utf-8") as file:
        file.write(words.rstrip() + "\n" + (f"\nSince {tags[0]}:\n{commits}\n" if tags else ""))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def sums(out):
    paths = sorted(os.path.relpath(os.path.join(folder, name), out)
                   for folder, _, names in os.walk(out) for name in names)
    text = "".join(f"{digest(os.path.join(out, p))}  {p}\n" for p in paths)
    with open(os.path.join(out, "SHA256SUMS"), "w", encoding="ascii") as file:
        file.write(text)
    return text


def make(out):
    """The release in `out`; its checksums, and what lintian says."""
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    with tempfile.TemporaryDirectory(prefix="aggd-release-") as work:
        tree, tar = tarball(work, out, "aggd-" + version(), git("log", "-1", "--format=%ct"))
        said = packages(tree, out)
        feed(tree, out, tar)
        changelog(tree, out)
        shutil.copy(os.path.join(tree, "release/Containerfile"), out)
    return sums(out), said


def check(out, first):
    """True, where a second build has the same bytes and the packages live well."""
    with tempfile.TemporaryDirectory(prefix="aggd-again-") as other:
        again, _ = make(os.path.join(other, "elsewhere"))
    differs = set(first.splitlines()) ^ set(again.splitlines())
    for line in sorted({line.split()[1] for line in differs}):
        print(f"release: {line} is not the same a second time")
    package, = glob.glob(os.path.join(out, "aggd_*.deb"))
    lives = subprocess.run([sys.executable, os.path.join(ROOT, "tests/package/check.py"),
                            package, *SUITES], check=False)
    return not differs and not lives.returncode


def main(words):
    if words not in ([], ["--check"]):
        raise SystemExit("usage: ./dev release [--check]")
    if git("status", "--porcelain", "--untracked-files=no"):
        print("release: what is not committed is not in it")
    if not os.path.exists(os.path.join(ROOT, CHART)):
        print("release: the page goes without its chart, as npm did not bring it")
    out = os.path.join(ROOT, "build-release", version())
    text, said = make(out)
    print(text + said, end="")
    print("release: in " + os.path.relpath(out))
    return 0 if not words or check(out, text) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
