#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Bytes arrive whole: nothing, one byte and a gigabyte, in both directions,
by each way in; and the programs that people use work through the gateway.

    lan (curl, ssh, iperf3) -- gw ==fast== isp -- vps -- srv (nginx, sshd,
                                                         iperf3, dnsmasq)
"""
import hashlib
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case import VPS_SEEN4, VPS_SEEN6, WWW, AggdTest  # noqa: E402
from lab import SRV4, SRV6  # noqa: E402

GB = 1_000_000_000
BIG_BYTES, SMALL_BYTES, SMALL_FILES = 50_000_000, 3000, 100
COUNTED_S = 20
CURL_S, OBJECTS_S = 100, 300  # however slow the machine
SSH_PORT, IPERF_PORT = 2222, 5201
CURL_COULD_NOT_CONNECT, CURL_NO_PROXY = 7, 97    # its exit codes

NGINX = """\
user root;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 512; }}
http {{
	access_log off;
	client_body_temp_path {dir};
	server {{
		listen 80;
		listen [::]:80;
		root {dir}/www;
		location /who {{ return 200 $remote_addr; }}
	}}
}}
"""

SSHD = """\
Port {port}
HostKey {dir}/ssh_key
AuthorizedKeysFile {dir}/ssh_key.pub
PidFile {dir}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Transfer(AggdTest):
    options = {"gateway": {"carrier": "auto"}} # as it is by default

    @classmethod
    def prepare(cls):
        cls.start_dns()
        cls.start_load_server()
        cls.start_nginx()

    @classmethod
    def start_nginx(cls):
        www = os.path.join(cls.lab.dir, "www")
        os.mkdir(www)
        for name, size in [("big", BIG_BYTES)] + [(f"small{i}", SMALL_BYTES)
                                                  for i in range(SMALL_FILES)]:
            with open(os.path.join(www, name), "wb") as file:
                file.write(os.urandom(size))
        conf = os.path.join(cls.lab.dir, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(NGINX.format(dir=cls.lab.dir))
        cls.lab.srv.spawn(["nginx", "-c", conf, "-g", "daemon off;"], log="nginx.log")
        cls.lab.srv.wait_listening(80)

    def file(self, name):
        return os.path.join(self.lab.dir, name)

    def objects(self, size, count, direction, destination, socks=False):
        proxy = ["-x", self.aggd.socks] if socks else []
        done = self.lab.lan.run(["aggload", "objects", destination, "-s", size, "-n", count,
                                 "-d", direction, *proxy], timeout=OBJECTS_S, check=False)
        got = json.loads(done.stdout)
        self.assertEqual((got["ok"], got["failed"], got["error"]), (count, 0, None))
        return got["ms"]["mean"]

    # -- sizes, families, ways in

    def each_way(self, size, count):
        for direction in ("down", "up"):
            for destination, socks in ((SRV4, False), (SRV6, False),
                                       (SRV4, True), (SRV6, True), (WWW, True)):
                with self.subTest(f"{direction} {destination}", socks=socks):
                    self.objects(size, count, direction, destination, socks)

    def test_no_byte(self):
        self.each_way(0, 3)

    def test_one_byte(self):
        self.each_way(1, 3)

    def test_megabytes(self):
        self.each_way(3_000_001, 3)

    def test_gigabyte_down(self):
        self.gigabyte("down", SRV4)

    def test_gigabyte_up(self):
        self.gigabyte("up", SRV6)

    def gigabyte(self, direction, destination):
        before = self.session_bytes(direction)
        ms = self.objects(GB, 1, direction, destination)
        self.wait(lambda: self.session_bytes(direction) - before > GB, COUNTED_S, "it is counted")
        self.note = f"{GB * 8 / ms / 1000:.0f} Mbit/s"

    def session_bytes(self, direction):
        return self.aggd.status()["sessions"][0][f"{direction}_bytes"]

    # -- curl

    def curl(self, *argv, check=True):
        return self.lab.lan.run(["curl", "-sS", "--max-time", CURL_S, *argv], check=check)

    def who(self, *argv):
        """The address from which the web server is asked."""
        return self.curl(*argv).stdout

    def test_curl_by_tproxy(self):
        self.assertEqual(self.who("-4", f"http://{SRV4}/who"), VPS_SEEN4)
        self.assertEqual(self.who("-6", f"http://[{SRV6}]/who"), VPS_SEEN6)

    def test_curl_by_name(self):
        """As a browser: the client resolves, and takes either family."""
        resolve = f"{WWW}:80:[{SRV6}],{SRV4}"
        self.assertEqual(self.who("-4", "--resolve", resolve, f"http://{WWW}/who"), VPS_SEEN4)
        self.assertEqual(self.who("-6", "--resolve", resolve, f"http://{WWW}/who"), VPS_SEEN6)

    def test_curl_socks5(self):
        self.assertEqual(self.who("--socks5", self.aggd.socks, f"http://{SRV4}/who"),
                         VPS_SEEN4)
        self.assertEqual(self.who("--socks5", self.aggd.socks, f"http://[{SRV6}]/who"),
                         VPS_SEEN6)

    def test_curl_socks5_hostname(self):
        self.assertIn(self.who("--socks5-hostname", self.aggd.socks, f"http://{WWW}/who"),
                      (VPS_SEEN4, VPS_SEEN6))

    def test_curl_socks4_fails_at_once(self):
        for mode in ("--socks4", "--socks4a"):
            done = self.curl(mode, self.aggd.socks, f"http://{SRV4}/who",
                             check=False)
            self.assertIn(done.returncode, (CURL_COULD_NOT_CONNECT, CURL_NO_PROXY), done.stderr)

    def test_curl_socks5_password(self):
        self.aggd.lan_options = {"socks5_user": "ann", "socks5_password": "secret"}
        self.addCleanup(self.aggd.reload, "gw")
        self.addCleanup(setattr, self.aggd, "lan_options", None)
        self.assertTrue(self.aggd.reload("gw"))
        for user, good in (("ann:secret", True), ("ann:wrong", False), ("bob:secret", False),
                           (None, False)):
            with self.subTest(user):
                done = self.curl("--socks5-hostname", self.aggd.socks,
                                 *(["--proxy-user", user] if user else []),
                                 f"http://{SRV4}/who", check=False)
                self.assertEqual(done.stdout, VPS_SEEN4 if good else "")
                self.assertEqual(done.returncode, 0 if good else CURL_NO_PROXY, done.stderr)

    # -- nginx

    def test_nginx_big_file(self):
        self.curl("-o", self.file("big"), f"http://{SRV4}/big")
        self.assertEqual(sha256(self.file("big")), sha256(self.file("www/big")))

    def test_nginx_keeps_a_connection(self):
        done = self.curl("-w", "%{num_connects} ", "-o", os.devnull, "-o", os.devnull,
                         "-o", os.devnull, *[f"http://{SRV4}/small{i}" for i in range(3)])
        self.assertEqual(done.stdout, "1 0 0 ")

    def test_nginx_small_files(self):
        """Half of them at once, half in turn."""
        for half, options in ((range(50), ["--parallel"]), (range(50, SMALL_FILES), [])):
            words = [w for i in half for w in ("-o", self.file(f"small{i}"),
                                               f"http://{SRV4}/small{i}")]
            self.curl(*options, *words)
        for i in range(SMALL_FILES):
            self.assertEqual(sha256(self.file(f"small{i}")), sha256(self.file(f"www/small{i}")))

    # -- ssh, iperf3

    def test_ssh_and_scp(self):
        key = self.file("ssh_key")
        self.lab.srv.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
        with open(self.file("sshd.conf"), "w", encoding="ascii") as file:
            file.write(SSHD.format(dir=self.lab.dir, port=SSH_PORT))
        os.makedirs("/run/sshd", exist_ok=True)  # sshd's own, of its package
        self.lab.srv.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", self.file("sshd.conf")],
                           log="sshd.log")
        self.lab.srv.wait_listening(SSH_PORT)
        options = ["-i", key, "-F", "none", "-o", "StrictHostKeyChecking=no",
                   "-o", f"UserKnownHostsFile={self.file('known_hosts')}"]
        done = self.lab.lan.run(["ssh", *options, "-p", SSH_PORT, f"root@{SRV4}",
                                 "echo $SSH_CLIENT"])
        self.assertEqual(done.stdout.split()[0], VPS_SEEN4)
        with open(self.file("5mb"), "wb") as file:
            file.write(os.urandom(5_000_000))
        self.lab.lan.run(["scp", "-q", *options, "-P", SSH_PORT, self.file("5mb"),
                          f"root@[{SRV6}]:{self.file('5mb.copied')}"])
        self.assertEqual(sha256(self.file("5mb")), sha256(self.file("5mb.copied")))

    def test_iperf3_with_8_flows(self):
        # A server each: one is busy for a while after a test.
        for port, extra in ((IPERF_PORT, []), (IPERF_PORT + 1, ["-R"])):
            self.lab.srv.spawn(["iperf3", "-s", "-p", port], log="iperf3.log")
            self.lab.srv.wait_listening(port)
            done = self.lab.lan.run(["iperf3", "-c", SRV4, "-p", port, "-P", 8, "-t", 3,
                                     "-J", *extra], check=False)
            got = json.loads(done.stdout)
            self.assertNotIn("error", got)
            received = [s["receiver"]["bytes"] for s in got["end"]["streams"]]
            self.assertEqual(len(received), 8)
            self.assertGreater(min(received), 100_000)


if __name__ == "__main__":
    unittest.main()
