#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""TUN devices against the real kernel, with each step of offload: the same bytes
arrive, however many packets were cut from one, or merged into one.

    one  tun0 10.9.0.1, fd09::1 ---- tun_tool ---- tun0 10.9.0.2, fd09::2  two
"""
import hashlib
import os
import random
import re
import socket
import subprocess
import threading
import unittest

from kernel_ns import ROOT, WAIT_S, KernelTest, Tool, eventually

TUN_TOOL = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")),
                        "tests/lab/tun_tool")
ONE, TWO = ("10.9.0.1", "fd09::1"), ("10.9.0.2", "fd09::2")
STREAM = 16 << 20
SEGMENT, SEGMENTS, SENDS = 1200, 40, 25
UDP_SEGMENT, SO_RCVBUFFORCE = 103, 33


def bytes_of(seed, n):
    return random.Random(seed).randbytes(n)


def udp(space, address):
    with space.entered():
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                             socket.SOCK_DGRAM)
    sock.settimeout(WAIT_S)
    return sock


class TunTest(KernelTest):
    SPACES = ("one", "two")

    def start(self, offload):
        tool = Tool([TUN_TOOL, offload, self.one.name, self.two.name])
        self.addCleanup(tool.close)
        ready = tool.expect("ready").split()[1:]
        with self.two.entered():
            index = socket.if_nametoindex("tun0")
        self.check(f"{offload}: the kernel's number of it", ready.pop() == str(index), index)
        for space, mine in ((self.one, ONE), (self.two, TWO)):
            space.ip(f"addr add {mine[0]}/24 dev tun0", f"-6 addr add {mine[1]}/64 dev tun0 nodad",
                     "link set tun0 up")
        return tool, ready

    def counters(self, tool):
        result = {}
        for name, line in zip(("one", "two"), tool.ask("")):
            result.update({f"{name}.{k}": int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)})
        return result

    def stream(self, source, target, address, seed):
        """A TCP stream's bytes; are they what was sent?"""
        data = bytes_of(seed, STREAM)
        with target.entered():
            server = socket.create_server((address, 9), family=socket.AF_INET6
                                          if ":" in address else socket.AF_INET)
        got = hashlib.sha256()

        def receive():
            server.settimeout(WAIT_S)
            conn = server.accept()[0]
            conn.settimeout(WAIT_S)
            while piece := conn.recv(1 << 20):
                got.update(piece)
            conn.close()

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        with source.connect(address, 9) as sock:
            sock.sendall(data)
        thread.join(5 * WAIT_S)
        server.close()
        return got.digest() == hashlib.sha256(data).digest()

    def datagrams(self, source, target, address):
        """Large sends that the kernel would cut (UDP_SEGMENT), the last segment of each
        shorter; how many segments arrived whole and in order."""
        sink, sock = udp(target, address), udp(source, address)
        sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sink.bind((address, 7))
        sock.connect((address, 7))
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        right = 0
        for i in range(SENDS):
            data = bytes_of(i, SEGMENT * (SEGMENTS - 1) + 1 + i * 40)
            sock.send(data)
            for at in range(0, len(data), SEGMENT):
                right += sink.recv(4096) == data[at:at + SEGMENT]
        sink.close()
        sock.close()
        return right

    def test_same_bytes(self):
        for offload in ("none", "tcp", "udp"):
            tool, ready = self.start(offload)
            if offload == "udp" and ready == ["tcp", "tcp"]:
                print("skipped: this kernel has no UDP offload for TUN")
                tool.close()
                continue
            self.check(f"{offload}: it has it", ready == [offload, offload], ready)
            first = self.counters(tool)  # what came before both links were up is lost
            for i in (0, 1):
                self.check(f"{offload}: a stream to {TWO[i]} is exact",
                           self.stream(self.one, self.two, TWO[i], i))
                self.check(f"{offload}: and one to {ONE[i]}",
                           self.stream(self.two, self.one, ONE[i], 2 + i))
            before = self.counters(tool)
            for address in TWO:
                right = self.datagrams(self.one, self.two, address)
                self.check(f"{offload}: datagrams to {address} are, and in order",
                           right == SENDS * SEGMENTS, right)
            self.check(f"{offload}: echoes", eventually(  # it waits for two round trips only
                lambda: " 0% packet loss" in self.one.run(
                    "ping", "-c", "3", "-i", "0.2", "-s", "1400", "-M", "do", TWO[0]).stdout))
            now = self.counters(tool)
            lost = {k: v for k, v in now.items() if v != first[k]
                    and k.split(".")[1] in ("memory", "invalid", "long", "write")}
            self.check(f"{offload}: nothing was dropped", not lost, lost)
            calls = [now[k] - before[k] for k in ("one.reads", "two.writes")]
            many = 2 * SENDS * SEGMENTS
            self.check(f"{offload}: calls of the kernel for {many} datagrams",
                       all(c < many / 5 if offload == "udp" else c >= many for c in calls), calls)
            self.check(f"{offload}: calls for the streams",
                       before["one.reads"] < before["one.read"] / 2 if offload != "none"
                       else before["one.reads"] == before["one.read"], before)
            tool.process.stdin.close()
            self.check(f"{offload}: it ends", tool.process.wait(WAIT_S) == 0, tool.process.poll())
            tool.close()

    def test_deleted(self):
        tool, _ = self.start("udp")
        subprocess.run(["ip", "-n", self.two.name, "link", "del", "tun0"], check=True)
        gone = tool.expect("gone")
        self.check("who reads it learns that it is gone", gone == "gone EBADFD", gone)


if __name__ == "__main__":
    unittest.main()
