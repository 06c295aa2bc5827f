# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A browser that a test drives: Chromium by its DevTools protocol, over a pipe, so
that it needs no port and no other package.

    with Browser(lab.lan, folder) as browser:
        browser.open("http://192.168.100.1:8080/")
        browser.wait("document.querySelector('h2')", "a headline")
        browser.screenshot("shot.png")
        self.assertEqual(browser.complaints, [])

What a test waits for is looked for again and again, for WAIT_S at most: a machine
that stands still for a while makes it slow, and not wrong.
"""
import base64
import contextlib
import json
import os
import select
import subprocess
import time

WAIT_S = 60
CLOSE_S = 10
POLL_S = 0.1
WORDS = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"]
# Its ends of the pipe are 3 and 4.
SHELL = 'in=$1 out=$2; shift 2; exec "$@" 3<&"$in" 4>&"$out"'
DESKTOP, TELEPHONE = (1280, 800), (390, 844)


class BrowserError(Exception):
    pass


class Browser:
    """One page of a browser in the host. complaints is what it found wrong: words on
    the console, exceptions, requests that failed; asked is what it asked for."""

    def __init__(self, node, folder, insecure=False):
        self.node, self.folder = node, folder
        self.insecure = insecure # a certificate that nobody vouches for is taken
        self.number, self.session, self.pending = 0, None, b""
        self.complaints, self.asked = [], []

    def __enter__(self):
        theirs_in, self.to = os.pipe()
        self.come, theirs_out = os.pipe()
        self.process = self.node.spawn(
            ["bash", "-c", SHELL, "browser", theirs_in, theirs_out, *WORDS,
             f"--user-data-dir={self.folder}", "about:blank"],
            pass_fds=(theirs_in, theirs_out), log="browser.log")
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            self.attach()
        except BaseException:
            self.__exit__()
            raise
        return self

    def attach(self):
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.command("Target.attachToTarget", targetId=target,
                                    flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.command(part + ".enable")
        if self.insecure:
            self.command("Security.setIgnoreCertificateErrors", ignore=True)
        self.view(DESKTOP)

    def __exit__(self, *_):
        self.session = None
        with contextlib.suppress(BrowserError, OSError):
            self.command("Browser.close")
        os.close(self.to)
        os.close(self.come)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CLOSE_S)
        self.node.lab.kill(self.process)

    # -- the protocol

    def command(self, method, **params):
        """Its result; events that come before it are taken notice of."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + WAIT_S
        while True:
            answer = self.message(end)
            if answer.get("id") != self.number:
                self.notice(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def message(self, end):
        while b"\0" not in self.pending:
            if not select.select([self.come], [], [], max(0, end - time.monotonic()))[0]:
                raise BrowserError(f"the browser says nothing for {WAIT_S} s")
            data = os.read(self.come, 1 << 20)
            if not data:
                raise BrowserError("the browser has ended")
            self.pending += data
        one, _, self.pending = self.pending.partition(b"\0")
        return json.loads(one)

    def notice(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description",
                                                                    details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(" ".join(str(a.get("value")) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])

    # -- what a person does

    def open(self, url):
        self.command("Page.navigate", url=url)

    def view(self, size, dark=False):
        width, height = size
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=size == TELEPHONE)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def js(self, expression):
        """The value of an expression in the page."""
        result = self.command("Runtime.evaluate", expression=expression, returnByValue=True,
                              awaitPromise=True, userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def wait(self, expression, what, seconds=WAIT_S):
        """Until it is true, or something; that is returned."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(BrowserError): # the page may be on its way
                value = self.js(f"(() => {{ const v = {expression}; "
                                "return v instanceof Node ? true : v; })()")
                if value:
                    return value
            if time.monotonic() > end:
                raise BrowserError(f"not after {seconds} s: {what}\n" + self.text())
            time.sleep(POLL_S)

    def text(self):
        """All that can be read."""
        return self.js("document.body.innerText")

    def wait_text(self, text, seconds=WAIT_S):
        self.wait(f"document.body.innerText.includes({json.dumps(text)})", text, seconds)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                         windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key],
                         **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    def type(self, selector, text):
        self.wait(f"document.querySelector({json.dumps(selector)})", selector)
        self.js(f"document.querySelector({json.dumps(selector)}).focus()")
        self.command("Input.insertText", text=text)

    def click(self, selector):
        self.wait(f"document.querySelector({json.dumps(selector)})", selector)
        self.js(f"document.querySelector({json.dumps(selector)}).click()")

    def screenshot(self, path):
        height = self.js("document.documentElement.scrollHeight")
        width = self.js("innerWidth")
        data = self.command("Page.captureScreenshot", captureBeyondViewport=True,
                            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))
