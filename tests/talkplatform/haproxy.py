"""HAProxy with haproxy.cfg, before processes that answer once they are let."""

import csv
import io
import json
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler

import pytest
from django.test import override_settings

from talkplatform import faces, front

LIMITS = {
    "TRUSTED_PROXIES": 0,
    "PROCESSES": 2,
    "HEAD_SECONDS": 1,
    "BODY_SECONDS": 1,
    "LARGEST_BODY": 5_242_880,
    "QUEUE_SECONDS": 1,
    "QUEUE_LENGTH": 5,
    "QUEUE_SHORT": 1,
    "POLICY": "default-src 'none'",
}
SPA = "https://spa.example.org"
MEGABYTE = 1024 * 1024
PURCHASE = ("POST", "/api/enrollments/courses/x")


class Process(BaseHTTPRequestHandler):
    """Stands for one of ours: tells what has arrived, once it is let."""

    def answer(self):
        self.server.arrived.append(f"{self.command} {self.path}")
        if self.path.endswith("/dies"):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if "/waits" in self.path:
            self.server.gate.wait(20)
        length = int(self.headers.get("Content-Length", 0))
        told = {"body": len(self.rfile.read(length)), "from": self.headers["X-Forwarded-For"]}
        size = int(self.path.rpartition("/")[2]) if self.path.startswith("/static/") else 0
        text = json.dumps(told | {"headers": self.headers.items()}).encode().ljust(size)
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *args):
        pass


class Processes(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Site:
    visitors: ThreadPoolExecutor

    def __init__(self, port, place, processes):
        self.port, self.place, self.processes = port, place, processes

    def listens(self):
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, method, path, body=b"", headers=None):
        """The status, the headers and the text of an answer."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer.status, answer.headers, text

    def send(self, head, body=b""):
        """A line on which so much has been sent."""
        line = socket.create_connection(("127.0.0.1", self.port), 20)
        line.sendall(f"{head}\r\nHost: x\r\n\r\n".encode() + body)
        return line

    def arrive(self, number):
        """Wait until so many requests have reached a process."""
        wait_until(lambda: len(self.processes.arrived) == number)

    def queue(self, *requests):
        """Put these into the queue; their answers to come."""
        expected = self.waiting() + len(requests)
        waiting = [self.visitors.submit(self.ask, *request) for request in requests]
        wait_until(lambda: self.waiting() == expected)
        return waiting

    def waiting(self):
        """How many are in a queue."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.place / "stats"))
            line.sendall(b"show stat\n")
            told = b"".join(iter(lambda: line.recv(65536), b"")).decode()
        rows = csv.DictReader(io.StringIO(told.removeprefix("# ")))
        return sum(int(row["qcur"]) for row in rows if row["svname"] == "BACKEND")


def wait_until(happens):
    deadline = time.monotonic() + 10
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def make_site(tmp_path):
    running = []

    def make(**limits):
        place = tmp_path / str(len(running))
        place.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with override_settings(CORS_ALLOWED_ORIGINS=[SPA]):
            faces.write(place)
        processes = Processes(str(place / front.SOCKET), Process)
        processes.arrived, processes.gate = [], threading.Event()
        threading.Thread(target=processes.serve_forever, args=(0.02,)).start()
        values = LIMITS | limits | {"ADDRESS": f"127.0.0.1:{port}"}
        haproxy = front.Front(front.find("haproxy"), place, values.pop("PROCESSES"), **values)
        haproxy.start()
        running.extend([haproxy, processes])
        site = Site(port, place, processes)
        wait_until(site.listens)
        return site

    yield make
    for haproxy, processes in zip(running[::2], running[1::2], strict=True):
        haproxy.stop()
        processes.gate.set()
        processes.shutdown()
        processes.server_close()


@pytest.fixture
def site(make_site):
    return make_site()


def is_page(text, status):
    return f'<p class="code">{status}</p>' in text and "css/base.css" in text
