#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Datagrams at a constant rate, and how they arrive. All hosts of the lab have one
clock, so a delay is one-way.

    udp_flow.py send TARGET RATE SIZE SECONDS   so many a second; prints how many went
    udp_flow.py recv TARGET SECONDS             prints JSON: what came, when and how

TARGET is HOST:PORT; or PORT alone: then the other end says where it is by a hello,
which gets through a NAT that would let nobody in.
"""
import json
import select
import socket
import struct
import sys
import time

HEAD = struct.Struct(">QQ")
HELLO = b"hello"
TICK_S = 0.002
QUIET_S = 1      # after the last one
START_S = 15     # until the first
BUFFER = 8 << 20


def open_socket(target):
    """The socket, and where to send to: None until a hello came."""
    host, _, port = target.rpartition(":")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    if host:
        return sock, (host, int(port))
    sock.bind(("", int(port)))
    return sock, None


def send(target, rate, size, seconds):
    sock, peer = open_socket(target)
    if not peer:
        sock.settimeout(START_S)
        peer = sock.recvfrom(100)[1]
    padding, sent = bytes(max(size - HEAD.size, 0)), 0
    start = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        due = int((now - start) * rate) + 1
        while sent < due:
            sock.sendto(HEAD.pack(sent, time.monotonic_ns()) + padding, peer)
            sent += 1
        time.sleep(TICK_S if rate > 1 / TICK_S else 1 / rate / 4)
    print(sent)


def receive(sock, peer):
    """(number, delay in ns, when) of each."""
    got, end = [], time.monotonic() + START_S
    while time.monotonic() < end:
        if peer and not got:
            sock.sendto(HELLO, peer)
        if not select.select([sock], [], [], 0.2)[0]:
            continue
        data, now = sock.recv(2000), time.monotonic_ns()
        if len(data) >= HEAD.size:
            number, then = HEAD.unpack_from(data)
            got.append((number, now - then, now))
            end = time.monotonic() + QUIET_S
    return got


def judge(got):
    delays = sorted(d for _, d, _ in got)
    highest, late = -1, 0
    for number, _, _ in got:
        late += number < highest
        highest = max(highest, number)
    times = [at for _, _, at in got]
    gaps = [b - a for a, b in zip(times, times[1:])]

    def quantile(share):
        return delays[min(int(len(delays) * share), len(delays) - 1)] / 1e6 if delays else None

    return {"received": len({n for n, _, _ in got}), "out_of_order": late,
            "p50_ms": quantile(0.5), "p99_ms": quantile(0.99),
            "gap_ms": max(gaps, default=0) / 1e6}


def main():
    if sys.argv[1] == "send":
        send(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    else:
        print(json.dumps(judge(receive(*open_socket(sys.argv[2])))))


if __name__ == "__main__":
    main()
