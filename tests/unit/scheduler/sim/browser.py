# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A browser without a window, for tests: Chromium by its DevTools protocol.

The protocol is JSON over two pipes, a zero byte after each message, so nothing
but Python is needed. A Tab is a page of its own; keys and the mouse go the way
of real ones.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
READ_FD, WRITE_FD = 3, 4 # where the browser expects its pipes
ANSWER_TIMEOUT_S = 60
POLL_S = 0.05
KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36,
             "End": 35, "Escape": 27, " ": 32, "Tab": 9, "Enter": 13}
SHIFT = 8


def find():
    """The path of a browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class BrowserError(Exception):
    pass


class Browser:
    """One process; its tabs share it. Use as a context."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        self.serial, self.buffer, self.tabs = 0, b"", {}
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
             f"--user-data-dir={self.folder.name}", "--remote-debugging-pipe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=lambda: self.place(to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)

    @staticmethod
    def place(to_browser, from_browser):
        """In the child: away from the two numbers first, each could have the other's."""
        spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_browser, from_browser)]
        os.dup2(spare[0], READ_FD)
        os.dup2(spare[1], WRITE_FD)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.into)
        self.folder.cleanup()

    def ask(self, method, session=None, **params):
        """Sends a command; its answer. What happens meanwhile goes to the tabs."""
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.serial:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def read(self, deadline):
        while b"\0" not in self.buffer:
            ready = select.select([self.into], [], [], max(0, deadline - time.monotonic()))[0]
            data = os.read(self.into, 1 << 20) if ready else b""
            if not data:
                raise BrowserError("the browser ended" if ready else "the browser does not answer")
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        if message.get("sessionId") in self.tabs:
            self.tabs[message["sessionId"]].on_event(message)
        return message


class Tab:
    """A page. Use as a context."""

    def __init__(self, browser, width=1280, height=900, ratio=1, dark=False):
        self.browser, self.said, self.fetched = browser, [], []
        self.target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=self.target,
                                   flatten=True)["sessionId"]
        browser.tabs[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.set_size(width, height, ratio)
        self.set_dark(dark)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.ask("Target.closeTarget", targetId=self.target)
        del self.browser.tabs[self.session]

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def on_event(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.said.append(" ".join(str(a.get("value", a)) for a in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.said.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded":
            self.said.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.fetched.append(params["request"]["url"])

    def set_size(self, width, height=900, ratio=1):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=ratio, mobile=False)

    def set_dark(self, dark):
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        """Returns when the page has run its scripts and was drawn."""
        failed = self.ask("Page.navigate", url=url).get("errorText")
        if failed:
            raise BrowserError(f"{url}: {failed}")
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        self.drawn()

    def get(self, expression):
        """The value of a JavaScript expression; of a promise, when it is there."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression):
        """Until it is true."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not self.get(expression):
            if time.monotonic() > deadline:
                raise BrowserError(f"never true: {expression}")
            time.sleep(POLL_S)

    def drawn(self):
        self.get("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
                 ".then(() => 1)")

    def key(self, name, shift=False):
        what = {"key": name, "code": "Space" if name == " " else name,
                "windowsVirtualKeyCode": KEY_CODES[name], "modifiers": SHIFT if shift else 0}
        press = {"type": "keyDown", "text": "\r"} if name == "Enter" else {"type": "rawKeyDown"}
        self.ask("Input.dispatchKeyEvent", **press, **what)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **what)
        self.drawn()

    def place(self, selector, x, y):
        """A point of an element, on the screen; x and y are shares of its size."""
        return self.get("(() => { const e = document.querySelector(%s); e.scrollIntoView("
                        "{ block: 'center' }); const b = e.getBoundingClientRect(); return "
                        "[b.left + %f * b.width, b.top + %f * b.height]; })()"
                        % (json.dumps(selector), x, y))

    def mouse(self, kind, selector, x, y, held=False):
        """kind: mouseMoved, mousePressed, mouseReleased."""
        at = self.place(selector, x, y)
        self.ask("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1],
                 button="left" if held or kind != "mouseMoved" else "none",
                 buttons=1 if held else 0, clickCount=0 if kind == "mouseMoved" else 1)
        self.drawn()

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
