#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""What programs get is what is written of it: the golden files' JSON is as
docs/report.schema.json says, to the key; their metrics are OpenMetrics 1.0, read
strictly (and by promtool, where there is one); docs/grafana.json shows metrics that
there are.

    formats.py GOLDEN_DIR DOCS_DIR
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

failed = []


def check(good, words):
    if not good:
        failed.append(words)
        print(words)
    return good


# JSON Schema, as much of it as ours uses.

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "null": type(None)}
WORDS = {"$ref", "$schema", "$defs", "title", "description", "type", "enum", "const", "minimum",
         "properties", "required", "additionalProperties", "items"}


def is_of(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def validate(value, schema, root, where):
    check(set(schema) <= WORDS, f"{where}: the schema says {set(schema) - WORDS}")
    if "$ref" in schema:
        validate(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, where)
    if "const" in schema:
        check(value == schema["const"], f"{where}: {value}")
    if "enum" in schema:
        check(value in schema["enum"], f"{where}: {value}")
    kinds = schema.get("type", list(TYPES))
    if not check(any(is_of(value, t) for t in ([kinds] if isinstance(kinds, str) else kinds)),
                 f"{where}: {value!r} is no {kinds}"):
        return
    if isinstance(value, int) and "minimum" in schema:
        check(value >= schema["minimum"], f"{where}: {value}")
    if isinstance(value, dict):
        validate_object(value, schema, root, where)
    for i, item in enumerate(value if isinstance(value, list) else ()):
        validate(item, schema["items"], root, f"{where}[{i}]")


def validate_object(value, schema, root, where):
    for key in schema.get("required", ()):
        check(key in value, f"{where} lacks {key}")
    for key, item in value.items():
        known = schema.get("properties", {}).get(key)
        others = schema.get("additionalProperties", True)
        if known is not None:
            validate(item, known, root, f"{where}.{key}")
        elif check(others is not False, f"docs/report.schema.json does not tell of {where}.{key}") \
                and isinstance(others, dict):
            validate(item, others, root, f"{where}.{key}")


# OpenMetrics 1.0.

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
META = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|NaN|[+-]Inf)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = {"counter": ["_total"], "info": ["_info"], "gauge": [""]}


class Metrics:
    def __init__(self, text, where):
        self.where = where
        self.types, self.units, self.series = {}, {}, set()
        self.closed, self.family = set(), None
        self.said = set()
        if check(text.endswith("# EOF\n"), f"{where}: no EOF at the end"):
            for number, line in enumerate(text.split("\n")[:-2], 1):
                self.line(line, f"{where}:{number}")
        for family, unit in self.units.items():
            check(family.endswith("_" + unit), f"{where}: {family} is not in {unit}")

    def enter(self, family, at):
        if family != self.family:
            check(family not in self.closed, f"{at}: {family} is in two parts")
            if self.family:
                self.closed.add(self.family)
            self.family = family

    def line(self, line, at):
        meta = META.fullmatch(line)
        if meta:
            what, family, rest = meta.groups()
            self.enter(family, at)
            check((what, family) not in self.said, f"{at}: {what} is said again")
            check(not any(s[0] == family for s in self.series), f"{at}: {what} after a sample")
            self.said.add((what, family))
            if what == "TYPE":
                check(rest in SUFFIXES, f"{at}: type {rest}")
                self.types[family] = rest
            if what == "UNIT":
                self.units[family] = rest
            return
        sample = SAMPLE.fullmatch(line)
        if check(sample, f"{at}: {line}"):
            self.sample(*sample.groups(), at)

    def sample(self, name, labels, value, at):
        family = self.family
        kind = self.types.get(family)
        if not check(kind and name in [family + s for s in SUFFIXES[kind]],
                     f"{at}: {name} is not of {family}, a {kind}"):
            return
        found = LABEL.findall(labels or "")
        check("".join(f'{k}="{v}",' for k, v in found).rstrip(",") == (labels or ""),
              f"{at}: labels {labels}")
        check(len({k for k, _ in found}) == len(found), f"{at}: a label is there twice")
        series = (family, tuple(sorted(found)))
        check(series not in self.series, f"{at}: {series} again")
        self.series.add(series)
        check(kind != "info" or value == "1", f"{at}: an info is 1")
        check(kind != "counter" or float(value) >= 0, f"{at}: a counter falls")


def check_promtool(text, where):
    """It takes OpenMetrics with timestamps only."""
    stamped = "".join(l if l.startswith("#") else l.rstrip("\n") + " 1700000000\n"
                      for l in text.splitlines(True))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "metrics")
        with open(path, "w", encoding="utf-8") as file:
            file.write(stamped)
        done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", path,
                               os.path.join(folder, "out")], capture_output=True, text=True,
                              check=False)
        check(done.returncode == 0, f"{where}: promtool: {done.stderr}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_dashboard(path, names):
    dashboard = json.loads(read(path))
    used, ids, places = set(), set(), set()
    for panel in dashboard["panels"]:
        check(panel["title"] and panel["type"] in ("stat", "timeseries"), f"{path}: {panel}")
        ids.add(panel["id"])
        places.add((panel["gridPos"]["x"], panel["gridPos"]["y"]))
        for target in panel["targets"]:
            used |= set(re.findall(r"\baggd_[a-z0-9_]+", target["expr"]))
            check(target["expr"].count("(") == target["expr"].count(")"), target["expr"])
    check(len(ids) == len(places) == len(dashboard["panels"]), f"{path}: panels overlap")
    for variable in dashboard["templating"]["list"]:
        used |= set(re.findall(r"\baggd_[a-z0-9_]+", str(variable.get("query"))))
    check(len(used) > 10, f"{path}: only {used}")
    for name in used - names:
        check(False, f"{path}: there is no metric {name}")


def main(golden, docs):
    schema = json.loads(read(os.path.join(docs, "report.schema.json")))
    for path in sorted(glob.glob(os.path.join(golden, "*.json"))):
        validate(json.loads(read(path)), schema, schema, os.path.basename(path))
    names = set()
    for path in sorted(glob.glob(os.path.join(golden, "*.metrics"))):
        metrics = Metrics(read(path), os.path.basename(path))
        names |= {f + s for f, t in metrics.types.items() for s in SUFFIXES[t]}
        if shutil.which("promtool"):
            check_promtool(read(path), path)
    check(len(names) > 20, f"{golden}: only {names}")
    check_dashboard(os.path.join(docs, "grafana.json"), names)
    # And what is not so is found.
    before = len(failed)
    for bad in ("aggd_x 1\n# EOF\n", "# TYPE aggd_x gauge\naggd_x 1\n",
                "# TYPE a counter\na 1\n# EOF\n", '# TYPE a gauge\na{b="c"d} 1\n# EOF\n',
                "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na 2\n# EOF\n"):
        count = len(failed)
        Metrics(bad, "made")
        if len(failed) == count:
            print(f"nothing was found wrong with {bad!r}")
            return 1
    del failed[before:]
    print(f"{len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
