#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The key tables without their help, which only the manual is written from: for the
smallest build (-Dprofile=router).

    without_help.py IN.c OUT.c
"""
import re
import sys

HELP = re.compile(r'\.help = (?:(?:"(?:[^"\\\n]|\\.)*"|[A-Z_]+)\s*)+')

with open(sys.argv[1], encoding="utf-8") as file:
    text, count = HELP.subn(".help = NULL ", file.read())
if not count:
    sys.exit(f"{sys.argv[1]}: no help is found")
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write(text)
