# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A Debian that boots its own systemd in namespaces, over a root directory that
stays as it is: what a package does to a machine is seen on one. It needs root,
debootstrap, and of the kernel overlayfs and cgroups.
"""
import os
import shutil
import subprocess
import tempfile
import time

BOOT_S = 120
COMMAND_S = 120
ROOT_PACKAGES = "systemd,systemd-sysv,dbus,iproute2,procps"

# $0: the root directory; the rest: places of the host's cgroups and their options.
BOOT = r"""
mount --make-rprivate /
cd "$0"
mount -t proc proc proc
mount -t sysfs sysfs sys
[ $# -gt 2 ] && mount -t tmpfs tmpfs sys/fs/cgroup
while [ $# -gt 0 ]; do
	mkdir -p ".$1"
	mount -t "${2%%:*}" -o "${2#*:}" cgroup ".$1" || echo "no $1"
	shift 2
done
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do
	touch dev/$name && mount --bind /dev/$name dev/$name
done
mkdir dev/shm dev/pts dev/net
mknod dev/net/tun c 10 200 && chmod 666 dev/net/tun # as udev makes it
mount -t devpts devpts dev/pts -o newinstance
mkdir -p mnt
pivot_root . mnt && umount -l mnt
export container=other
exec /lib/systemd/systemd --log-target=console --show-status=no
"""


def mirror():
    """Where apt takes Debian from on this machine."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN) $(REPO_URI)"],
                          stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        _, origin, uri = (line.split(" ", 2) + ["", ""])[:3]
        if origin == "Debian" and "security" not in uri:
            return uri
    raise SystemExit("apt has no repository of Debian's: apt-get update")


def bootstrap(suite, folder):
    """A root directory of that suite, made once."""
    if os.path.exists(os.path.join(folder, ".whole")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    subprocess.run(["debootstrap", "--variant=minbase", "--include=" + ROOT_PACKAGES, suite,
                    folder, mirror()], check=True, stdout=subprocess.DEVNULL)
    open(os.path.join(folder, ".whole"), "w", encoding="ascii").close()


def cgroups():
    """Of this host: place, and type with options, in the order of mounting."""
    words = []
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        for line in mounts:
            _, place, kind, options = line.split()[:4]
            if not kind.startswith("cgroup") or not place.startswith("/sys/fs/cgroup"):
                continue
            drop = ("rw", "ro", "relatime", "nosuid", "nodev", "noexec")
            kept = [o for o in options.split(",") if o not in drop]
            if any(o.startswith("name=") for o in kept):
                kept.insert(0, "none")
            words += [place, kind + ":" + (",".join(kept) if kind == "cgroup" else "rw")]
    return words


class Machine:
    """Boots at once; run() in it; close() ends it and forgets what it wrote."""

    def __init__(self, name, root):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="aggd-machine-")
        self.root = os.path.join(self.dir, "root")
        self.process = None
        for part in ("upper", "work", "root"):
            os.mkdir(os.path.join(self.dir, part))
        try:
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                            f"lowerdir={root},upperdir={self.dir}/upper,workdir={self.dir}/work",
                            self.root], check=True)
            with open(os.path.join(self.root, "etc/machine-id"), "w", encoding="ascii"):
                pass
            self.boot()
        except BaseException:
            self.close()
            raise

    def boot(self):
        self.log = open(os.path.join(self.dir, "boot.log"), "wb")
        groups = cgroups()
        inside = os.path.basename(self.dir)
        for place in groups[::2]:
            os.makedirs(os.path.join(place, inside), exist_ok=True)
        enter = "".join(f"echo $$ > {place}/{inside}/cgroup.procs 2>/dev/null; "
                        for place in groups[::2])
        self.process = subprocess.Popen(
            ["bash", "-c", enter + 'exec unshare --fork --pid --mount --uts --ipc --net --cgroup '
             '--kill-child bash -c "$@"', "sh", BOOT, self.root, *groups],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.groups = [os.path.join(place, inside) for place in groups[::2]]
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end and self.process.poll() is None:
            if self.pid() and self.state() in ("running", "degraded"):
                return
            time.sleep(0.5)
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            raise RuntimeError(f"{self.name} does not boot: {log.read()[-2000:]}")

    def pid(self):
        """Of its systemd; 0: not yet."""
        done = subprocess.run(["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE,
                              text=True, check=False)
        return int((done.stdout.split() or ["0"])[0])

    def state(self):
        said = self.run("systemctl is-system-running", check=False).stdout.split()
        return said[-1] if said else ""

    def run(self, command, check=True, timeout=COMMAND_S):
        done = subprocess.run(["nsenter", "-t", str(self.pid()), "-m", "-p", "-n", "-u", "-i", "-C",
                               "sh", "-c", "cd /; " + command], cwd="/", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: '{command}' failed ({done.returncode}):\n"
                                 f"{done.stdout}")
        return done

    def install(self, path):
        """A package file of the host's."""
        shutil.copy(path, os.path.join(self.root, "root"))
        return self.run("DEBIAN_FRONTEND=noninteractive dpkg -i /root/" + os.path.basename(path))

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.log.close()
        subprocess.run(["umount", "-l", self.root], check=False, stderr=subprocess.DEVNULL)
        for _ in range(50):  # the kernel ends what lived there
            for group in getattr(self, "groups", ()):
                for folder, _, _ in os.walk(group, topdown=False):
                    try:
                        os.rmdir(folder)
                    except OSError:
                        pass
            if not any(os.path.exists(g) for g in getattr(self, "groups", ())):
                break
            time.sleep(0.1)
        shutil.rmtree(self.dir, ignore_errors=True)
