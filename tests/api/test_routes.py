"""Every route, asked by everybody."""

from copy import deepcopy

import pytest
from django.urls import URLPattern, URLResolver

from talkplatform.api import urlpatterns
from tests.factories import PASSWORD, PAYOUT_DETAILS

WHO = ("owner", "stranger", "anonymous", "teacher", "staff")
CREDENTIALS = {"email": "nobody@example.com", "password": "correct horse battery"}
PAYOUT = {"amount": "10.00", "payout_details": PAYOUT_DETAILS, "password": PASSWORD}
NEWCOMER = CREDENTIALS | {"display_name": "Somebody"}

# Method, path, expected status for each of WHO, body.
ROUTES = [
    ("get", "courses", (200, 200, 200, 200, 200), None),
    ("get", "courses/{course}", (200, 200, 200, 200, 200), None),
    ("get", "courses/{draft}", (404, 404, 404, 200, 200), None),
    ("get", "courses/{nothing}", (404, 404, 404, 404, 404), None),
    ("get", "enrollments/me", (200, 200, 401, 200, 200), None),
    ("get", "enrollments/me/sessions", (200, 200, 401, 200, 200), None),
    # The owner has it, the teacher teaches it, staff have no credit.
    ("post", "enrollments/courses/{course}", (409, 201, 401, 409, 402), None),
    ("post", "enrollments/courses/{draft}", (404, 404, 401, 409, 409), None),
    ("post", "enrollments/courses/{nothing}", (404, 404, 401, 404, 404), None),
    ("post", "enrollments/sessions/{single}/purchase", (409, 201, 401, 402, 402), None),
    ("post", "enrollments/sessions/{nothing}/purchase", (404, 404, 401, 404, 404), None),
    ("get", "enrollments/sessions/{session}/access", (200, 200, 401, 200, 200), None),
    ("get", "enrollments/sessions/{nothing}/access", (404, 404, 401, 404, 404), None),
    ("get", "enrollments/sessions/{purchase}", (200, 404, 401, 404, 404), None),
    ("get", "enrollments/sessions/{purchase}/cancellation", (200, 404, 401, 404, 404), None),
    ("delete", "enrollments/sessions/{purchase}", (200, 404, 401, 404, 404), None),
    ("get", "enrollments/{enrollment}", (200, 404, 401, 404, 404), None),
    ("get", "enrollments/{enrollment}/cancellation", (200, 404, 401, 404, 404), None),
    ("delete", "enrollments/{enrollment}", (200, 404, 401, 404, 404), None),
    ("delete", "enrollments/{enrollment}/sessions/{session}", (409, 404, 401, 404, 404), None),
    ("get", "payments/wallet", (200, 200, 401, 200, 200), None),
    ("get", "payments/transfers", (200, 200, 401, 200, 200), None),
    ("get", "payments/holds", (200, 200, 401, 200, 200), None),
    ("get", "payments/earnings", (200, 200, 401, 200, 200), None),
    ("get", "payments/withdrawals", (200, 200, 401, 200, 200), None),
    # The owner has earned something, the others have not.
    ("post", "payments/withdrawals", (201, 409, 401, 409, 409), PAYOUT),
    ("delete", "payments/withdrawals/{withdrawal}", (200, 404, 401, 404, 404), None),
    ("get", "payments/topups", (200, 200, 401, 200, 200), None),
    # No processor is set up.
    ("post", "payments/topups", (503, 503, 401, 503, 503), {"amount": "20", "method": "stripe"}),
    ("get", "payments/topups/{top_up}", (200, 404, 401, 404, 404), None),
    ("get", "payments/refunds", (200, 200, 401, 200, 200), None),
    # Nobody has paid anything in.
    ("post", "payments/refunds", (409, 409, 401, 409, 409), {"amount": "20"}),
    ("get", "notices", (200, 200, 401, 200, 200), None),
    ("post", "notices/{notice}/read", (200, 404, 401, 404, 404), None),
    ("post", "notices/{notice}/acknowledge", (200, 404, 401, 404, 404), None),
    ("post", "webhooks/livekit", (415, 415, 415, 415, 415), {}),
    ("post", "webhooks/stripe", (503, 503, 503, 503, 503), {}),
    ("get", "auth/me", (200, 200, 401, 200, 200), None),
    ("post", "auth/register", (201, 201, 201, 201, 201), NEWCOMER),
    ("post", "auth/email", (202, 202, 401, 202, 202), CREDENTIALS | {"password": PASSWORD}),
    ("post", "auth/email/link", (409, 409, 401, 409, 409), None),
    ("post", "auth/token", (401, 401, 401, 401, 401), CREDENTIALS),
    ("post", "auth/token/refresh", (401, 401, 401, 401, 401), {"refresh": "no token"}),
    ("post", "auth/logout", (401, 401, 401, 401, 401), {"refresh": "no token"}),
    ("get", "schema", (200, 200, 200, 200, 200), None),
    ("get", "docs", (200, 200, 200, 200, 200), None),
]
TABLE = [
    pytest.param(method, path, who, status, body, id=f"{who}-{method}-{path}")
    for method, path, statuses, body in ROUTES
    for who, status in zip(WHO, statuses, strict=True)
]
NAMES = (
    "course", "draft", "session", "single", "purchase", "enrollment", "withdrawal", "top_up",
    "notice",
)  # fmt: skip
NOTHING = "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e90"


