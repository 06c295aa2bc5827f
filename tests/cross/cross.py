#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""aggd on other processors: ./dev cross [ARCH...], as root

Builds with Debian's cross compilers and libraries, in a Debian of its own below
build-cross/root (about 2 GB with all; the system's packages stay as they are), runs the
unit, contract and fuzz tests there under qemu-user, and joins a crowd of light gateways
of that processor to a concentrator of this one, in network namespaces: what they
carry must be exact. s390x is big-endian, armhf, i386 and mipsel have 32 bits. riscv64
takes Debian 13, whose root is build-cross/root-trixie. Two are of this machine's processor,
where whole gateways and concentrators run, too: "musl" has OpenWrt's C library (musl.py),
"trixie" is Debian 13 with its OpenSSL and mbedTLS, in every pair of the two.

A line each, details only of failures; the last line counts. Tests that ask the kernel
for what qemu-user does not pass on are left out, by name, and so are those that take
minutes under it.
"""
import json
import os
import re
import subprocess
import sys
import time

import musl

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CROSS = os.path.join(ROOT, "build-cross")
# Debian's name: the compiler's prefix, and the suite.
ARCHES = {
    "s390x": ("s390x-linux-gnu", "bookworm"),
    "armhf": ("arm-linux-gnueabihf", "bookworm"),
    "arm64": ("aarch64-linux-gnu", "bookworm"),
    "i386": ("i686-linux-gnu", "bookworm"),
    "mipsel": ("mipsel-linux-gnu", "bookworm"),
    "riscv64": ("riscv64-linux-gnu", "trixie"),
}
MUSL, TRIXIE = "musl", "trixie"
HERE_TOO = {MUSL: "bookworm", TRIXIE: "trixie"}
DEFAULT = [a for a, (_, suite) in ARCHES.items() if suite == "bookworm"]
TOOLS = ["meson", "ninja-build", "pkg-config", "python3", "ccache", "gcc", "libc6-dev",
         "qemu-user-static", "uthash-dev"]
LIBRARIES = ["libc6-dev", "libev-dev", "libssl-dev", "libmbedtls-dev", "libmnl-dev",
             "libnl-route-3-dev", "libc-ares-dev", "libjson-c-dev", "libcap-ng-dev",
             "libmicrohttpd-dev", "libsqlite3-dev", "libcmocka-dev"]
OPTIONS = ["-Dtests=enabled", "-Dqr=disabled"]
# What qemu-user does not have: options of sockets (SO_BINDTODEVICE, TCP_CONGESTION,
# TCP_INFO whole, UDP_SEGMENT), terminals of the root, what is mapped; and who starts
# programs of ours.
EMULATOR_LACKS = ["base/pages", "base/log", "kernel/neighbor", "kernel/sockopt",
                  "kernel/tcpinfo", "kernel/udp", "kernel/netifd", "kernel/job",
                  "transport/dgram", "transport/tunnel_shell", "transport/subflow", "proxy/inlet",
                  "ctl/aggctl"]
ROOT_LACKS = ["base/log", "ctl/aggctl"]  # terminals
# qemu-user gives MIPS, which has errno numbers of its own, this machine's in SO_ERROR.
ERRNO_OF_ITS_OWN = {"mipsel": ["proxy/dial", "proxy/direct", "proxy/outlet"]}
SLOW = ["sim/", "fuzz/tls_record", "transport/tunnel_flows", "transport/tunnel_networks",
        "lab/", "cost/"]
SEEDS = "20"
TIMES_SLOWER = "20"
WHOLE = ["aggd", "aggctl", "aggsim", "tests/lab/crowd"]
SITES, LANES, STREAMS, SIZE_MAX = 4, 2, 10, 200_000
PINGS = 10
JOIN_S, TRANSFER_S = 180, 300


class Report:
    def __init__(self):
        self.counts = {"passed": 0, "failed": 0}

    def add(self, good, name, seconds, details=""):
        self.counts["passed" if good else "failed"] += 1
        print(f"{'ok' if good else 'FAILED':8}{name}  {seconds:.1f} s", flush=True)
        if not good:
            for line in details.strip().splitlines()[-30:]:
                print("        " + line)


def run(argv, check=True, **kwargs):
    done = subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False, **kwargs)
    if check and done.returncode:
        sys.exit(f"cross: {' '.join(argv)}\n{done.stdout[-3000:]}")
    return done


def mirror():
    """Where this system's own packages come from."""
    sites = run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"])
    for site in sites.stdout.split():
        if re.search(r"/debian/?$", site):
            return site
    sys.exit("cross: apt knows no mirror of Debian")


def suite_of(arch):
    return ARCHES[arch][1] if arch in ARCHES else HERE_TOO[arch]


def root_of(arch):
    suite = suite_of(arch)
    return os.path.join(CROSS, "root" if suite == "bookworm" else f"root-{suite}")


def inside(root, words, check=True):
    """In the root, with the source at /src: its mounts go with the command."""
    script = ('mount --make-rprivate / && mkdir -p "$0/src" && mount --bind "$1" "$0/src" && '
              'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && r=$0 && shift && '
              'cd / && exec chroot "$r" env -C /src "$@"')
    env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive", AGGD_SEEDS=SEEDS,
               PATH="/usr/sbin:/usr/bin:/sbin:/bin", CCACHE_DIR="/src/build-cross/ccache")
    return run(["unshare", "--mount", "sh", "-c", script, root, ROOT, *words], check, env=env)


