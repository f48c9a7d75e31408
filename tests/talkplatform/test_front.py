"""HAProxy as haproxy.cfg has it: what it lets through, in which turn, and what it says itself."""

import csv
import io
import json
import re
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
    "QUEUE_SIGN_INS": 1,
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


def test_a_request_arrives_as_it_was_sent(site):
    status, _, text = site.ask("POST", "/x", b"y" * 5 * MEGABYTE)
    assert (status, json.loads(text)["body"]) == (200, 5 * MEGABYTE)


@pytest.mark.parametrize(
    ("trusted", "claimed", "believed"),
    [
        (0, "198.51.100.1", "127.0.0.1"),
        (1, "198.51.100.1, 198.51.100.2", "198.51.100.2"),
        (2, "198.51.100.1, 198.51.100.2", "198.51.100.1"),
        (1, "", "127.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (3, "198.51.100.1", "127.0.0.1"),
    ],
)
def test_nobody_is_believed_about_an_address_but_our_own_proxies(
    make_site, trusted, claimed, believed
):
    site = make_site(TRUSTED_PROXIES=trusted)
    headers = {"X-Forwarded-For": claimed, "X_Forwarded_For": "203.0.113.9"}
    _, _, text = site.ask("GET", "/x", headers=headers)
    assert json.loads(text)["from"] == believed
    assert "203.0.113.9" not in text


def test_a_check_of_health_without_a_host_is_let_through(site):
    with socket.create_connection(("127.0.0.1", site.port), 20) as line:
        line.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b"200 OK" in line.recv(100)


@pytest.mark.parametrize("path", ["/api/auth/token", "/login/"])
def test_bodies_that_come_slowly_reach_no_process(site, path):
    head = f"POST {path} HTTP/1.1\r\nContent-Length: 4000000"
    lines = [site.send(head, b"y" * sent) for sent in (0, 60_000, 3 * MEGABYTE)]
    assert site.ask("GET", "/x")[0] == 200
    for line in lines:
        answer = line.recv(10_000).decode()
        line.close()
        assert answer.startswith("HTTP/1.1 408 ")
        assert ("request_timeout" in answer) == path.startswith("/api/")
        assert is_page(answer, 408) != path.startswith("/api/")
    assert site.processes.arrived == ["GET /x"]


def test_headers_that_come_slowly_are_not_waited_for(site):
    with socket.create_connection(("127.0.0.1", site.port), 20) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 408 ")


def test_large_bodies_are_held_for_so_many_alone(site):
    waiting = [site.send("POST / HTTP/1.1\r\nContent-Length: 70000") for _ in range(40)]
    try:
        status, headers, text = site.ask("POST", "/", b"y" * 70_000)
        assert (status, headers["Retry-After"]) == (503, "2")
        assert is_page(text, 503)
        assert site.ask("POST", "/", b"y" * 60_000)[0] == 200
    finally:
        for line in waiting:
            line.close()


def test_who_reads_nothing_holds_no_process(make_site):
    site = make_site(QUEUE_LENGTH=50)
    waiting = [site.send(f"GET /static/{4 * MEGABYTE} HTTP/1.1") for _ in range(8)]
    site.arrive(8)
    assert site.ask("GET", "/x")[0] == 200
    for line in waiting:
        line.close()


@pytest.mark.parametrize(("processes", "place"), [(2, "/"), (4, "/admin/")])
def test_who_is_gone_leaves_no_process_that_looks_free(make_site, processes, place):
    site = make_site(PROCESSES=processes)
    for _ in range(2):
        site.send(f"GET {place}waits HTTP/1.1").close()
    site.arrive(2)
    with ThreadPoolExecutor() as visitors:
        next_one = visitors.submit(site.ask, "GET", f"{place}next")
        time.sleep(0.2)
        assert len(site.processes.arrived) == 2
        site.processes.gate.set()
        assert next_one.result()[0] == 200


def test_an_answer_may_take_longer_than_a_body_or_a_turn(site):
    with ThreadPoolExecutor() as visitors:
        answer = visitors.submit(site.ask, "GET", "/waits")
        time.sleep(1.5)
        site.processes.gate.set()
        assert answer.result()[0] == 200


@pytest.fixture
def busy(site):
    """A site of which every process is at work, until its gate opens."""
    with ThreadPoolExecutor(20) as visitors:
        working = [visitors.submit(site.ask, "GET", f"/waits/{n}") for n in range(2)]
        site.arrive(2)
        site.visitors = visitors
        yield site
        site.processes.gate.set()
    assert [request.result()[0] for request in working] == [200, 200]


@pytest.mark.parametrize(
    "money",
    [
        ("DELETE", "/api/enrollments/x"),
        ("POST", "/credit/top-up/"),
        ("POST", "/api/webhooks/stripe"),
    ],
)
def test_money_goes_before_pages_and_a_page_waits_for_one_sign_in(make_site, money):
    site = make_site(PROCESSES=1, QUEUE_SIGN_INS=5, QUEUE_SECONDS=10)
    health, page, sign_in = ("GET", "/healthz"), ("GET", "/"), ("POST", "/api/auth/token")
    with ThreadPoolExecutor(20) as site.visitors:
        waiting = [site.visitors.submit(site.ask, "GET", "/waits")]
        site.arrive(1)
        for came in ([sign_in] * 3, [page], [money], [health]):
            waiting += site.queue(*came)
        site.processes.gate.set()
        assert all(request.result()[0] == 200 for request in waiting)
    turn = [health, money, sign_in, page, sign_in, sign_in]
    assert site.processes.arrived[1:] == [" ".join(request) for request in turn]


def is_slow(kind, name="/waits"):
    """One that takes as long as it is let; a body makes it an upload."""
    method, path, *body = kind
    return (method, f"{path}{'&' if '?' in path else '?'}{name}", *body)


SLOW = {
    "sign-in": ("POST", "/api/auth/token"),
    "disguised": ("POST", "/%6Cogin/"),
    "staff": ("GET", "/admin/payments/transfer/"),
    "table": ("GET", "/earnings/sessions.csv"),
    "picture": ("GET", "/share/x.jpg"),
    "upload": ("POST", "/teaching/courses/x/edit/", b"y" * 70_000),
}


@contextmanager
def flooded(site, kinds, at_work):
    """Eight of each kind came, of which so many are at work and the rest wait."""
    with ThreadPoolExecutor(8 * len(kinds) + 1) as site.visitors:
        flood = [site.visitors.submit(site.ask, *is_slow(kind)) for kind in kinds for _ in range(8)]
        site.arrive(at_work)
        wait_until(lambda: site.waiting() == len(flood) - at_work)
        yield
        site.processes.gate.set()
        assert {request.result()[0] for request in flood} == {200}


@pytest.mark.parametrize(
    ("kinds", "processes", "at_work"),
    [
        *(pytest.param([kind], 2, 1, id=name) for name, kind in SLOW.items()),
        pytest.param([SLOW["sign-in"]], 4, 1, id="sign-ins"),
        pytest.param([SLOW["staff"]], 4, 2, id="slow pages"),
        pytest.param([("GET", "/")], 3, 2, id="pages"),
        pytest.param([("GET", "/api/courses?search=x&")], 3, 2, id="searches"),
        pytest.param([SLOW["sign-in"], SLOW["table"], ("GET", "/learning/")], 4, 3, id="all"),
    ],
)
def test_slow_requests_keep_nobody_else_waiting(make_site, kinds, processes, at_work):
    site = make_site(PROCESSES=processes, QUEUE_SIGN_INS=8, QUEUE_LENGTH=20, QUEUE_SECONDS=10)
    with flooded(site, kinds, at_work):
        assert site.ask(*PURCHASE)[0] == 200
        assert site.ask("GET", "/api/courses")[0] == 200


@pytest.mark.parametrize("kind", ["sign-in", "staff"])
def test_slow_requests_keep_no_page_waiting(make_site, kind):
    site = make_site(PROCESSES=3, QUEUE_SIGN_INS=8, QUEUE_LENGTH=20)
    with flooded(site, [SLOW[kind]], 1):
        assert site.ask("GET", "/")[0] == 200


def test_without_that_limit_they_would(make_site):
    """The twin: as many as there are processes."""
    site = make_site(PROCESSES=2, SLOW=2, QUEUE_LENGTH=20, QUEUE_SECONDS=10)
    with flooded(site, [SLOW["staff"]], 2):
        purchase = site.queue(PURCHASE)[0]
        assert " ".join(PURCHASE) not in site.processes.arrived
        site.processes.gate.set()
        assert purchase.result()[0] == 200


@pytest.mark.parametrize("processes", range(1, 10))
def test_what_is_slow_leaves_a_process(processes):
    most = front.most_slow(processes)
    assert 1 <= most["SIGN_INS"] <= most["SLOW"] <= most["PAGES"] <= processes
    if processes > 1:
        assert most["SLOW"] < processes
    if processes > 2:
        assert most["SLOW"] < most["PAGES"] < processes


def test_the_queue_ends_with_a_refusal_that_says_when_to_come_again(busy):
    busy.queue(*[("GET", "/x")] * 5)
    for path, face in {"/api/courses": "unavailable", "/": "answer right now"}.items():
        status, headers, text = busy.ask("GET", path)
        assert (status, headers["Retry-After"]) == (503, "2")
        assert face in text
    assert busy.ask("GET", "/healthz")[0] == 503  # it may wait; but its time is up, too


def test_sign_ins_get_a_part_of_the_queue(busy):
    busy.queue(*[("POST", "/login/")] * 2)  # one in the queue, one that waits for it
    assert busy.ask("POST", "/api/auth/token", b"{}")[0] == 503
    money = busy.visitors.submit(busy.ask, "POST", "/api/enrollments/courses/x")
    busy.processes.gate.set()
    assert money.result()[0] == 200


def test_a_turn_that_does_not_come_is_given_up(busy):
    before = time.monotonic()
    asked = [PURCHASE, SLOW["sign-in"], SLOW["table"]]
    for given_up, (_, path, *_) in zip(busy.queue(*asked), asked, strict=True):
        status, headers, text = given_up.result()
        assert (status, headers["Retry-After"], headers["X-Refused"]) == (503, "2", None)
        assert ("unavailable" in text) == path.startswith("/api/") != is_page(text, 503)
    assert time.monotonic() - before < 4
    assert len(busy.processes.arrived) == 2


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/api/enrollments/dies", "unavailable"),
        ("POST", "/courses/dies", "We could not confirm this. Look at My learning"),
        ("POST", "/profile/dies", "We could not confirm this. Look before"),
        ("POST", "/admin/dies", "We could not confirm this. Look before"),
        ("GET", "/courses/dies", "Try again in a moment."),
    ],
)
def test_a_process_that_dies_leaves_the_outcome_open(site, method, path, says):
    status, headers, text = site.ask(method, path)
    assert (status, headers["Retry-After"]) == (503, "2")
    assert says in text
    assert site.processes.arrived == [f"{method} {path}"]


