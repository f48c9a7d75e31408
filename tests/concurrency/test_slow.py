"""Who sends slowly, reads slowly or waits for the database keeps nobody else waiting."""

import socket
import time
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
# Idle it takes a few milliseconds; behind a request that is stuck, five seconds or more.
PROMPT_SECONDS = 4


@pytest.fixture(scope="module")
def server(django_db_setup):
    with serving(WEB_PROCESSES=str(PROCESSES)) as process:
        wait_until_ready(process)
        yield process


@contextmanager
def stuck(number, url):
    """So many buyers, a process each, wait for a course that is locked."""
    course = make_course()
    purchases = [purchase(url, course) for _ in range(number)]
    with ThreadPoolExecutor() as buyers, transaction.atomic():
        Course.objects.select_for_update().get(pk=course.pk)
        for buy in purchases:
            buyers.submit(buy)
        wait_until_waiting(number)
        yield


def purchase(url, course):
    headers = {"Authorization": f"Bearer {open_family(student_with_credit())['access']}"}
    return lambda: requests.post(
        f"{url}/api/enrollments/courses/{course.pk}", headers=headers, timeout=30
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


def slowest_check(url, number):
    """The seconds that the slowest of so many new visitors waited."""

    def check(_):
        before = time.monotonic()
        assert requests.get(f"{url}/healthz", timeout=20).text == "ok"
        return time.monotonic() - before

    with ThreadPoolExecutor(4) as visitors:
        return max(visitors.map(check, range(number)))


def test_others_are_served_beside_the_slow(server):
    buy = purchase(server.url, make_course())
    trickle, trickle_later, unread = slow(server.url)
    with trickle, trickle_later, unread, stuck(2, server.url):
        assert slowest_check(server.url, 200) < PROMPT_SECONDS
        before = time.monotonic()
        assert buy().status_code == 201
        assert time.monotonic() - before < PROMPT_SECONDS


@pytest.mark.parametrize("number", range(1, PROCESSES))
def test_a_process_that_is_stuck_keeps_nobody_else_waiting(server, number):
    with stuck(number, server.url):
        assert slowest_check(server.url, 60) < PROMPT_SECONDS


def test_sign_ins_by_the_dozen_keep_only_each_other_waiting(server):
    def sign_in(_):
        body = {"email": "nobody@example.com", "password": "wrong"}
        return requests.post(f"{server.url}/api/auth/token", json=body, timeout=30).status_code

    buy = purchase(server.url, make_course())
    assert sign_in(0) == 401
    with ThreadPoolExecutor() as strangers, transaction.atomic():
        list(SignInRecord.objects.select_for_update())
        answers = strangers.map(sign_in, range(12))
        wait_until_waiting(1)
        before = time.monotonic()
        assert buy().status_code == 201
        assert time.monotonic() - before < PROMPT_SECONDS
        assert slowest_check(server.url, 60) < PROMPT_SECONDS
    assert set(answers) <= {401, 429, 503}
