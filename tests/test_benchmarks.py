"""The benchmark counts an answer only if it is the one that was asked for."""

import socket

import pytest
from django.db import connection

from benchmarks import load, report, settling
from benchmarks.platform import _copy_course
from courses.models import Course, CourseOutline
from enrollments.services.enrolling import enroll_full_course
from settlement.services.settling import settle_all
from tests.conversations import CONFIGURED
from tests.factories import make_course, student_with_credit

TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">Course 7'


def test_a_success_with_another_body_is_an_error():
    request = load.request("GET", "/courses/7/", {}, holds="Course 7")
    outcome = load.Outcome(same=True)
    for letter in "ab":  # which differs each time
        outcome.add(request, 0.1, 200, TOKEN.format(letter * 64).encode())
    assert outcome.errors == 0
    outcome.add(request, 0.1, 200, b"Course 7, and something else")
    outcome.add(request, 0.1, 200, b"")
    outcome.add(request, 0.1, 503, b"")
    assert (outcome.wrong, outcome.errors) == (2, 3)


def test_one_wrong_answer_among_the_repeats_is_told():
    runs = [{"now": {"enrol": {"rate": 100.0 + n, "errors": n == 4}}} for n in range(5)]
    tables = report.of_calls(runs)
    assert tables["now"]["enrol"] == {"rate": 102, "errors": 1, "spread": 2 / 102}
    assert report.errors_in(tables) == 1


def test_each_is_compared_with_what_was_measured_in_its_turn():
    rates = ((100, 50), (10, 5), (30, 60))
    runs = [{"now": {"a": {"rate": now}}, "then": {"a": {"rate": then}}} for now, then in rates]
    assert report.of_calls(runs)["now / then"] == {"a": {"rate": 2}}


def test_it_sends_what_browsers_send():
    page, call = (load.request("GET", path, {"Cookie": "a=b"}).sent for path in ("/", "/api/x"))
    assert b"\r\nAccept: text/html" in page
    assert b"\r\nAccept: application/json" in call
    for sent in (page, call):
        assert b"\r\nAccept-Encoding: gzip" in sent
        assert b"\r\nCookie: a=b" in sent
        assert b"Content-Length" not in sent


def test_an_answer_in_chunks_is_read_to_its_end():
    server, browser = socket.socketpair()
    with server, browser:
        server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
        assert load._answer(browser) == (200, b"1\r\na\r\n0\r\n\r\n")


@pytest.mark.django_db
def test_sessions_that_it_lets_have_happened_are_paid_for(settings):
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    course = make_course()
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    settling._end([course.sessions.first().pk])
    assert sum(tally.released for tally in settle_all()) == 1


@pytest.mark.mariadb
@pytest.mark.django_db
def test_a_copy_of_a_course_costs_lists_no_more_and_stands_last():
    course = make_course()
    with connection.cursor() as cursor:
        key = _copy_course(cursor, course.pk, seats=5)
    first, copied = Course.objects.listed().order_by("-created_at")
    assert (first.pk, copied.pk, copied.max_students) == (course.pk, key, 5)
    sessions = copied.sessions.order_by("session_number")
    assert copied.outline.sessions == CourseOutline.of(key, sessions).sessions
