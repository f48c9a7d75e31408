"""HAProxy as haproxy.cfg has it: what it lets through, and what it says itself."""

import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.talkplatform.haproxy import MEGABYTE, SPA, is_page, make_site, site, wait_until

__all__ = ["make_site", "site"]


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
