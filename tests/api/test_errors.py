"""Whatever goes wrong, the answer has one shape."""

import json
from copy import deepcopy

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.test import override_settings
from django.urls import include, path
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from talkplatform import urls

JSON = "application/json"


PASSES = (1020, 1040, 1053, 1205, 1213, 1290, 1792, 1836, 2002, 2003, 2006, 2013)
PASSING = {str(code): OperationalError(code, "the secret cause") for code in PASSES} | {
    "closed": InterfaceError(0, "the secret cause"),
    "locked": OperationalError("database is locked: the secret cause"),
}
DEFECTS = {
    "defect": ZeroDivisionError("the secret cause"),
    "character": OperationalError(1366, "the secret cause"),
    "column": OperationalError(1054, "the secret cause"),
    "too_long": DataError(1406, "the secret cause"),
    "twice": IntegrityError(1062, "the secret cause"),
    "file": OperationalError("unable to open database file: the secret cause"),
    "misuse": InterfaceError("the secret cause"),
    "wordless": OperationalError(),
}


class Failing(APIView):
    permission_classes = (AllowAny,)
    errors = {"throttled": Throttled(7), **PASSING, **DEFECTS}

    def get(self, request, kind):
        raise self.errors[kind]


urlpatterns = [
    path("api/failing/<slug:kind>", Failing.as_view()),
    path("", include(urls.urlpatterns)),
]
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def world(shared_world, db):
    return deepcopy(shared_world)


def check(answer, status: int, code: str) -> dict:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert answer["Content-Type"].startswith(JSON)
    assert list(body) == ["code", "message", "details"]
    assert body["message"]
    assert isinstance(body["details"], dict)
    return body


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer x", "Bearer x y", "Bearer \xff", "Bearer " + "e" * 9000]
)
def test_401(client, db, token):
    answer = client.get("/api/enrollments/me", headers={"Authorization": token})
    assert answer["WWW-Authenticate"]
    assert answer.status_code == 401
    check(answer, 401, answer.json()["code"])


def test_404(owner):
    check(owner.get("/api/nowhere"), 404, "not_found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_405(owner, method):
    check(getattr(owner, method)("/api/enrollments/me"), 405, "method_not_allowed")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_415(world, stranger, kind):
    url = f"/api/enrollments/courses/{world.course.pk}"
    check(stranger.post(url, "{}", content_type=kind), 415, "unsupported_media_type")


@override_settings(ROOT_URLCONF=__name__)
def test_429(stranger):
    answer = stranger.get("/api/failing/throttled")
    check(answer, 429, "throttled")
    assert answer["Retry-After"] == "7"


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("kind", DEFECTS)
def test_500(stranger, kind, caplog):
    body = check(stranger.get(f"/api/failing/{kind}"), 500, "server_error")
    assert "secret" not in json.dumps(body)
    assert DEFECTS[kind] in causes_in(caplog)


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("kind", PASSING)
def test_503(stranger, kind, caplog):
    answer = stranger.get(f"/api/failing/{kind}")
    body = check(answer, 503, "unavailable")
    assert "secret" not in json.dumps(body)
    assert int(answer["Retry-After"]) > 0
    assert PASSING[kind] in causes_in(caplog)


def causes_in(caplog):
    """The errors that the log tells of, and what they came from."""
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    return [*errors, *(error.__cause__ for error in errors)]


MALFORMED = [
    b"{",
    b"nonsense",
    b'{"enrollment_type": NaN}',
    b"NaN",
    b"-Infinity",
    b'{"enrollment_type": "full_course"',
    b"\xff\xfe",
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]
WRONG = [
    *(b"[]", b"5", b'"full_course"', b"true", b"0"),
    b'{"enrollment_type": null}',
    b'{"enrollment_type": ""}',
    b'{"enrollment_type": 1}',
    b'{"enrollment_type": ["full_course"]}',
    b'{"enrollment_type": {}}',
    b'{"enrollment_type": "per_session"}',
    b'{"enrollment_type": "full_course\\u0000"}',
    b'{"enrollment_type": "\\ud800"}',
    b'{"price": "0.01"}',
    b'{"balance": "1000"}',
    b'{"user": "somebody", "enrollment_type": "full_course"}',
    b'{"\\ud800": 1}',
]


@pytest.mark.parametrize("body", MALFORMED + WRONG, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("key", [None, "a-key"])
def test_400_buying(world, stranger, body, key):
    url = f"/api/enrollments/courses/{world.course.pk}"
    headers = {"Idempotency-Key": key} if key else {}
    check(stranger.post(url, body, content_type=JSON, headers=headers), 400, "invalid_request")
    assert stranger.get("/api/payments/wallet").json()["held"] == "0.00"


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("route", ["purchase", "cancel", "cancel_single", "hand_back"])
def test_400_everywhere(world, owner, body, route):
    method, url = {
        "purchase": ("post", f"sessions/{world.other.sessions.last().pk}/purchase"),
        "cancel": ("delete", f"{world.enrollment.pk}"),
        "cancel_single": ("delete", f"sessions/{world.purchase.pk}"),
        "hand_back": ("delete", f"{world.enrollment.pk}/sessions/{world.session.pk}"),
    }[route]
    answer = getattr(owner, method)(f"/api/enrollments/{url}", body, content_type=JSON)
    check(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "reason",
    ["nul \x00", "\ud800", 5 * ["x"], {}, True, None, "x" * 501],
    ids=lambda r: repr(r)[:20],
)
def test_400_names_the_field(world, owner, reason):
    url = f"/api/enrollments/{world.enrollment.pk}"
    answer = owner.delete(url, json.dumps({"reason": reason}), content_type=JSON)
    assert list(check(answer, 400, "invalid_request")["details"]) == ["reason"]


@pytest.mark.parametrize("reason", ["", "\U0001f600 moving", "x" * 500, "<script>"])
def test_a_reason_may_be_any_text(world, owner, reason):
    url = f"/api/enrollments/{world.enrollment.pk}"
    assert owner.delete(url, {"reason": reason}).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"enrollment_type": "full_course"}'])
def test_the_empty_body_and_its_kin(world, stranger, body):
    url = f"/api/enrollments/courses/{world.course.pk}"
    assert stranger.post(url, body, content_type=JSON).status_code == 201


@pytest.mark.parametrize(
    "query",
    ["search=%00", "level=none", "teacher=x", "teacher=%00", "language=%00", "category=a%00"],
)
def test_400_in_the_catalogue(client, db, query):
    check(client.get(f"/api/courses?{query}"), 400, "invalid_request")


@pytest.mark.parametrize(
    "query", ["search=%25_%27\\", "search=%ED%A0%80", "ordering=password", "x=1"]
)
def test_odd_searches_find_nothing_and_break_nothing(client, world, query):
    assert client.get(f"/api/courses?{query}").status_code == 200


def test_a_body_too_big_is_refused(world, stranger):
    url = f"/api/enrollments/courses/{world.course.pk}"
    answer = stranger.post(url, b'{"a": "' + b"x" * 3_000_000 + b'"}', content_type=JSON)
    check(answer, 400, "invalid_request")
