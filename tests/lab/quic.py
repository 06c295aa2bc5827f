# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A QUIC server on srv and downloads from it, by ngtcp2's gtlsserver and gtlsclient.

    server = Server(lab, cc="bbr")       serves its folder
    server.put("body", data)
    download = Download(lab, "body")     by a host of the LAN
    download.size()                      of what came so far
    download.wait(timeout); download.path
"""
import os
import subprocess

from aggd import wait_until
from lab import SRV4

PORT = 443
START_S = 10
WINDOW = "64M"   # of what is under way: never the limit


class Server:
    def __init__(self, lab, cc="cubic", port=PORT):
        self.lab, self.folder = lab, os.path.join(lab.dir, f"quic-{port}")
        os.makedirs(self.folder, exist_ok=True)  # of one before
        key, cert = (os.path.join(lab.dir, f"quic-{port}.{end}") for end in ("key", "crt"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=srv", "-days",
                        "30", "-keyout", key, "-out", cert], check=True, capture_output=True)
        self.process = lab.srv.spawn(["gtlsserver", "-q", "--cc", cc, "-d", self.folder,
                                      "*", str(port), key, cert], log=f"quic-{port}.log")
        wait_until(lambda: lab.srv.run(["ss", "-Hlun", f"sport = :{port}"]).stdout, START_S,
                   "the QUIC server")

    def put(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def put_zeros(self, name, count):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.truncate(count)

    def stop(self):
        self.lab.kill(self.process)


class Download:
    number = 0

    def __init__(self, lab, name, cc="cubic", port=PORT, address=SRV4):
        Download.number += 1
        folder = os.path.join(lab.dir, f"quic-download-{Download.number}")
        os.makedirs(folder)
        self.lab, self.path = lab, os.path.join(folder, name)
        host = f"[{address}]" if ":" in address else address
        self.process = lab.lan.spawn(
            ["gtlsclient", "-q", "--no-quic-dump", "--no-http-dump", "--cc", cc,
             "--exit-on-all-streams-close", "--max-data", WINDOW, "--max-stream-data-bidi-local",
             WINDOW, "--download", folder, address, str(port), f"https://{host}:{port}/{name}"],
            log=f"quic-client-{Download.number}.log")

    def size(self):
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def data(self):
        with open(self.path, "rb") as file:
            return file.read()

    def wait(self, timeout):
        """Until it is over; raises where it is not."""
        self.process.wait(timeout=timeout)

    def stop(self):
        self.lab.kill(self.process)
