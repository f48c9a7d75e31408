"""A refusal has one sentence: what the API answers by its code, the pages say as well."""

from decimal import Decimal
from html import unescape

import pytest
from django.db.models import F
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from common.api import answer_error, error_body
from common.errors import BY_STATUS
from courses.models import Course
from courses.services import archive_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import move_session
from payments.models import PaymentHold
from talkplatform import handlers
from tests.api.conftest import client_of
from tests.factories import (
    DAY,
    PASSWORD,
    PAYOUT_DETAILS,
    earn,
    make_course,
    release_hold,
    start_session,
    student_with_credit,
    withdraw,
)
from tests.test_architecture import documented_codes, refusals

KINDS = {kind.code: kind for kind in refusals()}
OF_STATUSES = {code: status for status, (code, _) in BY_STATUS.items()}
REQUEST = RequestFactory().get("/somewhere/")


@pytest.mark.parametrize("code", sorted(documented_codes()))
@pytest.mark.django_db
def test_each_code_has_one_sentence(code):
    """As the API and the pages render whatever is refused, from wherever it comes."""
    if code in KINDS:
        error = KINDS[code](**KINDS[code].example)
        body = answer_error(error, {"request": REQUEST}).data
        page = handlers.Refusals(None).process_exception(REQUEST, error)
    else:
        body = error_body(OF_STATUSES[code])
        page = handlers._page(REQUEST, OF_STATUSES[code])
    assert body["code"] == code
    assert f"<p>{body['message']}</p>" in unescape(page.text)


@pytest.fixture
def course(db):
    return make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")


@pytest.fixture
def student(db):
    return student_with_credit("200.00")


def both(user, api, page):
    """What the API and a page of the same user answer to these calls: a method, a path, fields."""
    browser = Client()
    browser.force_login(user)
    method, path, body, *headers = api
    answer = getattr(client_of(user), method)(f"/api/{path}", body, **(headers or [{}])[0])
    method, path, fields = page
    return answer.json(), unescape(getattr(browser, method)(path, fields, follow=True).text)


def first(course):
    return course.sessions.first()


def buy_whole(course):
    return (
        ("post", f"enrollments/courses/{course.pk}", {"expected_price": "80.00"}),
        ("post", reverse("enrollments:buy_course", args=[course.pk]), form(expected_price="80.00")),
    )


def buy_single(course):
    key = first(course).pk
    return (
        ("post", f"enrollments/sessions/{key}/purchase", {"expected_price": "24.00"}),
        ("post", reverse("enrollments:buy_session", args=[key]), form(expected_price="24.00")),
    )


def form(**fields):
    return fields | {"idempotency_key": "a-key"}


def own(student, course):
    Course.objects.filter(pk=course.pk).update(teacher=student)