def prepare(arch):
    """The root, and in it the compiler and the libraries of arch."""
    root = root_of(arch)
    mark = os.path.join(root, f"ready-{arch}")
    if os.path.exists(mark):
        return
    if not os.path.exists(os.path.join(root, "usr/bin/apt-get")):
        suite = suite_of(arch)
        print(f"cross: a Debian {suite} in {os.path.relpath(root, ROOT)}", flush=True)
        os.makedirs(CROSS, exist_ok=True)
        run(["debootstrap", "--variant=minbase", suite, root, mirror()])
    print(f"cross: compiler and libraries for {arch}", flush=True)
    install = ["apt-get", "install", "-y", "--no-install-recommends"]
    if arch in ARCHES:
        inside(root, ["dpkg", "--add-architecture", arch])
    inside(root, ["apt-get", "update"])
    inside(root, [*install, *TOOLS])
    if arch == MUSL:
        inside(root, [*install, *musl.TOOLS])
        musl.prepare(root, inside)
    elif arch == TRIXIE:
        inside(root, [*install, *LIBRARIES])
    else:
        inside(root, [*install, f"gcc-{ARCHES[arch][0]}", *(f"{n}:{arch}" for n in LIBRARIES)])
    with open(mark, "w", encoding="ascii"):
        pass


def build(report, arch, name="", options=()):
    """name: of a second build for it."""
    start = time.monotonic()
    name = name or arch
    folder = f"build-cross/{name}"
    if not os.path.exists(os.path.join(ROOT, folder, "build.ninja")):
        # Newer libraries deprecate what older ones have nothing else for.
        more = ["-Dwerror=false"] if suite_of(arch) == "trixie" else []
        if arch != TRIXIE:
            more += ["--cross-file", f"tests/cross/{arch}.ini"]
        done = inside(root_of(arch), ["meson", "setup", folder, *OPTIONS, *more, *options],
                      check=False)
        if done.returncode:
            report.add(False, f"{name}: configure", time.monotonic() - start, done.stdout)
            return False
    # Some tests are glibc's, and are not compiled with another.
    targets = [*WHOLE, *programs(arch).values()] if arch == MUSL else []
    done = inside(root_of(arch), ["ninja", "-j2", "-C", folder, *targets], check=False)
    lines = [l for l in done.stdout.splitlines() if not l.startswith("[")]
    report.add(not done.returncode, f"{name}: build", time.monotonic() - start,
               "\n".join(lines))
    return not done.returncode


