#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Privileges: three capabilities stay, and are enough for all that we do; the
rest is gone for good.
"""
import unittest

from kernel_ns import TOOL, KernelTest

NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 1 << 10, 1 << 12, 1 << 13
STATUS = "/proc/self/status"


def sets(text):
    """The capability sets and no_new_privs of /proc/PID/status."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.startswith("Cap") or key == "NoNewPrivs":
            found[key] = int(value, 16)
    return found


class CapsTest(KernelTest):
    SPACES = ("gw",)

    def test_another_user(self):
        self.check_child("nobody", "65534")
        self.check_itself("nobody")

    def test_root(self):
        self.check_child("-", "0")
        self.check_itself("-")

    def check_child(self, user, uid):
        gw = self.gw
        result = gw.once("caps", user, "sh", "-c", f"cat {STATUS}; id -u; id -G")
        got = sets(result.stdout)
        kept = NET_BIND_SERVICE | NET_ADMIN | NET_RAW
        self.check(f"{user}: a child, which may be the next aggd, has these three",
                   all(got.get(name) == kept
                       for name in ("CapPrm", "CapEff", "CapAmb", "CapBnd")),
                   result.stdout + result.stderr)
        self.check(f"{user}: nor can it gain any", got.get("NoNewPrivs") == 1)
        self.check(f"{user}: it is who it should be",
                   result.stdout.split()[-2] == uid, result.stdout)
        self.check(f"{user}: nothing is missing", "missing: \n" in result.stdout, result.stdout)

    def check_itself(self, user):
        """The process itself, after it has dropped the rest."""
        def run(*words):
            return self.gw.once("caps", user, *words)

        status = run("+status").stdout
        kept = NET_BIND_SERVICE | NET_ADMIN | NET_RAW
        got = sets(status)
        self.check(f"{user}: the process keeps three",
                   got.get("CapPrm") == kept == got.get("CapEff"), status)
        for what, words in (("routes", ("+route", "tproxy", "0x6167")),
                            ("cleans routes", ("+route", "cleanup")),
                            ("runs nft", ("+intercept", "lan0", "1234", "1", "tt")),
                            ("cleans nft", ("+nft", "cleanup"))):
            result = run(*words)
            self.check(f"{user}: {what}", result.returncode == 0, result.stderr)
        self.check(f"{user}: binds to a device",
                   "not permitted" not in run("+connect", "lo", "-", "127.0.0.1:9").stdout)
        with self.gw.tool("caps", user, "+listen", "80") as proxy:
            self.check(f"{user}: takes a low port, transparently", proxy.expect("ready"))
        result = run("sh", "-c", "cat /proc/1/environ")
        self.check(f"{user}: other processes are out of reach",
                   result.returncode != 0, result.stdout)

    def test_unprivileged(self):
        gw = self.gw
        result = gw.run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                        TOOL, "caps", "-", "true")
        self.check("an unprivileged process is told what it lacks",
                   all(name in result.stdout for name in
                       ("CAP_NET_ADMIN (routes", "CAP_NET_RAW (", "CAP_NET_BIND_SERVICE (")),
                   result.stdout + result.stderr)
        result = gw.run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                        "--inh-caps", "-all,+net_admin,+net_bind_service",
                        "--ambient-caps", "-all,+net_admin,+net_bind_service",
                        TOOL, "caps", "-", "sh", "-c", f"cat {STATUS}")
        self.check("what a service manager gave is kept, the rest named",
                   "missing: CAP_NET_RAW (" in result.stdout and
                   "CAP_NET_ADMIN (" not in result.stdout, result.stdout + result.stderr)
        self.check("and handed on to a child",
                   sets(result.stdout).get("CapEff") == NET_ADMIN | NET_BIND_SERVICE, result.stdout)
        result = gw.once("caps", "no-such-user", "true")
        self.check("a user that is not there is named", result.returncode and
                   "no-such-user" in result.stderr, result.stderr)


if __name__ == "__main__":
    unittest.main()