@pytest.fixture
def world(shared_world, db):
    return deepcopy(shared_world)


def fill(path: str, world) -> str:
    return "/api/" + path.format(
        nothing=NOTHING, **{name: getattr(world, name).pk for name in NAMES}
    )


@pytest.mark.parametrize(("method", "path", "who", "status", "body"), TABLE)
def test_route(world, as_user, method, path, who, status, body):
    client = as_user(getattr(world, who))

    answer = getattr(client, method)(fill(path, world), body)

    assert answer.status_code == status, answer.content
    if status >= 400:
        assert set(answer.json()) == {"code", "message", "details"}


def test_every_route_is_in_the_table():
    def paths(patterns, prefix=""):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from paths(pattern.url_patterns, prefix + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield pattern, prefix + str(pattern.pattern)

    asked = {path for _, path, _, _ in ROUTES}
    for pattern, path in paths(urlpatterns):
        assert any(pattern.resolve(fill_any(one, path)) for one in asked), path


def fill_any(path: str, pattern: str) -> str:
    return path.format(**dict.fromkeys((*NAMES, "nothing"), NOTHING))


@pytest.mark.parametrize(
    "path", sorted({path for _, path, statuses, _ in ROUTES if statuses[2] == 401})
)
def test_a_401_says_how_to_get_in(world, as_user, path):
    method = next(method for method, known, _, _ in ROUTES if known == path)
    body = next(body for _, known, _, body in ROUTES if known == path)
    answer = getattr(as_user(None), method)(fill(path, world), body)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["courses/{}", "enrollments/{}", "enrollments/sessions/{}/access"])
@pytest.mark.parametrize("key", ["1", "not-a-uuid", NOTHING[:-1], NOTHING + "0", "%00", "%F0%9F"])
def test_a_malformed_id_is_not_there(owner, path, key):
    answer = owner.get("/api/" + path.format(key))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_slash_at_the_end_leads_nowhere(owner):
    answer = owner.get("/api/courses/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_refusals_name_their_code(world, owner, as_user):
    buy = f"/api/enrollments/courses/{world.course.pk}"
    assert owner.post(buy).json()["code"] == "already_enrolled"
    assert as_user(world.teacher).post(buy).json()["code"] == "own_course"
    refused = as_user(world.staff).post(buy).json()
    assert refused["code"] == "insufficient_credit"
    assert refused["message"] == "You need $100.00 more credit."
    assert refused["details"] | {"required": "100.00", "available": "0.00"} == refused["details"]


def test_what_buying_and_cancelling_answer(world, stranger):
    bought = stranger.post(f"/api/enrollments/courses/{world.course.pk}").json()
    assert bought["total_price_paid"] == bought["hold"]["amount"] == "100.00"
    assert bought["course_id"] == bought["course"]["id"] == str(world.course.pk)
    assert bought["enrolled_at"].endswith("Z")
    single = stranger.post(f"/api/enrollments/sessions/{world.single.pk}/purchase").json()
    assert single["session_id"] == single["session"]["id"] == str(world.single.pk)
    assert stranger.get("/api/payments/wallet").json() == {
        "credit_balance": "384.00",
        "held": "116.00",
        "owed": "0.00",
        "refundable": "0.00",
    }

    undone = stranger.delete(f"/api/enrollments/{bought['id']}", {"reason": "Later"}).json()
    assert set(undone) == {"message", "refund_amount", "refunded_at", "enrollment"}
    assert undone["refund_amount"] == undone["enrollment"]["refund_amount"] == "100.00"
    undone = stranger.delete(f"/api/enrollments/sessions/{single['id']}").json()
    assert set(undone) == {"message", "refund_amount", "refunded_at", "purchase"}
    assert undone["purchase"]["status"] == "cancelled"
    assert stranger.get("/api/auth/me").json()["credit_balance"] == "500.00"


def test_access_says_why_and_when(world, owner):
    answer = owner.get(f"/api/enrollments/sessions/{world.session.pk}/access").json()
    assert set(answer) == {"hasAccess", "reason", "opens_at", "closes_at", "join"}
    assert (answer["hasAccess"], answer["reason"], answer["join"]) == (True, "enrolled", None)
