"""A Stripe in a process of its own: its API, its page to pay on, its webhooks and its money.

    python -m tests.stripe.server FOLDER

It writes its port, as `port`, into the folder. What a test wants of it is asked at `/tests/…` (see
`stand_in`). Told to end (SIGTERM) it leaves what it knows there, as `state`, and goes on with that
when it is started again, at the same port. It ends with whoever started it.
"""

import io
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.stripe import page
from tests.stripe.desk import Stripe
from tests.stripe.forms import Refused


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet
    stripe: Stripe

    def do_GET(self) -> None:
        if self.path.startswith("/c/pay/"):
            self.show()
        else:
            self.ask("GET")

    def do_POST(self) -> None:
        if self.path.startswith("/tests/"):
            self.control()
        elif self.path.startswith("/c/pay/"):
            self.click()
        else:
            self.ask("POST")

    def body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def say(self, status: int, said: bytes, kind: str, half: bool = False, **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(said)),
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(said[: len(said) // 2] if half else said)
        self.close_connection = self.close_connection or half

    def ask(self, method: str) -> None:
        """Answer the API, as well or as badly as it is to be."""
        path, _, query = self.path.partition("?")
        text = self.body() if method == "POST" else query
        status, said, headers, fault = self.stripe.ask(method, path, text, self.headers)
        what = fault.get("what")
        if what in ("silence", "deaf"):
            self.stripe.over.wait(fault["seconds"])
        if what in ("silence", "deaf", "drop"):
            self.close_connection = True
            return
        line = self.wfile
        if what in ("drip", "ebb"):
            self.wfile = io.BytesIO()
        self.say(status, said, "application/json", what == "half", **headers)
        if what in ("drip", "ebb"):
            self.wfile, answer = line, self.wfile.getvalue()
            self.drip(answer, len(answer) // 2 if what == "ebb" else 0, fault["seconds"])

    def drip(self, answer: bytes, at_once: int, seconds: float) -> None:
        """Say so much of an answer at once, and the rest byte by byte."""
        self.wfile.write(answer[:at_once])
        for number in range(at_once, len(answer)):
            self.wfile.write(answer[number : number + 1])
            self.wfile.flush()
            self.stripe.over.wait(seconds / len(answer))

    def control(self) -> None:
        """Do what a test wants: a method of a part of ours, with what it takes."""
        _, _, part, name = self.path.split("/")
        wanted = json.loads(self.body() or "{}")
        try:
            status, said = 200, self.stripe.control(part, name, wanted)
        except Refused as refused:
            status, said = refused.status, refused.body()
        self.say(status, json.dumps(said).encode(), "application/json")

    def show(self) -> None:
        key = self.path.rpartition("/")[2].partition("?")[0]
        try:
            with self.stripe.lock:
                status, text = 200, page.show(self.stripe.account, key)
        except Refused as refused:
            status, text = refused.status, str(refused)
        self.say(status, text.encode(), "text/html; charset=utf-8")

    def click(self) -> None:
        key, form = self.path.rpartition("/")[2], self.body()
        with self.stripe.lock:
            where, text = page.act(self.stripe.account, key, form)
        headers = {"Location": where} if where else {}
        self.say(303 if where else 200, text.encode(), "text/html; charset=utf-8", **headers)

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self) -> tuple[socket.socket, Any]:
        line, address = super().get_request()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line, address

    def handle_error(self, *args: Any) -> None:
        """Whoever asked has hung up; anything else is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*args)


def serve(folder: Path) -> None:
    known = folder / "port"
    server = Server(("127.0.0.1", int(known.read_text()) if known.exists() else 0), Handler)
    Handler.stripe = Stripe(folder, f"http://127.0.0.1:{server.server_port}")

    def end(*_: Any) -> None:
        Handler.stripe.leave()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "port.new").write_text(str(server.server_port))
    (folder / "port.new").rename(known)
    tests = os.getppid()
    while os.getppid() == tests:
        time.sleep(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
