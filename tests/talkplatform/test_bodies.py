"""A body is here whole, with its length, or nothing is done."""

import io
import json
import socket
import subprocess
from http.client import HTTPResponse, RemoteDisconnected
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver

from accounts.tokens import open_family
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from rooms.models import WebhookEvent
from tests.conversations import CONFIGURED, Room, sign
from tests.factories import PASSWORD, make_course, student_with_credit
from tests.serving import serving, wait_until_ready

CODES = {400: "invalid_request", 411: "length_required", 413: "payload_too_large"}
NO_ANSWER = (16, 18, 52, 55, 56)  # what one curl or another says when there was none
# A token of a form is this cookie's value, as it stands.
CSRF = "c" * 32


def paths(patterns=None, prefix="/"):
    """An address of every route, those that lead into the void included."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        place = prefix + str(pattern.pattern).replace("^", "").replace("$", "")
        if isinstance(pattern, URLPattern):
            yield place.translate(str.maketrans("<>:?\\()", "-------"))
        else:
            yield from paths(pattern.url_patterns, place)


def refused(answer, status):
    """Whether this is that refusal: the API's one body, or a page in our dress."""
    if "json" in answer["Content-Type"]:
        return (answer.status_code, answer.json()["code"]) == (status, CODES[status])
    shown = f'<p class="code">{status}</p>' in answer.content.decode()
    return answer.status_code == status and shown and "css/base.css" in answer.content.decode()


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
@pytest.mark.parametrize(
    ("status", "request_line"),
    [
        (411, {"HTTP_TRANSFER_ENCODING": "chunked"}),
        (411, {"HTTP_TRANSFER_ENCODING": "gzip, chunked", "CONTENT_LENGTH": "3"}),
        (400, {"CONTENT_LENGTH": "10"}),
        (413, {"CONTENT_LENGTH": "1001"}),
    ],
)
@pytest.mark.parametrize("method", ["post", "delete", "put", "get"])
def test_no_route_sees_a_body_that_is_not_whole(method, status, request_line):
    browser = Client()
    everywhere = sorted(set(paths()))
    assert len(everywhere) > 100
    for path in everywhere:
        sent = {"wsgi.input": io.BytesIO(b"abc"), **request_line}
        answer = getattr(browser, method)(path, **sent)
        assert refused(answer, status), (path, answer.status_code)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_the_largest_body_is_read(client, db):
    body = json.dumps({"email": "nobody@example.com", "password": "x"}).ljust(1000)
    sent = client.post("/api/auth/token", body, content_type="application/json")
    assert sent.json()["code"] == "invalid_credentials"


@pytest.fixture(scope="module", params=["haproxy", ""], ids=["behind HAProxy", "alone"])
def server(request, django_db_setup):
    with serving(HAPROXY=request.param, WEB_PROCESSES="1", **CONFIGURED) as process:
        wait_until_ready(process)
        yield process


@pytest.fixture
def enrolled(transactional_db):
    student = student_with_credit()
    return enroll_full_course(student=student, course_id=make_course().pk)


@pytest.fixture
def wishes(enrolled):
    """What a body that is cut, or in chunks, must not bring about: a head and a body each."""
    student, course = enrolled.user, make_course()
    bearer = f"Authorization: Bearer {open_family(student)['access']}"
    browser = Client()
    browser.force_login(student)
    cookies = f"session={browser.cookies['session'].value}; csrf={CSRF}"
    form = f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded"
    event = Room(enrolled.course.sessions.first()).joined(student, 3)
    cancelling = {"csrfmiddlewaretoken": CSRF, "reason": "x", "expected_refund": "999.00"}
    signing_in = {"email": student.email, "password": PASSWORD}
    return {
        "buy": api(f"POST /api/enrollments/courses/{course.pk}", bearer, {}),
        "cancel": api(f"DELETE /api/enrollments/{enrolled.pk}", bearer, {"reason": "x" * 40}),
        "sign in": api("POST /api/auth/token", "Accept: */*", signing_in),
        "the form": (
            f"POST /learning/courses/{enrolled.pk}/cancel/ HTTP/1.1\r\n{form}",
            urlencode(cancelling).encode(),
        ),
        "the webhook": (
            f"POST /api/webhooks/livekit HTTP/1.1\r\nAuthorization: {sign(event)}\r\n"
            "Content-Type: application/webhook+json",
            event,
        ),
    }


def api(line, header, body):
    head = f"{line} HTTP/1.1\r\n{header}\r\nContent-Type: application/json"
    return head, json.dumps(body).encode()


def send(url, head, length, body, *, cut=False):
    """What is answered to these bytes, after which nothing comes any more if they are cut."""
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), 20) as line:
        line.sendall(f"{head}\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n".encode() + body)
        if cut:
            line.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(line)
        try:
            answer.begin()
        except RemoteDisconnected:
            return None, ""
        return answer.status, answer.read().decode()


def in_chunks(body):
    return b"%x\r\n%s\r\n" % (len(body), body)


HOW = {
    "in chunks": ("Transfer-Encoding: chunked", lambda body: in_chunks(body) + b"0\r\n\r\n", 411),
    "in chunks, cut": ("Transfer-Encoding: chunked", in_chunks, 411),
    "cut": ("Content-Length: 1000", lambda body: body, 400),
    "cut at once": ("Content-Length: 1000", lambda body: b"", 400),
    "too large": ("Content-Length: 5242881", lambda body: body, 413),
}


def nothing_changed(enrolled):
    enrolled.refresh_from_db()
    return (
        enrolled.status == "active"
        and CourseEnrollment.objects.count() == 1
        and not WebhookEvent.objects.exists()
    )


@pytest.mark.mariadb
@pytest.mark.parametrize("how", HOW)
def test_a_real_server_acts_on_whole_bodies_alone(server, enrolled, wishes, how):
    length, cut, status = HOW[how]
    for what, (head, body) in wishes.items():
        answered, text = send(server.url, head, length, cut(body), cut="cut" in how)
        if "cut" in how and answered is None:
            continue  # HAProxy hangs up on who has hung up
        assert answered == status, (what, text)
        if "/api/" in head:
            assert json.loads(text)["code"] == CODES[status]
        else:
            assert f'<p class="code">{status}</p>' in text
    assert nothing_changed(enrolled)


@pytest.mark.mariadb
def test_http_2_is_not_spoken(server, enrolled, wishes):
    for head, body in wishes.values():
        line, *headers = head.split("\r\n")
        method, path, _ = line.split()
        command = ["curl", "--silent", "--http2-prior-knowledge", "--upload-file", "-"]
        command += [word for header in headers for word in ("--header", header)]
        command += ["--request", method, server.url + path]
        sent = subprocess.run(command, input=body, capture_output=True, check=False)
        assert sent.returncode in NO_ANSWER, sent
        assert sent.stdout == b""
    assert nothing_changed(enrolled)


@pytest.mark.mariadb
def test_what_is_whole_is_acted_on(server, enrolled, wishes):
    for what in ("buy", "sign in", "the webhook", "cancel"):
        head, body = wishes[what]
        status, text = send(server.url, head, f"Content-Length: {len(body)}", body)
        assert status in (200, 201), (what, text)
    assert not nothing_changed(enrolled)


def test_the_limit_is_the_one_that_is_documented():
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 5 * 1024 * 1024