def test_its_log_cuts_what_lets_in(capfd, make_site):
    """Only what went wrong is logged: here a process dies each time."""
    site = make_site()  # which writes where the test itself does
    token, key = "AZIfoHsc".ljust(39, "x"), "0192f5a0-7b1c-7def-8123-456789abcdef"
    for path in (f"/calendar/{token}/dies", f"/password/MQ/{token}/dies", f"/courses/{key}/dies"):
        site.ask("GET", path)
    logged = ""

    def all_three():
        nonlocal logged
        logged += "".join(capfd.readouterr())
        return logged.count("GET /") == 3

    wait_until(all_three)
    assert re.findall(r"GET (\S+)$", logged, re.MULTILINE) == [
        "/calendar/AZIfoH.../dies",
        "/password/MQ/AZIfoH.../dies",
        f"/courses/{key}/dies",
    ]


@pytest.mark.parametrize("origin", [SPA, "https://evil.example.org"])
@pytest.mark.parametrize("path", ["/api/x/dies", "/api/auth/token?/dies"])
def test_a_script_of_ours_may_read_a_refusal(site, path, origin):
    status, headers, _ = site.ask("POST", path, headers={"Origin": origin})
    assert status == 503
    assert headers["Access-Control-Allow-Origin"] == (SPA if origin == SPA else None)
    assert headers["Content-Type"] == "application/json"


def test_a_refusal_has_the_headers_of_a_page(site):
    _, headers, text = site.ask("GET", "/dies")
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "·" in text
