#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Runs every test: ./dev test [PATTERN...]

Builds with gcc, with gcc and ASan + UBSan, with mbedTLS, and with clang, all with
warnings as errors; runs units, contracts and fuzz corpora of the sanitized build; then
the lab tests, tests/lab/test_*.py: unittest modules that drive the programs
in network namespaces: the daemon of the sanitized build, but where figures are
asserted. A line each; details only of failures, which the end names once more. The last
line counts them; a skipped test is a failure of the whole. PATTERN chooses by substrings of the
names; then what is not needed is not built.
"""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = "2"
PATIENCE = "5"  # times the limits of the unit tests: of a machine that others use, too
LAB_FILE_TIMEOUT_S = 800
# Lab files that compare figures or look at the whole host, beside those that
# say so (case.py's plain); of the others as many run at once as JOBS says.
ALONE = ("bench", "demo", "linkem", "load")
DETAIL_LINES_MAX = 60
SANITIZE = ["-Db_sanitize=address,undefined"]
MBEDTLS = ["-Dtls=mbedtls", "-Dtests=disabled"]
ROUTER = ["-Dprofile=router", "-Dtls=mbedtls"]
# Seeded networks: all of them on the plain build, of which these with sanitizers.
SEEDED = ("transport/session",)
COUNTED = ("cost/frames",)  # instructions, of which sanitizers would add many
SEEDS_SANITIZED = "2500"
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Report:
    """One line a test; counts."""

    def __init__(self, patterns):
        self.patterns = patterns
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failed = []
        self.lock = threading.Lock()  # for the lines of one file

    def wants(self, name):
        return not self.patterns or any(p in name for p in self.patterns)

    def add(self, outcome, name, seconds, details=""):
        self.counts[outcome] += 1
        word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[outcome]
        note = f"  ({details})" if outcome == "passed" and details else ""
        print(f"{word:8}{name}  {seconds:.1f} s{note}", flush=True)
        if outcome == "failed":
            self.failed.append(name)
            for line in details.strip().splitlines()[-DETAIL_LINES_MAX:]:
                print("        " + line)
        elif outcome == "skipped" and details:
            print("        " + details.strip())

    def close(self):
        """Once more what failed: it may stand far above."""
        for name in self.failed:
            print(f"FAILED  {name}")
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**self.counts))
        bad = self.counts["failed"] or self.counts["skipped"]
        return 1 if bad or not self.counts["passed"] else 0


def build(report, name, folder, options, env=None):
    """Configures once, builds; true if that worked."""
    start = time.monotonic()
    folder = os.path.join(ROOT, folder)
    commands = [["ninja", "-j", JOBS, "-C", folder]]
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        commands.insert(0, ["meson", "setup", folder, ROOT, *options])
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, **(env or {})),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            details = [l for l in done.stdout.splitlines() if not l.startswith("[")]
            report.add("failed", name, time.monotonic() - start, "\n".join(details))
            return False
    report.add("passed", name, time.monotonic() - start)
    return True


def meson_test_names(folder):
    done = subprocess.run(["meson", "introspect", "--tests", folder], cwd=ROOT,
                          stdout=subprocess.PIPE, text=True, check=True)
    return [t["name"] for t in json.loads(done.stdout)]


def meson_outcome(test):
    """Of one entry of the log: outcome and details. A test of cmocka's that left
    out a part of itself was skipped."""
    output = test.get("stdout", "")
    if test["result"] == "SKIP":
        return "skipped", output.removeprefix("skipped: ")
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        return "failed", f"{test['result']}\n{output}\n{test.get('stderr', '')}"
    left_out = set(re.findall(r"^\[  SKIPPED \] (\w+)$", output, re.M))
    if left_out:
        return "skipped", ", ".join(sorted(left_out))
    return "passed", "; ".join(re.findall(r"^note: (.*)$", output, re.M))


def run_meson_tests(report, folder, env=None, only=(), note=""):
    """The units, as meson runs them: its log is a JSON object a line."""
    names = [n for n in meson_test_names(folder)
             if report.wants(n) and (not only or n in only)]
    if not names:
        return
    log = os.path.join(ROOT, folder, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", JOBS,
                    "--timeout-multiplier", PATIENCE, *names],
                   cwd=ROOT, env=dict(os.environ, **SANITIZER_ENV, **(env or {})),
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    seen = set()
    for line in open(log, encoding="utf-8") if os.path.exists(log) else ():
        test = json.loads(line)
        name = test["name"].rpartition(" / ")[2]
        seen.add(name)
        outcome, details = meson_outcome(test)
        report.add(outcome, name + note, test["duration"], details)
    for name in names:
        if name not in seen:
            report.add("failed", name + note, 0, "meson did not run it")


def run_lab_file(report, path):
    """One file of lab tests in a process of its own, with a time limit."""
    name = "lab/" + os.path.basename(path)[len("test_"):-len(".py")]
    start = time.monotonic()
    read_fd, write_fd = os.pipe()
    sanitized = os.path.join(ROOT, "build-asan")
    env = dict(os.environ, AGGD_SANITIZED=sanitized, BUILD=sanitized, **SANITIZER_ENV)
    process = subprocess.Popen(
        ["/usr/bin/python3", os.path.abspath(__file__), "--one", path, str(write_fd)],
        cwd=ROOT, env=env, pass_fds=[write_fd], start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    os.close(write_fd)
    try:
        output, _ = process.communicate(timeout=LAB_FILE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        output += f"\nno end in {LAB_FILE_TIMEOUT_S} s"
    with os.fdopen(read_fd, encoding="utf-8") as results:
        lines = results.read().splitlines()
    with report.lock:
        for line in lines:
            test = json.loads(line)
            report.add(test["outcome"], f"{name}: {test['name']}", test["seconds"],
                       test["details"] + ("\n" + output if test["outcome"] == "failed" else ""))
        if process.returncode or not lines:
            if not any('"failed"' in line for line in lines):
                report.add("failed", name, time.monotonic() - start,
                           output or f"exit {process.returncode}, no test ran")


def runs_alone(name, path):
    with open(path, encoding="utf-8") as file:
        return name in ALONE or re.search(r"^ +plain = True", file.read(), re.M)


def run_lab(report):
    files = {os.path.basename(path)[len("test_"):-len(".py")]: path
             for path in glob.glob(os.path.join(ROOT, "tests/lab/test_*.py"))}
    wanted = [n for n in sorted(files) if report.wants("lab/" + n)]
    alone = [n for n in wanted if runs_alone(n, files[n])]
    with ThreadPoolExecutor(int(JOBS)) as pool:
        list(pool.map(lambda n: run_lab_file(report, files[n]),
                      [n for n in wanted if n not in alone]))
    for name in alone:
        run_lab_file(report, files[name])


class PipedResult(unittest.TestResult):
    """Tells the parent of each test, by a JSON object a line."""

    def __init__(self, pipe):
        super().__init__()
        self.pipe = pipe

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def tell(self, test, outcome, details=""):
        name = getattr(test, "_testMethodName", str(test)).removeprefix("test_").replace("_", " ")
        seconds = time.monotonic() - getattr(self, "started", time.monotonic())
        print(json.dumps({"name": name, "outcome": outcome, "seconds": seconds,
                          "details": details}), file=self.pipe, flush=True)

    def addSuccess(self, test):
        self.tell(test, "passed", getattr(test, "note", ""))

    def addSkip(self, test, reason):
        self.tell(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, "failed", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(test, err)


def run_one(path, fd):
    """The child: the tests of one file."""
    folder, module = os.path.split(path)
    sys.path.insert(0, folder)
    suite = unittest.TestLoader().loadTestsFromName(module[:-3])
    with os.fdopen(fd, "w", encoding="utf-8") as pipe:
        suite.run(PipedResult(pipe))


def main(patterns):
    report = Report(patterns)
    built = build(report, "build with gcc", "build", [])
    sanitized = build(report, "build with gcc, ASan and UBSan", "build-asan", SANITIZE)
    if sanitized:
        run_meson_tests(report, "build-asan", env={"AGGD_SEEDS": SEEDS_SANITIZED})
    if built:
        run_meson_tests(report, "build", only=SEEDED, note=", all seeds")
        run_meson_tests(report, "build", only=COUNTED)
    if not patterns:
        build(report, "build with clang", "build-clang", [], {"CC": "clang"})
    if built and sanitized:
        if report.wants("lab/libraries"):
            build(report, "build with mbedTLS", "build-mbedtls", MBEDTLS)
        if report.wants("lab/router"):
            build(report, "build for routers", "build-router", ROUTER)
        run_lab(report)
    return report.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(sys.argv[1:]))
