#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Manuals and completions are well formed, and name all that there is.

    documents.py SOURCE BUILD       exit status 77: a program is missing
"""
import os
import re
import shutil
import subprocess
import sys

PAGES = ("aggd.8", "aggctl.1", "aggsim.1", "aggd.conf.5")
NEEDED = ("scdoc", "mandoc", "bash", "zsh", "fish")
# What bash completes: words typed so far, the last one being completed.
BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_aggctl
printf '%s\n' "${COMPREPLY[@]}"
"""

failed = []


def check(good, words):
    if not good:
        failed.append(words)
        print(words)


def run(*argv, **kwargs):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **kwargs)


def page_text(build, page):
    """As a person reads it, in one line."""
    path = os.path.join(build, "docs", page)
    lint = run("mandoc", "-T", "lint", "-W", "error", path)
    check(lint.returncode == 0, f"{page}: {lint.stdout}")
    text = run("mandoc", "-T", "utf8", "-O", "width=300", path).stdout
    return " ".join(re.sub(r".\x08", "", text).split())


def options_of(*argv):
    text = run(*argv).stdout
    return set(re.findall(r"--[a-z][a-z-]+", text))


def verbs_of(aggctl):
    help_text = run(aggctl, "help").stdout.split("\n\n")[1]
    return set(re.findall(r"^  ([a-z]+) ?", help_text, re.M))


def check_pages(source, build):
    texts = {page: page_text(build, page) for page in PAGES}
    aggctl = os.path.join(build, "aggctl")
    with open(os.path.join(source, "docs", "aggd.conf.md"), encoding="utf-8") as file:
        keys = re.findall(r"^### (.*)$", file.read(), re.M)
    check(len(keys) > 20, "no keys in docs/aggd.conf.md")
    wanted = {
        "aggd.conf.5": keys,
        "aggctl.1": verbs_of(aggctl) | options_of(aggctl, "help"),
        "aggsim.1": options_of(os.path.join(build, "aggsim"), "--help"),
        "aggd.8": options_of(os.path.join(build, "aggd"), "--help"),
    }
    for page, words in wanted.items():
        for word in words:
            check(word in texts[page], f"{page} does not name '{word}'")


def complete_bash(build, *words):
    done = run("bash", "-c", BASH, "bash", os.path.join(build, "docs", "aggctl"), *words,
               env=dict(os.environ, PATH=build + ":" + os.environ["PATH"],
                        AGGD_CONTROL="/nowhere/aggd.sock"))
    check(not done.stderr, f"bash: {done.stderr}")
    return set(done.stdout.split())


def check_bash(build, verbs):
    got = complete_bash(build, "aggctl", "")
    check(verbs <= got, f"bash lacks {verbs - got}")
    check(complete_bash(build, "aggctl", "sta") == {"status"}, "bash: sta")
    got = complete_bash(build, "aggctl", "-s", "/x", "status", "--")
    check({"--json", "--watch"} <= got and "--class" not in got, f"bash: status: {got}")
    check(complete_bash(build, "aggctl", "scheduler", "--class", "b") == {"bulk"}, "bash: class")
    check("reinjection" in complete_bash(build, "aggctl", "scheduler", "re"), "bash: scheduler")
    check("/etc" in complete_bash(build, "aggctl", "keygen", "/et"), "bash: a directory")
    check(complete_bash(build, "aggctl", "reload", "x") == set(), "bash: nothing")


def check_fish(build, verbs):
    path = os.path.join(build, "docs", "aggctl.fish")

    def complete(line):
        done = run("fish", "--no-config", "-c", f"source {path}; complete -C '{line}'")
        check(done.returncode == 0, f"fish: {done.stderr}")
        return {l.split("\t")[0] for l in done.stdout.splitlines()}

    got = complete("aggctl ")
    check(verbs <= got, f"fish lacks {verbs - got}")
    got = complete("aggctl status --")
    check("--watch" in got and "--class" not in got, f"fish: status: {got}")
    check(complete("aggctl completion z") == {"zsh"}, "fish: words")


def check_zsh(build, verbs):
    path = os.path.join(build, "docs", "_aggctl")
    done = run("zsh", "-n", path)
    check(done.returncode == 0, f"zsh: {done.stderr}")
    with open(path, encoding="utf-8") as file:
        got = set(re.findall(r"^\t\t'([a-z]+):", file.read(), re.M))
    check(verbs <= got, f"zsh lacks {verbs - got}")


def main(source, build):
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        print("skipped: there is no", ", ".join(missing))
        return 77
    check_pages(source, build)
    verbs = verbs_of(os.path.join(build, "aggctl"))
    check({"status", "doctor"} <= verbs, f"verbs: {verbs}")
    check_bash(build, verbs)
    check_fish(build, verbs)
    check_zsh(build, verbs)
    print(f"{len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
