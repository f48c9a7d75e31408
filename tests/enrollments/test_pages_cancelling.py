"""Giving back on pages: what comes back is shown, done once, and told as it was."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from enrollments.errors import RefundLowered
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, move_session
from payments.models import IdempotencyRecord, Transfer
from tests.enrollments.buying_pages import browser, course, first, student, wallet
from tests.factories import DAY, make_course, owe, start_session, student_with_credit
from tests.forms import shown

__all__ = ["browser", "course", "student"]

pytestmark = pytest.mark.django_db

LEARNING = reverse("enrollments:learning")


@pytest.fixture
def enrollment(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


@pytest.fixture
def purchase(student, course):
    return purchase_session(student=student, session_id=first(course).pk)


def leave(enrollment) -> str:
    return reverse("enrollments:cancel_enrollment", args=[enrollment.pk])


def give(purchase) -> str:
    return reverse("enrollments:cancel_purchase", args=[purchase.pk])


def hand_back(enrollment) -> str:
    return reverse("enrollments:hand_back", args=[enrollment.pk, first(enrollment.course).pk])


def move(course) -> None:
    moved = first(course)
    move_session(
        session_id=moved.pk,
        actor=course.teacher,
        starts_at=moved.starts_at + timedelta(hours=3),
        duration_minutes=60,
    )


def rows(page) -> list[tuple[str, str, str]]:
    found = page.context["leaving"].rows
    return [(str(paid), str(refund), why) for _, paid, refund, why in found]


def spend_all(student) -> None:
    course = make_course(sessions=1, price_full_course=wallet(student))
    enroll_full_course(student=student, course_id=course.pk)


def said(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


class TestAsking:
    def test_a_course_session_by_session(self, browser, course, enrollment):
        start_session(first(course))
        page = browser.get(leave(enrollment))
        assert rows(page) == [
            ("20.00", "0.00", "Has started: attendance will decide"),
            *[("20.00", "20.00", "Hasn't started yet")] * 3,
        ]
        for words in ("Cancel and refund $60.00", "Keep my place", "$80.00", "$120.00", "$180.00"):
            assert words in page.text
        assert shown(page)["expected_refund"] == "60.00"

    def test_a_single_session(self, browser, purchase):
        page = browser.get(give(purchase))
        assert rows(page) == [("24.00", "24.00", "Hasn't started yet")]
        assert "Cancel and refund $24.00" in page.text

    def test_nothing_to_come_back(self, browser, course, enrollment):
        for session in course.sessions.all():
            start_session(session)
        page = browser.get(leave(enrollment))
        assert "Cancel without refund" in page.text
        done = browser.post(leave(enrollment), shown(page), follow=True)
        assert said(done) == "Cancelled. There was nothing to refund."

    def test_what_came_back_already_is_named(self, browser, course, enrollment):
        cancel_session(session_id=first(course).pk, actor=course.teacher)
        assert rows(browser.get(leave(enrollment)))[0] == (
            "20.00",
            "0.00",
            "Already refunded",
        )

    def test_asking_changes_nothing(self, browser, student, enrollment):
        browser.get(leave(enrollment))
        browser.head(leave(enrollment))
        assert wallet(student) == Decimal("120.00")
        assert not IdempotencyRecord.objects.exists()

    def test_more_sessions_ask_the_database_no_more(self, browser, student):
        few, many = make_course(sessions=2), make_course(sessions=9)
        asked = [
            statements(browser, leave(enroll_full_course(student=student, course_id=c.pk)))
            for c in (few, many)
        ]
        assert asked[0] == asked[1] <= 12

    def test_others_bookings_are_404(self, client, enrollment, purchase_of_another):
        client.force_login(student_with_credit())
        for url in (leave(enrollment), hand_back(enrollment), give(purchase_of_another)):
            assert client.get(url).status_code == 404
            assert client.post(url, {"idempotency_key": "k"}).status_code == 404
        assert CourseEnrollment.objects.get().status == "active"
        assert SessionPurchase.objects.get().status == "active"

    @pytest.fixture
    def purchase_of_another(self):
        owner = student_with_credit()
        return purchase_session(student=owner, session_id=first(make_course()).pk)

    def test_guests_log_in_first(self, client, enrollment):
        for url in (leave(enrollment), hand_back(enrollment)):
            assert client.post(url).headers["Location"] == f"/login/?next={url}"

    def test_unknown_is_404(self, browser, enrollment):
        key = uuid4()
        for name in ("cancel_enrollment", "cancel_purchase"):
            assert browser.get(reverse(f"enrollments:{name}", args=[key])).status_code == 404
        other = reverse("enrollments:hand_back", args=[enrollment.pk, key])
        assert browser.get(other).status_code == 404
        assert browser.post(other).status_code == 404


def statements(client, url) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


class TestCancelling:
    def test_a_course(self, browser, student, enrollment):
        form = shown(browser.get(leave(enrollment))) | {"reason": "Holidays"}
        done = browser.post(leave(enrollment), form, follow=True)
        assert done.redirect_chain == [(LEARNING, 302)]
        assert said(done) == "$80.00 is back in your credit."
        assert wallet(student) == Decimal("200.00")
        enrollment.hold.refresh_from_db()
        assert enrollment.hold.notes == "Holidays"

    @pytest.mark.parametrize(
        ("owed", "words"),
        [
            ("15.00", "$80.00 came back: $15.00 paid what you owed, $65.00 is in your credit."),
            ("90.00", "$80.00 came back, and went towards what you owed."),
        ],
    )
    def test_what_a_debt_took_of_it_is_said(self, owed, words, browser, student, enrollment):
        spend_all(student)
        owe(student, owed)
        done = browser.post(leave(enrollment), shown(browser.get(leave(enrollment))), follow=True)
        assert said(done) == words

    def test_a_session(self, browser, student, purchase):
        done = browser.post(give(purchase), shown(browser.get(give(purchase))), follow=True)
        assert said(done) == "$24.00 is back in your credit."
        assert wallet(student) == Decimal("200.00")

    def test_the_same_form_twice_cancels_once(self, browser, student, enrollment):
        form = shown(browser.get(leave(enrollment)))
        browser.post(leave(enrollment), form, follow=True)
        again = browser.post(leave(enrollment), form, follow=True)
        assert "it was only done once. $80.00 is back" in said(again)
        assert Transfer.objects.filter(kind="refund").count() == 4

    def test_two_tabs_cancel_once(self, browser, student, enrollment):
        one, two = (shown(browser.get(leave(enrollment))) for _ in range(2))
        browser.post(leave(enrollment), one, follow=True)
        second = browser.post(leave(enrollment), two, follow=True)
        assert said(second) == "This is already cancelled."
        assert wallet(student) == Decimal("200.00")

    def test_less_than_was_shown_is_asked_again(self, browser, student, course, enrollment):
        form = shown(browser.get(leave(enrollment)))
        start_session(first(course))
        page = browser.post(leave(enrollment), form)
        assert page.status_code == 409
        assert "now $60.00, not $80.00. Nothing was cancelled." in page.text
        assert CourseEnrollment.objects.get().status == "active"
        done = browser.post(leave(enrollment), shown(page), follow=True)
        assert said(done) == "$60.00 is back in your credit."

    def test_so_it_is_for_a_single_session(self, browser, student, purchase):
        form = shown(browser.get(give(purchase))) | {"expected_refund": "24.01"}
        page = browser.post(give(purchase), form)
        assert page.status_code == 409
        assert "now $24.00, not $24.01. Nothing was cancelled." in page.text
        assert SessionPurchase.objects.get().status == "active"
        done = browser.post(give(purchase), shown(page), follow=True)
        assert said(done) == "$24.00 is back in your credit."

    def test_so_it_is_for_what_is_handed_back(self, browser, student, course, enrollment):
        move(course)
        form = shown(browser.get(hand_back(enrollment))) | {"expected_refund": "20.01"}
        page = browser.post(hand_back(enrollment), form)
        assert page.status_code == 409
        assert "now $20.00, not $20.01. Nothing was cancelled." in page.text
        done = browser.post(hand_back(enrollment), shown(page), follow=True)
        assert said(done) == "$20.00 is back in your credit."

    def test_a_refusal_sent_again_asks_as_things_stand(self, browser, course, enrollment):
        form = shown(browser.get(leave(enrollment)))
        start_session(first(course))
        assert browser.post(leave(enrollment), form).status_code == 409
        page = browser.post(leave(enrollment), form, follow=True)
        assert page.redirect_chain == [(leave(enrollment), 302)]
        assert "Nothing was cancelled" not in page.text
        assert shown(page)["expected_refund"] == "60.00"

    def test_a_refund_below_the_expected_is_refused_under_the_lock(self, student, enrollment):
        with pytest.raises(RefundLowered):
            cancel_enrollment(
                student=student, enrollment_id=enrollment.pk, expected_refund=Decimal("80.01")
            )
        cancel_enrollment(
            student=student, enrollment_id=enrollment.pk, expected_refund=Decimal("79.99")
        )

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"idempotency_key": ""}, 400),
            ({"expected_refund": "a"}, 400),
            ({"expected_refund": "NaN"}, 400),
            ({"reason": "x" * 501}, 400),
        ],
    )
    def test_a_broken_form_is_asked_again(self, browser, enrollment, change, status):
        page = browser.post(leave(enrollment), shown(browser.get(leave(enrollment))) | change)
        assert page.status_code == status
        assert "Cancel and refund $80.00" in page.text
        assert CourseEnrollment.objects.get().status == "active"

    def test_without_the_token_of_its_page_nothing_is_cancelled(self, student, enrollment):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(student)
        form = shown(browser.get(leave(enrollment)))
        token = form.pop("csrfmiddlewaretoken")
        assert browser.post(leave(enrollment), form).status_code == 403
        browser.post(leave(enrollment), form | {"csrfmiddlewaretoken": token})
        assert CourseEnrollment.objects.get().status == "cancelled"


class TestBlocked:
    def test_cancelled_already(self, browser, student, enrollment):
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        page = browser.get(leave(enrollment))
        assert "This is already cancelled." in page.text
        assert "Cancel and refund" not in page.text

    def test_a_single_session_that_started(self, browser, course, student, purchase):
        form = shown(browser.get(give(purchase)))
        start_session(first(course))
        words = "This session has started, so it can no longer be bought, changed or cancelled."
        assert words in browser.get(give(purchase)).text
        page = browser.post(give(purchase), form)
        assert page.status_code == 409
        assert words in page.text
        assert wallet(student) == Decimal("176.00")

    def test_a_cancelled_single_session(self, browser, student, purchase):
        cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert "This is already cancelled." in browser.get(give(purchase)).text


class TestHandingBack:
    def test_a_moved_session(self, browser, student, course, enrollment):
        move(course)
        page = browser.get(hand_back(enrollment))
        assert "Return and refund $20.00" in page.text
        assert "The rest of your course goes on" in page.text
        assert rows(page) == [("20.00", "20.00", "Hasn't started yet")]
        done = browser.post(hand_back(enrollment), shown(page), follow=True)
        assert said(done) == "$20.00 is back in your credit."
        assert wallet(student) == Decimal("140.00")
        assert CourseEnrollment.objects.get().status == "active"

    def test_the_last_that_was_paid_ends_the_enrolment(self, browser, student, course, enrollment):
        _, *others = course.sessions.all()
        for session in others:
            cancel_session(session_id=session.pk, actor=course.teacher)
        move(course)
        page = browser.get(hand_back(enrollment))
        assert "so your enrolment ends with it" in page.text
        done = browser.post(hand_back(enrollment), shown(page), follow=True)
        assert said(done) == "$20.00 is back in your credit."
        assert CourseEnrollment.objects.get().status == "cancelled"

    def test_one_that_was_not_moved(self, browser, student, course, enrollment):
        words = escape("This session's time and length haven't changed since you booked it")
        assert words in browser.get(hand_back(enrollment)).text
        page = browser.post(hand_back(enrollment), {"idempotency_key": "k"})
        assert page.status_code == 409
        assert words in page.text
        assert wallet(student) == Decimal("120.00")

    def test_twice(self, browser, student, course, enrollment):
        move(course)
        form = shown(browser.get(hand_back(enrollment)))
        browser.post(hand_back(enrollment), form, follow=True)
        browser.post(hand_back(enrollment), form, follow=True)
        other = browser.post(
            hand_back(enrollment), form | {"idempotency_key": "another"}, follow=True
        )
        assert said(other) == "This payment has already been settled."
        assert wallet(student) == Decimal("140.00")

    def test_once_it_started(self, browser, student, course, enrollment):
        move(course)
        start_session(first(course), ago=DAY / 24)
        page = browser.get(hand_back(enrollment))
        assert "This session has started" in page.text

    def test_of_a_cancelled_enrolment(self, browser, student, course, enrollment):
        move(course)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        assert "This is already cancelled." in browser.get(hand_back(enrollment)).text