def enroll(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


def purchase(student, course):
    return purchase_session(student=student, session_id=first(course).pk)


def sell_last_seat(student, course):
    Course.objects.filter(pk=course.pk).update(max_students=F("current_students") + 1)
    enroll(student_with_credit(), course)


def archive(student, course):
    archive_course(course_id=course.pk, actor=course.teacher)


def spend(student, course):
    enroll(student, make_course(price_full_course="190.00"))


def raise_price(student, course):
    Course.objects.filter(pk=course.pk).update(price_full_course=Decimal("90.00"))


def start(student, course):
    start_session(first(course))


def hide(student, course):
    Course.objects.filter(pk=course.pk).update(status="draft")


@pytest.mark.parametrize(
    ("code", "hinder", "buying"),
    [
        ("own_course", own, buy_whole),
        ("own_course", own, buy_single),
        ("already_enrolled", enroll, buy_whole),
        ("already_purchased", purchase, buy_single),
        ("included_in_enrollment", enroll, buy_single),
        ("sold_out", sell_last_seat, buy_whole),
        ("sold_out", sell_last_seat, buy_single),
        ("not_for_sale", archive, buy_whole),
        ("not_for_sale", archive, buy_single),
        ("insufficient_credit", spend, buy_whole),
        ("insufficient_credit", spend, buy_single),
        ("price_changed", raise_price, buy_whole),
        ("session_started", start, buy_single),
        ("not_found", hide, buy_whole),
    ],
)
def test_buying(student, course, code, hinder, buying):
    hinder(student, course)
    answer, page = both(student, *buying(course))
    assert answer["code"] == code
    assert answer["message"] in page


def cancel_whole(booking):
    return (
        ("delete", f"enrollments/{booking.pk}", {"expected_refund": "80.00"}),
        (
            "post",
            reverse("enrollments:cancel_enrollment", args=[booking.pk]),
            form(expected_refund="80.00"),
        ),
    )


def cancel_single(booking):
    return (
        ("delete", f"enrollments/sessions/{booking.pk}", {}),
        ("post", reverse("enrollments:cancel_purchase", args=[booking.pk]), form()),
    )


def hand_back(booking):
    session = first(booking.course)
    return (
        ("delete", f"enrollments/{booking.pk}/sessions/{session.pk}", {}),
        ("post", reverse("enrollments:hand_back", args=[booking.pk, session.pk]), form()),
    )


def leave(booking):
    cancel_enrollment(student=booking.user, enrollment_id=booking.pk)


def give_back(booking):
    cancel_session_purchase(student=booking.user, purchase_id=booking.pk)


def complete(booking):
    release_hold(PaymentHold.objects.get(pk=booking.hold.pk))
    type(booking).objects.filter(pk=booking.pk).update(
        status="completed" if hasattr(booking, "enrolled_at") else "attended"
    )


def begin(booking):
    start_session(first(booking.course))


def move_and_begin(booking):
    session = first(booking.course)
    move_session(
        session_id=session.pk,
        actor=session.course.teacher,
        starts_at=session.starts_at + DAY,
        duration_minutes=60,
    )
    session.refresh_from_db()
    start_session(session)


@pytest.mark.parametrize(
    ("code", "book", "hinder", "cancelling"),
    [
        ("already_cancelled", enroll, leave, cancel_whole),
        ("already_cancelled", purchase, give_back, cancel_single),
        ("already_cancelled", enroll, leave, hand_back),
        ("hold_settled", enroll, complete, cancel_whole),
        ("hold_settled", purchase, complete, cancel_single),
        ("hold_settled", enroll, complete, hand_back),
        ("refund_lowered", enroll, begin, cancel_whole),
        ("session_started", purchase, begin, cancel_single),
        ("session_started", enroll, move_and_begin, hand_back),
        ("session_not_moved", enroll, lambda booking: None, hand_back),
    ],
)
def test_cancelling(student, course, code, book, hinder, cancelling):
    booking = book(student, course)
    hinder(booking)
    answer, page = both(student, *cancelling(booking))
    assert answer["code"] == code
    assert answer["message"] in page


@pytest.mark.parametrize("refund", [True, False])
def test_what_was_cancelled(student, course, refund):
    """The same where nothing is refused."""
    bookings = [enroll(student, course), enroll(student, make_course(sessions=1))]
    if not refund:
        for booking in bookings:
            for session in booking.course.sessions.all():
                start_session(session)
    api, page = cancel_whole(bookings[0])[0], cancel_whole(bookings[1])[1]
    answer, text = both(student, (*api[:2], {}), (*page[:2], form()))
    told = answer["message"].partition(" is back")
    assert told[1:] == (" is back", " in your credit.") if refund else ("", "")
    assert (" is back in your credit." if refund else answer["message"]) in text


WITHDRAW = "/earnings/withdraw/"
MONEY = {"amount": "120.00", "payout_details": PAYOUT_DETAILS, "password": PASSWORD}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("wrong_password", {"password": "a guess"}),
        ("invalid_amount", {"amount": "1e2"}),
        ("below_minimum", {"amount": "5.00"}),
        ("insufficient_balance", {"amount": "120.01"}),
    ],
)
def test_withdrawing(student, code, change):
    earn(student, "120.00")
    fields = MONEY | change
    page = ("post", WITHDRAW, form(**fields))
    if code in ("invalid_amount", "below_minimum"):
        page = ("get", WITHDRAW, {"amount": fields["amount"]})
    answer, text = both(student, ("post", "payments/withdrawals", fields), page)
    assert answer["code"] == code
    assert answer["message"] in text


