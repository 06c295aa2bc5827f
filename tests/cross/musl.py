# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""musl, OpenWrt's C library, for ./dev cross musl.

Debian builds no library with it. libev and cmocka are compiled here, from Debian's
sources; of the others there are the headers, and the names in glibc's builds of them: so
everything is compiled and linked, and what needs no library but those two is run: the
base, the configuration, most of kernel/, the schedulers, the whole session, packets and
their queues, the ways in, the roles' decisions, and their fuzz corpora.
"""
import os

FOLDER = "build-cross/musl-libraries"  # musl.ini has it, too
RUNS_WITH = {"libc.so"}
# These ask glibc's malloc what it holds, or drop the pages of a library that is none here;
# and the root has no terminals (base/log).
OF_GLIBC = ["base/log", "base/pages", "proxy/relay", "role/verbs", "web/server", "cost/"]
# Headers of the kernel and of libraries: those of glibc stay out of sight.
HEADERS = ["linux", "asm-generic", "mtd", "x86_64-linux-gnu/asm", "uthash.h", "utlist.h",
           "utarray.h", "json-c", "libmnl", "libnl3", "ares.h", "ares_version.h",
           "ares_build.h", "ares_rules.h", "ares_dns.h", "cap-ng.h", "mbedtls", "psa",
           "microhttpd.h", "gnutls", "sqlite3.h"]
LIBRARIES = ["mnl", "nl-route-3", "nl-3", "ssl", "crypto", "cares", "json-c", "cap-ng",
             "mbedtls", "mbedx509", "mbedcrypto", "microhttpd", "sqlite3"]
EV = ("EPOLL=1 POLL=1 SELECT=1 EVENTFD=1 MONOTONIC=1 NANOSLEEP=1 CLOCK_SYSCALL=0 INOTIFY=0 "
      "LINUXAIO=0 IOURING=0").split()
CMOCKA = ("STDINT_H INTTYPES_H UNISTD_H SIGNAL_H STRSIGNAL SETJMP_H STRINGS_H STRING_H "
          "STDLIB_H MALLOC_H TIME_H CLOCK_GETTIME_REALTIME STRUCT_TIMESPEC").split()
CMOCKA_PC = """Name: cmocka
Description: built with musl
Version: 1.1.5
Cflags: -I/src/{folder}/include
Libs: -L/src/{folder}/lib -lcmocka
"""
MAKE = """set -e
rm -rf {folder} && mkdir -p {folder}/include/openssl {folder}/lib {folder}/pkgconfig
cd {folder}
apt-get source --download-only libev cmocka
for file in *.orig.tar.*[gx]z; do tar -xf $file; done
for name in {headers}; do ln -s /usr/include/$name include/; done
ln -s /usr/include/openssl/* /usr/include/x86_64-linux-gnu/openssl/* include/openssl/
for name in {libraries}; do ln -s /usr/lib/x86_64-linux-gnu/lib$name.so lib/; done
cp libev-*/ev.h cmocka-*/include/cmocka*.h include/
musl-gcc -O2 -w -c -isystem include -DEV_STANDALONE=1 {ev} libev-*/ev.c -o ev.o
musl-gcc -O2 -w -c -Iinclude -D_GNU_SOURCE {cmocka} cmocka-*/src/cmocka.c -o cmocka.o
ar rcs lib/libev.a ev.o
ar rcs lib/libcmocka.a cmocka.o
"""


def prepare(root, source, inside):
    """What musl.ini names, below the source; the root has the packages."""
    with open(os.path.join(root, "etc/apt/sources.list"), encoding="ascii") as file:
        lines = [line.split() for line in file if line.startswith("deb ")]
    with open(os.path.join(root, "etc/apt/sources.list.d/source.list"), "w",
              encoding="ascii") as file:
        for words in lines:
            file.write(" ".join(["deb-src", *words[1:]]) + "\n")
    inside(root, ["apt-get", "update"])
    inside(root, ["sh", "-c", MAKE.format(
        folder=FOLDER, headers=" ".join(HEADERS), libraries=" ".join(LIBRARIES),
        ev=" ".join("-DEV_USE_" + word for word in EV),
        cmocka=" ".join("-DHAVE_" + word for word in CMOCKA))])
    with open(os.path.join(source, FOLDER, "pkgconfig/cmocka.pc"), "w", encoding="ascii") as file:
        file.write(CMOCKA_PC.format(folder=FOLDER))


def is_whole(run, program):
    """Does it need nothing that is there for glibc only?"""
    needs = run(["objdump", "-p", program]).stdout
    return {line.split()[1] for line in needs.splitlines() if "NEEDED" in line} <= RUNS_WITH