def programs(arch):
    """The tests that are programs of that processor's, and ask for no more than that: the
    path below the build's."""
    path = os.path.join(CROSS, arch, "meson-info", "intro-tests.json")
    with open(path, encoding="utf-8") as file:
        tests = json.load(file)
    lacks = {MUSL: musl.LACKS, TRIXIE: ROOT_LACKS}.get(arch, EMULATOR_LACKS)
    left_out = [*SLOW, *lacks, *ERRNO_OF_ITS_OWN.get(arch, ())]
    return {t["name"]: os.path.relpath(t["cmd"][0], f"/src/build-cross/{arch}") for t in tests
            if not any("python" in os.path.basename(w) or w.endswith(".py") for w in t["cmd"][:2])
            and not any(t["name"].startswith(name) for name in left_out)}


def chosen(arch):
    """And can be run."""
    return [name for name, path in programs(arch).items()
            if arch != MUSL or musl.is_whole(run, os.path.join(CROSS, arch, path))]


def run_tests(report, arch):
    folder = f"build-cross/{arch}"
    log = os.path.join(ROOT, folder, "meson-logs", "testlog.json")
    names = chosen(arch)
    inside(root_of(arch), ["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", "2",
                           "-t", TIMES_SLOWER, *names], check=False)
    seen = set()
    with open(log, encoding="utf-8") as file:
        for test in map(json.loads, file):
            name = test["name"].rpartition(" / ")[2]
            seen.add(name)
            report.add(test["result"] == "OK", f"{arch}: {name}", test["duration"],
                       f"{test['result']}\n{test.get('stdout', '')}\n{test.get('stderr', '')}")
    for name in set(names) - seen:
        report.add(False, f"{arch}: {name}", 0, "meson did not run it")


def recorded(report, arch):
    """What a session there says, this machine understands; the other way round is
    the unit test's, which plays what was recorded here."""
    start = time.monotonic()
    program = "tests/unit/transport/wire_recorded_test"
    path = f"build-cross/{arch}/session.wire"
    emulator = ["/usr/bin/" + qemu_of(arch)] if arch in ARCHES else []
    said = inside(root_of(arch), [*emulator, f"build-cross/{arch}/{program}", "record", path],
                  check=False)
    heard = run([os.path.join(ROOT, "build", program), os.path.join(ROOT, path)], check=False)
    report.add(not said.returncode and not heard.returncode,
               f"{arch}: this machine understands its session", time.monotonic() - start,
               said.stdout + heard.stdout)


def loader(arch):
    """The words by which a program of that root runs outside of it."""
    root = root_of(arch)
    if arch == MUSL:
        return [os.path.join(root, "lib/ld-musl-x86_64.so.1"), "--library-path",
                os.path.join(ROOT, musl.FOLDER, "lib")]
    if arch == TRIXIE:
        return [os.path.join(root, "lib64/ld-linux-x86-64.so.2"), "--library-path",
                os.path.join(root, "usr/lib/x86_64-linux-gnu")]
    return [os.path.join(root, "usr/bin", qemu_of(arch)), "-L", root]


def join_and_carry(arch):
    """Light gateways under the emulator, a concentrator of this machine's."""
    sys.path.insert(0, os.path.join(ROOT, "tests/lab"))
    from aggd import Aggd  # pylint: disable=import-outside-toplevel
    from crowd import Crowd, make_room
    from lab import Lab
    crowd_of_arch = [*loader(arch), os.path.join(CROSS, arch, "tests/lab/crowd")]
    with Lab("fast") as lab:
        aggd = Aggd(lab)
        make_room(lab)
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        crowd = Crowd(aggd, SITES, LANES, STREAMS, SIZE_MAX, program=crowd_of_arch)
        aggd.concentrator_options = {"sites": crowd.sites_dir}
        aggd.write_configs()
        aggd.start_concentrator()
        try:
            crowd.connect(JOIN_S)
            got = crowd.transfer(TRANSFER_S)
        finally:
            aggd.stop()
    if (got["ok"], got["bad"], got["failed"]) != (SITES * STREAMS, 0, 0):
        raise AssertionError(str(got))


