"""Who sends slowly, reads slowly or waits for the database keeps nobody else waiting."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from django.db import transaction

from accounts.models import SignInRecord
from accounts.tokens import open_family
from courses.models import Course
from tests.concurrency.racing import wait_until_waiting
from tests.factories import make_course, student_with_credit
from tests.serving import serving, wait_until_ready

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

LARGEST_FILE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
PROCESSES = 4
# Longer than anybody here waits for an answer: who is answered was not behind whoever is stuck.
STUCK_SECONDS = 60
PATIENCE_SECONDS = 20
PATHS = ("/healthz", "/", "/api/courses")


@pytest.fixture(scope="module")
def server(django_db_setup):
    stuck_for = str(STUCK_SECONDS)
    with serving(WEB_PROCESSES=str(PROCESSES), DATABASE_WAIT_SECONDS=stuck_for) as process:
        wait_until_ready(process)
        yield process


@contextmanager
def stuck(number, url):
    """So many buyers, a process each, wait for a course that is locked, and get it at the end.

    Fails if one of them did not wait all the while.
    """
    course = make_course()
    purchases = [purchase(url, course) for _ in range(number)]
    with ThreadPoolExecutor() as buyers, transaction.atomic():
        Course.objects.select_for_update().get(pk=course.pk)
        waiting = [buyers.submit(buy) for buy in purchases]
        wait_until_waiting(number)
        yield
        assert not any(buyer.done() for buyer in waiting)
    assert [buyer.result().status_code for buyer in waiting] == [201] * number


def purchase(url, course):
    headers = {"Authorization": f"Bearer {open_family(student_with_credit())['access']}"}
    return lambda: requests.post(
        f"{url}/api/enrollments/courses/{course.pk}", headers=headers, timeout=STUCK_SECONDS
    )


@contextmanager
def lines(url, number, sent):
    """So many connections on which this has been sent, and from which nothing is read."""
    place = urlsplit(url).hostname, urlsplit(url).port
    opened = [socket.create_connection(place, 20) for _ in range(number)]
    try:
        for line in opened:
            line.sendall(sent)
        yield
    finally:
        for line in opened:
            line.close()


def slow(url):
    head = b"POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    return (
        lines(url, 8, head + b"{"),
        lines(url, 8, head + b" " * 60_000),
        lines(url, 8, f"GET {LARGEST_FILE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()),
    )


def visit(url, number):
    """So many new visitors, of whom each is served."""

    def ask(at):
        return requests.get(f"{url}{PATHS[at % len(PATHS)]}", timeout=PATIENCE_SECONDS).status_code

    with ThreadPoolExecutor(4) as visitors:
        assert list(visitors.map(ask, range(number))) == [200] * number


def test_others_are_served_beside_the_slow(server):
    buy = purchase(server.url, make_course())
    trickle, trickle_later, unread = slow(server.url)
    with trickle, trickle_later, unread, stuck(2, server.url):
        visit(server.url, 60)
        assert buy().status_code == 201


@pytest.mark.parametrize("number", range(1, PROCESSES))
def test_a_process_that_is_stuck_keeps_nobody_else_waiting(server, number):
    with stuck(number, server.url):
        visit(server.url, 60)


def test_sign_ins_by_the_dozen_keep_only_each_other_waiting(server):
    def sign_in():
        body = {"email": "nobody@example.com", "password": "wrong"}
        asked = f"{server.url}/api/auth/token"
        return requests.post(asked, json=body, timeout=STUCK_SECONDS).status_code

    buy = purchase(server.url, make_course())
    assert sign_in() == 401
    with ThreadPoolExecutor() as strangers, transaction.atomic():
        list(SignInRecord.objects.select_for_update())
        waiting = [strangers.submit(sign_in) for _ in range(12)]
        wait_until_waiting(1)
        assert buy().status_code == 201
        visit(server.url, 60)
        assert not all(stranger.done() for stranger in waiting)
    assert {stranger.result() for stranger in waiting} <= {401, 429, 503}