@pytest.mark.parametrize("status", ["approved", "completed", "rejected", "cancelled"])
def test_taking_a_withdrawal_back(student, status):
    earn(student, "120.00")
    key = withdraw(student, status=status).pk
    answer, page = both(
        student,
        ("delete", f"payments/withdrawals/{key}", {}),
        ("post", reverse("payments:cancel_withdrawal", args=[key]), form()),
    )
    assert answer["code"] == "withdrawal_decided"
    assert answer["message"] in page


@pytest.mark.parametrize("tries", [1, 6])
def test_logging_in(student, tries):
    for email in ("ada@example.com", "bob@example.com"):
        for _ in range(tries):
            said = client_of(None).post("/api/auth/token", {"email": email, "password": "a guess"})
            page = Client().post("/login/", {"username": email, "password": "a guess"})
    assert said.json()["code"] == ("throttled" if tries > 1 else "invalid_credentials")
    assert said.json()["message"] in unescape(page.text)


def test_a_key_of_another_request(student, course):
    other = make_course(price_full_course="80.00")
    browser = Client()
    browser.force_login(student)
    browser.post(*buy_whole(other)[1][1:])
    api, page = buy_single(course)
    answer, text = both(student, (*api, {"headers": {"Idempotency-Key": "a-key"}}), page)
    assert answer["code"] == "idempotency_key_reused"
    assert answer["message"] in text


def test_no_key(student, course):
    (method, path, body), (_, url, fields) = buy_whole(course)
    sent = {"headers": {"Idempotency-Key": "ä"}}
    page = ("post", url, fields | {"idempotency_key": "ä"})
    answer, text = both(student, (method, path, body, sent), page)
    assert answer["code"] == "invalid_idempotency_key"
    assert answer["message"] in text


def test_what_is_malformed(student, course):
    (method, path, _), (_, url, fields) = buy_whole(course)
    page = ("post", url, fields | {"expected_price": "NaN"})
    answer, text = both(student, (method, path, {"expected_price": "NaN"}), page)
    assert answer["code"] == "invalid_request"
    assert answer["message"] in text


def test_no_such_way(student):
    answer, page = both(student, ("put", "enrollments/me", {}), ("get", "/logout/", {}))
    assert answer["code"] == "method_not_allowed"
    assert answer["message"] in page


@pytest.mark.parametrize(
    ("code", "headers", "limit"),
    [
        ("length_required", {"Transfer-Encoding": "chunked"}, 1000),
        ("payload_too_large", {}, 10),
    ],
)
def test_bodies(db, code, headers, limit):
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=limit):
        answer = client_of(None).post("/api/auth/token", {"email": "x" * 20}, headers=headers)
        page = Client().post("/login/", {"username": "x" * 20}, headers=headers)
    assert answer.json()["code"] == code
    assert answer.json()["message"] in unescape(page.text)


def test_how_long_to_wait_is_told_in_words():
    said = [str(KINDS["throttled"](retry_after=seconds)) for seconds in (1, 59, 60, 237, 3601)]
    waits = ["1 second", "59 seconds", "about a minute", "about 4 minutes", "about 2 hours"]
    assert said == [f"Too many attempts. Try again in {wait}." for wait in waits]


def test_amounts_are_written_as_people_do_and_sent_as_clients_read_them():
    error = KINDS["refund_lowered"](expected=Decimal(1200), refund=Decimal("-0.5"))
    assert "$1,200.00" in str(error)
    assert "-$0.50" in str(error)
    assert error.details == {"expected": "1200.00", "refund": "-0.50"}
