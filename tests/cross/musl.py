# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""musl, OpenWrt's C library, for ./dev cross musl.

Debian builds no library with it, so what aggd links is compiled here, from Debian's
sources, into archives. But for libmnl, whose source Debian's mirrors lack at times: that is
Debian's own file, as of glibc it wants no more than musl has, and __fprintf_chk(). So a whole
gateway and a whole concentrator run, as OpenWrt has them: without page, QR codes and a
history on the disk. OpenSSL is there by its names alone: tests that need it are linked,
and not run.
"""
import os

FOLDER = "build-cross/musl-libraries"  # musl.ini has it, too
OPTIONS = ["-Dtls=mbedtls", "-Dhistory=disabled", "-Dweb=disabled"]
# These ask glibc's malloc what it holds, or drop the pages of a library that is none here,
# or are of OpenSSL's words; and the root has no terminals (base/log, ctl/aggctl).
LACKS = ["base/log", "base/pages", "proxy/relay", "role/verbs", "web/server", "cost/",
         "ctl/aggctl", "transport/subflow"]
# What is not musl's: the kernel's headers, and libraries that are headers.
HEADERS = ["linux", "asm-generic", "mtd", "x86_64-linux-gnu/asm", "uthash.h", "utlist.h",
           "utarray.h", "libmnl"]
TOOLS = ["musl-tools", "xz-utils", "make", "cmake", "patchelf", "flex", "bison", "libmnl-dev",
         "libssl-dev"]
# Of each the source's name in Debian, and how it is made where it was unpacked.
CONFIGURE = ("./configure --host=x86_64-linux-musl --prefix=$P --disable-shared --enable-static "
             "{} >configure.log && ")
CMAKE = ("cmake -S . -B build -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_INSTALL_PREFIX=$P "
         "-DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF -DCMAKE_C_FLAGS=\"$CFLAGS\" "
         "{} >cmake.log && make -j2 -C build install")
LIBRARIES = {
    "libev": CONFIGURE.format("") + "make -j2 install",
    "cmocka": CMAKE.format("-DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF"),
    "libnl3": CONFIGURE.format("--disable-cli") + "make -j2 install",
    "c-ares": CONFIGURE.format("--disable-tests") + "make -j2 install",
    "json-c": CMAKE.format("-DBUILD_TESTING=OFF -DBUILD_APPS=OFF -DDISABLE_WERROR=ON"),
    "libcap-ng": CONFIGURE.format("--without-python --without-python3") +
                 "make -j2 -C src install",
    "mbedtls": "make -j2 -C library CC=musl-gcc && cp library/lib*.a $P/lib && "
               "cp -r include/mbedtls include/psa $P/include",
}
SETUP = """set -e
export P=/src/{folder} CC=musl-gcc
export CFLAGS="-O2 -w -fPIC -idirafter $P/include" PKG_CONFIG_LIBDIR=$P/lib/pkgconfig
mkdir -p $P/include $P/lib/pkgconfig $P/source
for name in {headers}; do ln -sfn /usr/include/$name $P/include/; done
cp -r /usr/include/openssl /usr/include/x86_64-linux-gnu/openssl $P/include/
for name in ssl crypto; do
	ln -sfn /usr/lib/x86_64-linux-gnu/lib$name.so.3 $P/lib/lib$name.so
	printf "Name: $name\nDescription: its names\nVersion: 3.0.0\nLibs: -l$name\n" \
		> $P/lib/pkgconfig/lib$name.pc
done
printf 'Name: openssl\nDescription: both\nVersion: 3.0.0\nRequires: libssl libcrypto\n' \
	> $P/lib/pkgconfig/openssl.pc
cp /usr/lib/x86_64-linux-gnu/libmnl.so.0.2.0 $P/lib/libmnl.so.0
echo '{fprintf_chk}' | musl-gcc -shared -fPIC -x c - -o $P/lib/libfprintf_chk.so
patchelf --add-needed libfprintf_chk.so $P/lib/libmnl.so.0
ln -sfn libmnl.so.0 $P/lib/libmnl.so
printf 'Name: libmnl\nDescription: Debian s\nVersion: 1.0.4\nLibs: -lmnl\n' \
	> $P/lib/pkgconfig/libmnl.pc
cd $P/source
apt-get source --download-only {names}
"""
FPRINTF_CHK = """#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *f, int flag, const char *format, ...)
{
	va_list words;
	va_start(words, format);
	int n = vfprintf(f, format, words);
	va_end(words);
	return n;
}"""
MAKE = """[ -e made-{name} ] || (
rm -rf {name} && mkdir {name} && cd {name} &&
tar -xf ../{name}_*.orig.tar.[gx]z --strip-components=1 &&
{how} &&
touch $P/source/made-{name}
) >{name}.log 2>&1 || {{ tail -30 {name}.log; exit 1; }}
"""


def prepare(root, inside):
    """What musl.ini names, below the source; the root has the tools."""
    with open(os.path.join(root, "etc/apt/sources.list"), encoding="ascii") as file:
        lines = [line.split() for line in file if line.startswith("deb ")]
    with open(os.path.join(root, "etc/apt/sources.list.d/source.list"), "w",
              encoding="ascii") as file:
        for words in lines:
            file.write(" ".join(["deb-src", *words[1:]]) + "\n")
    inside(root, ["apt-get", "update"])
    script = SETUP.format(folder=FOLDER, headers=" ".join(HEADERS), names=" ".join(LIBRARIES),
                          fprintf_chk=FPRINTF_CHK)
    script += "".join(MAKE.format(name=name, how=how) for name, how in LIBRARIES.items())
    inside(root, ["sh", "-c", script])


def is_whole(run, program):
    """Does it need nothing that is there by its names alone?"""
    needs = run(["objdump", "-p", program]).stdout
    return not any(f"lib{name}.so" in needs for name in ("ssl", "crypto"))
