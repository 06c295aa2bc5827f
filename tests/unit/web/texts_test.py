#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The page's texts and colours: both languages have the same keys, what a view names is
there, nothing is there that no view names, and what is written can be read.

    texts_test.py web/page
"""
import glob
import os
import re
import sys

CONTRAST_MIN = 4.5  # WCAG 2.2, 1.4.3
# What is written upon what.
PAIRS = [(ink, on) for ink in ("ink", "quiet", "brand", "good", "warn", "bad")
         for on in ("card", "ground")] + [
    ("on-brand", "brand"), ("brand", "tint"), ("ink", "tint"), ("good", "good-tint"),
    ("warn", "warn-tint"), ("bad", "bad-tint")]
LINES = [(f"c{i}", "card") for i in range(8)]  # 1.4.11: of what is drawn
LINES_MIN = 3
# Named by a word of the daemon's.
BY_WORD = {"up", "degraded", "down", "gateway", "concentrator"}
PAGES = {"overview", "uplinks", "devices", "streams", "history", "scheduler", "forwards", "setup",
         "sites", "diagnostics"}
failed = []


def check(good, words):
    if not good:
        failed.append(words)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def keys_of(text):
    """"loading", "states", "states.up" ..."""
    found, outer = [], None
    for line in text.splitlines():
        match = re.match(r"( +)(\w+):(.*)", line)
        if not match:
            continue
        indent, key, rest = match.groups()
        if len(indent) == 2:
            outer = key if rest.strip().startswith("{") else None
            found.append(key)
            if outer:
                found += [f"{outer}.{inner}" for inner in re.findall(r"(\w+):", rest)]
        elif outer:
            found.append(f"{outer}.{key}")
    return found


def luminance(colour):
    if len(colour) == 4:
        colour = "#" + "".join(c * 2 for c in colour[1:])
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def check_colours(css):
    for name, block in zip(("light", "dark"), re.findall(r":root \{(.*?)\}", css, re.S)):
        token = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
        for pairs, least in ((PAIRS, CONTRAST_MIN), (LINES, LINES_MIN)):
            for ink, on in pairs:
                ratio = contrast(token[ink], token[on])
                check(ratio >= least, f"{name}: {ink} on {on}: contrast {ratio:.2f} < {least}")


def main(folder):
    en, fr = (read(os.path.join(folder, f"{name}.js")) for name in ("en", "fr"))
    check(keys_of(en) == keys_of(fr), "keys of one language alone, or in another order: "
          f"{set(keys_of(en)) ^ set(keys_of(fr))}")
    known = {key for key in keys_of(en) if "." not in key}
    views = "".join(read(path) for path in glob.glob(os.path.join(folder, "*.js"))
                    if not re.match(r"(en|fr)[._]", os.path.basename(path)))
    named = set(re.findall(r"\bt\.(\w+)", views))
    check(named <= known, f"named by a view, and no text: {named - known}")
    unused = known - named - BY_WORD - PAGES
    check(not unused, f"texts that no view names: {unused}")
    check_colours(read(os.path.join(folder, "style.css")))
    print("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
