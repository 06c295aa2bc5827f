# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What the daemon may answer to the page, state by state: the renderers' golden files, and
histories as docs/history.schema.json has them."""
import copy
import json
import math
import os

MAC, MAC2 = "00:16:3e:01:02:03", "00:16:3e:0a:0b:0c"
NOW_S = 1796000000
STEPS = {"seconds": (1, 600), "minutes": (60, 1440), "hours": (3600, 744), "days": (86400, 365)}
SECTIONS = {
    "gateway": "config uplink 'dsl'\n\toption device 'wan1'\nconfig bypass 'tv'\n"
               f"\tlist name 'example.com'\n\tlist host '{MAC2}'\n\toption to 'dsl'\n"
               f"config class 'bulk'\n\tlist host '{MAC2}'\n",
    "concentrator": "config site 'home'\n\toption pin 'sha256:x'\nconfig forward 'web'\n"
                    "\toption site 'home'\n\toption protocol 'tcp'\n\toption listen '[::]:8080'\n"
                    "\toption to '192.168.1.10:80'\n",
}
LOG = "2026-11-29 06:00:00 info: session: up\n2026-11-29 06:00:01 warning: uplink lte: down\n"
FINDINGS = {"schema_version": 1, "findings": [
    {"step": "carrier", "subject": "lte",
     "text": "no carrier: the cable is out, or the modem not connected",
     "remedy": "ip link show wan2   # the cable, the modem"},
    {"step": "tcp", "subject": "dsl, sat",
     "text": "no answer; the concentrator's port may be closed, or this uplink's access broken",
     "remedy": "ping -I wan1 203.0.113.10   # then let port 443 in on the concentrator"}],
    "notes": [
        {"step": "nat", "subject": "lte",
         "text": "100.71.2.3 is behind a NAT of the provider's, and seen as 198.51.100.7; it "
                 "changes the ports; datagrams pass, one every 15 s at least",
         "remedy": "ip address show wan2   # nothing is to be done: 'config forward' on the "
                   "concentrator leads in from outside"}]}
SPEEDS = {"schema_version": 1, "results": [
    {"uplink": name, "down_bytes_per_s": down, "up_bytes_per_s": up, "idle_echo_us": 10600,
     "down_echo_us": 21100, "up_echo_us": 20500}
    for name, down, up in (("dsl", 5950000, 2212500), ("lte", 2325000, 1187500),
                           ("all together", 8337500, 3537500))]}
PAGE_WHY = "makes more of lte: 40 % go by it instead of 20 %"
ADVICE = {"pick": 1, "command": "aggctl scheduler ecf order roundrobin reinjection tail",
          "loads": {"page": {"best": 1, "why": PAGE_WHY,
                             "figure": "30 objects beside a download, all there after"},
                    "bulk": {"best": 0, "why": "no difference: none gains 5 %",
                             "figure": "one download"}},
          "candidates": [
              {"interactive": name, "bulk": name, "order": "roundrobin", "reinjection": "tail",
               "loads": {"page": {"value": 900.5 / ratio, "unit": "ms", "ratio": ratio},
                         "bulk": {"value": 61.2, "unit": "Mbit/s", "ratio": 1.01}}}
              for name, ratio in (("srpt_ecf", 1), ("ecf", 1.2), ("lowrtt", 0.8))]}
TOKEN = "aggd1_" + "kUb4QwertyX" * 20
QR = "\n".join("".join("1" if (x * y + x) % 3 else "0" for x in range(57)) for y in range(57))


def total(down, up):
    return {"down_bytes": down, "up_bytes": up}


def subject(kind, name, address=None, gb=1.0, cap=None):
    month = kind == "uplink"
    down = int(gb * 10**9)
    return {"kind": kind, "name": name, "address": address,
            "now": {"down_bytes_per_s": down // 400, "up_bytes_per_s": down // 4000},
            "seconds": total(down // 20, down // 200), "minutes": total(down, down // 10),
            "hours": total(down * 20, down * 2), "days": total(down * 200, down * 20),
            "month_from_s": NOW_S - 864000 if month else None,
            "month_bytes": down * 20 if month else None, "cap_bytes": cap}


def history():
    return {"schema_version": 1, "now_s": NOW_S, "unsaved": None, "subjects": [
        subject("uplink", "dsl", gb=2), subject("uplink", "lte", gb=0.7, cap=20 * 10**9),
        subject("device", MAC, "192.168.100.20", 1.5), subject("device", MAC2, "192.168.100.21", 1),
        subject("others", "others", gb=0.01)]}


def series(name, level):
    """Two hills and a gap."""
    step, slots = STEPS[level]
    down = [int(2e6 * step * (1 + math.sin(i / slots * 12)) * (0.4 if name == "lte" else 1))
            for i in range(slots)]
    quality = name in ("dsl", "lte")
    return {"schema_version": 1, "kind": "uplink" if quality else "device", "name": name,
            "level": level, "step_s": step, "from_s": NOW_S - slots * step, "down_bytes": down,
            "up_bytes": [n // 6 for n in down],
            "rtt_us": [12000 + n % 3000 if i % 50 else None for i, n in enumerate(down)]
            if quality else None,
            "loss_ppm": [n % 900 for n in down] if quality else None}


def answer_history(words):
    return 200, json.dumps(series(words[0], words[1].removeprefix("--")))


class States:
    def __init__(self, root):
        self.golden = os.path.join(root, "tests/unit/report/golden")

    def read(self, name):
        with open(os.path.join(self.golden, name + ".json"), encoding="utf-8") as file:
            return json.load(file)

    def gateway(self, kind="up"):
        state = self.read("gateway")
        session, uplinks = state["sessions"][0], state["uplinks"][:2]
        uplinks[1]["why"] = "no progress" # as the daemon says it
        if kind == "degraded":
            return state
        session["interception"] = {"state": "in force", "why": None}
        state["uplinks"] = uplinks
        if kind == "down":
            session.update(state="outage", why="no path works; new connections leave directly")
            state.update(state="down", limit=session["why"])
            for u in uplinks:
                u.update(state="down", down_bytes_per_s=0, up_bytes_per_s=0, srtt_us=None,
                         why="no carrier: the cable is out, or the modem not connected")
            return state
        state.update(state="up", limit="download at 63.0 Mbit/s, as dsl and lte are full")
        uplinks[1].update(state="up", why=None, down_bytes_per_s=2300000, up_bytes_per_s=400000)
        return state

    def unpaired(self):
        return dict(self.read("started"), paired=False,
                    limit="this gateway has not joined a concentrator yet; 'aggctl join TOKEN' "
                          "does it, or its page")

    def concentrator(self, kind="degraded"):
        state = self.read("concentrator")
        if kind == "empty":
            state.update(sessions=[], uplinks=[], state="up", limit="no gateway is connected")
        return state

    def choices(self, role):
        state = self.read("choices")
        for choice in state["choices"]:
            choice["summary"] = "the path of least round-trip time that has room"
        state["sessions"] = (self.concentrator() if role == "concentrator"
                             else self.gateway())["sessions"]
        return state

    def put(self, stub, state):
        """All that goes with it."""
        role = state["role"]
        streams = self.read("concentrator" if role == "concentrator" else "streams")["streams"]
        idle = not state["sessions"]
        stub.gets = {"streams": dict(self.read("streams"), streams=[] if idle else streams),
                     "history": "a history is kept on a gateway\n" if role == "concentrator"
                     else dict(history(), subjects=[]) if idle else history(),
                     "scheduler": self.choices(role),
                     "sites": {"sites": [] if idle else self.read("concentrator")["sites"]}}
        if idle:
            stub.gets["scheduler"]["sessions"] = []
        stub.posts = {
            "sections": (200, "" if idle else SECTIONS[role]), "log": (200, LOG),
            "history": answer_history, "doctor": job(json.dumps(FINDINGS)),
            "speedtest": job(json.dumps(SPEEDS)), "advise": job(json.dumps(ADVICE)),
            "film": job("<!doctype html>"), "qr": (200, QR + "\n"),
            "bugreport": job("== configuration\n"), "reload": (200, "reloaded\n"),
            "join": job("aggctl: this is no invitation: an invitation begins with aggd1_\n", 422),
            "scheduler": (422, "there is no scheduler 'x'; allowed: ecf, blest\n"),
            "set": (422, "/etc/config/aggd:7: uplink 'dsl': cap 'much' is not allowed; "
                    "allowed: bytes of traffic (kB, MB, GB, TB, by 1000)\n"),
            "invite": lambda words: (200, f"{TOKEN}\ngood once, until 2026-11-29 07:00 UTC, for "
                                     "site 'cabin', at 203.0.113.10:443\n") if words[0] else
            (200, "cabin: invited until 2026-11-29 07:00 UTC\n")}
        stub.push(copy.deepcopy(state))


def job(text, code=200):
    """Begun, and over when it is asked for."""
    return lambda words: (200, "") if words[0] == "start" else (code, text)