def qemu_of(arch):
    with open(os.path.join(HERE, f"{arch}.ini"), encoding="ascii") as file:
        return re.search(r"exe_wrapper = '(.*)'", file.read())[1]


def whole_pair(arch, gw, vps):
    """A gateway and a concentrator of these builds: streams that TPROXY took, and packets."""
    sys.path.insert(0, os.path.join(ROOT, "tests/lab"))
    from aggd import Aggd, wait_until  # pylint: disable=import-outside-toplevel
    from lab import SRV4, Lab  # pylint: disable=import-outside-toplevel
    with Lab("S2") as lab:
        aggd = Aggd(lab, under=dict.fromkeys(("gw", "vps"), loader(arch)))
        aggd.program = {"gw": os.path.join(CROSS, gw, "aggd"),
                        "vps": os.path.join(CROSS, vps, "aggd")}
        lab.srv.spawn(["aggload", "server"])
        lab.srv.wait_listening(7777)
        aggd.start()
        try:
            wait_until(lambda: pinged(lab, aggd, SRV4), TRANSFER_S, "packets by the tunnel")
            done = lab.lan.run(["aggload", "streams", SRV4, "-n", STREAMS, "-d", "both", "-s",
                                SIZE_MAX], check=False)
            session = aggd.status()["sessions"][0]
        finally:
            aggd.stop()
    got = json.loads(done.stdout)
    if (got["ok"], got["bad"], got["failed"]) != (STREAMS, 0, 0):
        raise AssertionError(done.stdout)
    return f"{session['library']}, {session['cipher']}"


def pinged(lab, aggd, to):
    lab.lan.run(["ping", "-c", PINGS, "-i", 0.1, "-W", 2, to], check=False)
    tunnel = aggd.status()["sessions"][0]["tunnel"]
    return tunnel and min(tunnel["down_packets"], tunnel["up_packets"]) >= PINGS


def attempt(report, name, what, *words):
    start = time.monotonic()
    try:
        said = what(*words)
        report.add(True, f"{name}{f' ({said})' if said else ''}", time.monotonic() - start)
    except Exception as error:  # pylint: disable=broad-except
        report.add(False, name, time.monotonic() - start, str(error))


def try_pairs(report, arch):
    """Of this processor: whole daemons."""
    other = f"{arch}-mbedtls"
    pairs = [(arch, arch)]
    if arch == TRIXIE and build(report, arch, other, ["-Dtls=mbedtls", "-Dtests=disabled"]):
        pairs = [(other, arch), (arch, other), (other, other)]
    for gw, vps in pairs:
        attempt(report, f"{gw} at {vps}: streams and packets", whole_pair, arch, gw, vps)


def main(arches):
    for arch in arches:
        if arch not in (*ARCHES, *HERE_TOO):
            sys.exit(f"cross: unknown processor '{arch}'; allowed: "
                     f"{' '.join((*ARCHES, *HERE_TOO))}")
    report = Report()
    for arch in arches or DEFAULT:
        prepare(arch)
        if not build(report, arch, options=musl.OPTIONS if arch == MUSL else ()):
            continue
        run_tests(report, arch)
        recorded(report, arch)
        attempt(report, f"{arch}: joins a concentrator of this machine's", join_and_carry, arch)
        if arch in HERE_TOO:
            try_pairs(report, arch)
    print("{passed} passed, {failed} failed".format(**report.counts))
    return 1 if report.counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
