# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""A server that has the page's files as they are and, in place of a daemon, answers that a
test gives it: so every state can be looked at in a moment.

    with Stub(ROOT) as stub:
        stub.state = {...}              # as `aggctl status --json`
        stub.gets["streams"] = {...}    # of GET /api/streams
        stub.posts["log"] = (200, "a line")
        tab.open(stub.url)
        stub.push(state)                # the next second
"""
import http.server
import json
import os
import re
import sys
import threading

SECRET = "A" * 32
WAIT_S = 30


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_): # nobody reads it
        pass

    def send(self, code, kind, data):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", self.server.csp)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def send_text(self, code, text):
        self.send(code, "text/plain; charset=utf-8", text.encode())

    def may_ask(self):
        code = self.server.refuses
        if not code and self.headers.get("Authorization") != "Bearer " + SECRET:
            code = 401
        if code:
            self.send_text(code, "the secret is needed; 'aggctl web' shows it\n")
        return not code

    def do_GET(self):
        if not self.path.startswith("/api/"):
            kind, data = self.server.files.get(self.path, (None, b""))
            self.send(200 if kind else 404, kind or "text/plain", data)
        elif self.may_ask():
            verb = self.path[len("/api/"):]
            if verb == "events":
                self.events()
                return
            answer = self.server.gets.get(verb)
            if isinstance(answer, str):
                self.send_text(422, answer)
            else:
                self.send(200, "application/json", json.dumps(answer).encode())

    def do_POST(self):
        words = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode().split("\n")
        if not self.may_ask():
            return
        verb = self.path[len("/api/"):]
        self.server.orders.append((verb, *words))
        answer = self.server.posts.get(verb, (404, "there is no such command\n"))
        code, text = answer(words) if callable(answer) else answer
        self.send_text(code, text)

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        server, seen = self.server, -1
        while True:
            with server.changed:
                server.changed.wait_for(lambda: server.count != seen or server.over, WAIT_S)
                if server.over:
                    return
                seen, state = server.count, server.state
            if state is None: # it says nothing yet
                continue
            try:
                self.wfile.write(b"data: " + json.dumps(state).encode() + b"\n\n")
            except OSError:
                return


class Stub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), Handler)
        self.changed = threading.Condition()
        self.state, self.count, self.over, self.refuses = None, 0, False, 0
        self.gets, self.posts, self.orders = {}, {}, []
        self.files = files_of(root)
        with open(os.path.join(root, "web/server.c"), encoding="utf-8") as file:
            parts = re.search(r"#define CSP ((?:.*\\\n)*.*)", file.read()).group(1)
        self.csp = "".join(re.findall(r'"([^"]*)"', parts))
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.url = f"{self.origin}/#secret={SECRET}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.shutdown()
        self.server_close()

    def push(self, state):
        with self.changed:
            self.state = state
            self.count += 1
            self.changed.notify_all()

    def hang_up(self, over=True):
        """Whoever listens hears no more; until hang_up(False) nobody new does."""
        with self.changed:
            self.over = over
            self.changed.notify_all()


def files_of(root):
    """As the build embeds them."""
    sys.path.insert(0, os.path.join(root, "web"))
    import embed
    page = os.path.join(root, "web/page")
    paths = [os.path.join(page, name) for name in os.listdir(page)]
    paths += [os.path.join(page, "node_modules/uplot/dist", name)
              for name in ("uPlot.iife.min.js", "uPlot.min.css")]
    found = {}
    for path in paths:
        kind = embed.TYPES.get(os.path.splitext(path)[1])
        if kind and os.path.isfile(path):
            with open(path, "rb") as file:
                found["/" + os.path.basename(path)] = (kind, file.read())
    kind, index = found.pop("/index.html")
    found["/"] = (kind, embed.with_what_is_there(index, {name[1:] for name in found}))
    return found
