# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Reads a scenario: one line an uplink, the first is the gateway's best route.

    uplink NAME device=wan1 down=50 up=20 delay=5 jitter=0 loss=0 queue=100
    uplink NAME device=wan1 veth          (no emulator, no limits)
"""
import os
import re
from dataclasses import dataclass

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")
UPLINKS_MAX = 9  # one digit in the addresses

# What reaches TCP of a full frame of 1518 bytes (14 + 4 of Ethernet, 20 + 32
# of IPv4 and TCP with timestamps). The figures of all systems use it.
PAYLOAD_SHARE = 1448 / 1518

NUMBERS = ("down", "up", "delay", "jitter", "loss", "burst", "queue")


@dataclass
class Uplink:
    name: str
    device: str
    veth: bool = False
    down: float = 0  # Mbit/s of frames
    up: float = 0
    delay: float = 0  # ms, one way
    jitter: float = 0
    loss: float = 0  # percent
    burst: float = 1
    queue: float = 100


class ScenarioError(Exception):
    pass


def parse_line(words, where):
    if len(words) < 3 or words[0] != "uplink":
        raise ScenarioError(f"{where}: expected 'uplink NAME device=DEVICE ...'")
    if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", words[1]):
        raise ScenarioError(f"{where}: name '{words[1]}': a-z, 0-9, at most 10")
    uplink = Uplink(words[1], "")
    for word in words[2:]:
        key, _, value = word.partition("=")
        if word == "veth":
            uplink.veth = True
        elif key == "device" and re.fullmatch(r"[a-z][a-z0-9]{0,13}", value):
            uplink.device = value
        elif key in NUMBERS and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            setattr(uplink, key, float(value))
        else:
            raise ScenarioError(f"{where}: '{word}': allowed are device=, veth, "
                                + ", ".join(k + "=NUMBER" for k in NUMBERS))
    if not uplink.device:
        raise ScenarioError(f"{where}: uplink '{uplink.name}' has no device=")
    return uplink


def load(name):
    """The uplinks of a scenario, by its name or its path."""
    path = name if "/" in name else os.path.join(SCENARIOS, name)
    try:
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        known = " ".join(sorted(os.listdir(SCENARIOS)))
        raise ScenarioError(f"no scenario '{name}'; there are: {known}") from None
    uplinks = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if words:
            uplinks.append(parse_line(words, f"{path}:{number}"))
    if not 1 <= len(uplinks) <= UPLINKS_MAX:
        raise ScenarioError(f"{path}: 1 to {UPLINKS_MAX} uplinks, not {len(uplinks)}")
    return uplinks


def limit_mbps(uplinks, direction):
    """What TCP can carry over all uplinks; direction is 'down' or 'up'."""
    return sum(getattr(u, direction) for u in uplinks) * PAYLOAD_SHARE


def fluid_bound_s(uplinks, size_bytes):
    """No scheduler delivers size_bytes sooner than this after a request left
    the client: the sum over the paths of rate * (T - delay) must reach the
    size (the fluid bound of one flow), plus the request's way there on the
    path of least delay."""
    paths = sorted((u.delay / 1e3, u.down * 1e6 / 8 * PAYLOAD_SHARE) for u in uplinks)
    rate_sum = weighted = 0.0
    best = None
    for i, (delay, rate) in enumerate(paths):
        rate_sum += rate
        weighted += rate * delay
        best = (size_bytes + weighted) / rate_sum
        if i + 1 == len(paths) or best <= paths[i + 1][0]:
            break
    return paths[0][0] + best
