"""Who booked a session, as its teacher sees it, and how it is called off."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses.models import CourseSession
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase
from enrollments.services.sessions import cancel_session
from notices.models import Notice
from payments.models import HoldPart
from payments.wallets import balances_of
from rooms.models import Attendance
from tests.factories import end_session, start_session
from tests.forms import shown
from tests.teaching.pages import at, errors, said
from tests.teaching.session_forms import buy, course, enrol, first, typed

__all__ = ["course", "first"]

pytestmark = pytest.mark.django_db


class TestRoster:
    def test_who_comes_and_what_became_of_their_money(self, browser, course, first):
        enrol(course, display_name="Ada")
        buy(first, display_name="Bea")
        gone, purchase = buy(first, display_name="Aaron")
        cancel_session_purchase(student=gone, purchase_id=purchase.pk)
        upgraded, _ = buy(first, display_name="Cleo")
        enroll_full_course(student=upgraded, course_id=course.pk)

        page = browser.get(at("roster", first))

        rows = [(p.hold.student.display_name, p.status) for p in page.context["page_obj"]]
        assert rows == [
            ("Ada", "pending"), ("Bea", "pending"), ("Cleo", "pending"), ("Aaron", "refunded")
        ]  # fmt: skip
        assert (page.text.count("Full course"), page.text.count("Single session")) == (2, 2)
        assert "Cancelled by the student" in page.text
        sales = page.context["sales"]
        assert (sales.students, sales.gross) == (3, Decimal("116.00"))

    def test_how_long_they_were_there(self, browser, course, first):
        student, _ = buy(first)
        buy(first)
        start_session(first, ago=timedelta(minutes=50))
        for user, minutes in ((student, 40), (course.teacher, 45)):
            Attendance.objects.create(
                session=first,
                user=user,
                connection=str(user.pk),
                room_sid="RM_1",
                joined_at=first.starts_at,
                left_at=first.starts_at + timedelta(minutes=minutes),
                seen_at=first.starts_at + timedelta(minutes=minutes),
                source="webhook",
            )
        page = browser.get(at("roster", first))
        assert "You were there for 45 of 60 min" in page.text
        assert page.text.count("40 of 60 min") == 1
        assert page.text.count("of 60 min") == 2

    def test_addresses_are_not_shown(self, browser, first):
        student, _ = buy(first)
        page = browser.get(at("roster", first))
        assert student.display_name in page.text
        assert student.email not in page.text

    def test_names_are_text(self, browser, first):
        buy(first, display_name="<script>alert(1)</script>")
        assert "<script>alert" not in browser.get(at("roster", first)).text

    def test_nobody_yet(self, browser, first):
        assert "No students yet" in browser.get(at("roster", first)).text

    def test_it_is_paged_and_statements_do_not_grow(self, browser, first):
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(at("roster", first)).status_code == 200
            return len(queries)

        buy(first)
        few = statements()
        for _ in range(50):
            buy(first)
        assert statements() == few
        assert len(browser.get(at("roster", first), {"page": 2}).context["page_obj"]) == 1


def call_off(browser, session: CourseSession, words: str = "", **more):
    """Read the page, type the words and a reason, send it."""
    url = at("cancel_session", session)
    return browser.post(url, shown(browser.get(url)) | confirmed(words) | more, follow=True)


def confirmed(words: str) -> dict:
    return {"reason": "I have the flu", "confirmation": words}


class TestCallingOff:
    def test_it_names_students_and_sum_and_does_so(self, browser, course, first):
        enrolled, _ = enrol(course)
        single, _ = buy(first)
        page = browser.get(at("cancel_session", first))
        assert page.text.count("Cancel session and refund 2 students ($66.00)") == 2

        page = call_off(browser, first, " Refund  2 STUDENTS ")

        assert said(page) == ["Session 1 has been cancelled. 2 students got $66.00 back."]
        first.refresh_from_db()
        assert first.status == CourseSession.Status.CANCELLED
        assert balances_of(enrolled) == (Decimal("450.00"), Decimal("50.00"))
        assert balances_of(single) == (Decimal("500.00"), Decimal("0.00"))
        assert "Session cancelled" in page.text
        told = Notice.objects.filter(kind="session_called_off")
        assert {notice.text("reason") for notice in told} == {"I have the flu"}
        assert {notice.reader for notice in told} == {enrolled, single}

    def test_it_asks_why(self, browser, course, first):
        enrol(course)
        page = call_off(browser, first, "refund 1 student", reason="  ")
        assert set(errors(page)) == {"reason"}
        assert CourseSession.objects.get(pk=first.pk).status == "scheduled"

    @pytest.mark.parametrize("words", ["", "yes", "refund 3 students", "refund 2 student"])
    def test_other_words_do_nothing(self, browser, course, first, words):
        enrol(course)
        buy(first)
        page = call_off(browser, first, words)
        assert set(errors(page)) == {"confirmation"}
        first.refresh_from_db()
        assert first.status == CourseSession.Status.SCHEDULED
        assert HoldPart.objects.filter(status="refunded").count() == 0

    def test_sent_twice_it_refunds_once(self, browser, course, first):
        enrolled, _ = enrol(course)
        url = at("cancel_session", first)
        body = shown(browser.get(url)) | confirmed("refund 1 student")
        told = [said(browser.post(url, body, follow=True)) for _ in range(2)]
        assert told == [["Session 1 has been cancelled. 1 student got $50.00 back."]] * 2
        assert balances_of(enrolled) == (Decimal("450.00"), Decimal("50.00"))

    def test_somebody_buys_meanwhile(self, browser, course, first):
        enrol(course)
        url = at("cancel_session", first)
        old = shown(browser.get(url)) | confirmed("refund 1 student")
        late, _ = buy(first)

        page = browser.post(url, old)

        assert page.status_code == 200
        assert "refund $66.00 to 2 students. Nothing was cancelled." in page.text
        assert "refund 2 students" in page.text
        first.refresh_from_db()
        assert first.status == CourseSession.Status.SCHEDULED
        call_off(browser, first, "refund 2 students")
        assert balances_of(late) == (Decimal("500.00"), Decimal("0.00"))

    def test_the_sum_changes_and_the_number_does_not(self, browser, course, first):
        _, enrollment = enrol(course)
        url = at("cancel_session", first)
        old = shown(browser.get(url)) | confirmed("refund 1 student")
        cancel_enrollment(student=enrollment.user, enrollment_id=enrollment.pk)
        buy(first)
        page = browser.post(url, old)
        assert "refund $16.00 to 1 student." in page.text

    def test_nobody_bought_it(self, browser, first):
        page = browser.get(at("cancel_session", first))
        assert "Nobody has bought this session." in page.text
        assert "confirmation" not in page.text
        page = call_off(browser, first)
        assert said(page) == ["Session 1 has been cancelled. Nobody had paid for it."]

    def test_the_first_to_buy_turns_it_into_a_question(self, browser, first):
        old = shown(browser.get(at("cancel_session", first)))
        buy(first)
        page = browser.post(at("cancel_session", first), old)
        assert set(errors(page)) == {"__all__", "reason", "confirmation"}
        first.refresh_from_db()
        assert first.status == CourseSession.Status.SCHEDULED

    def test_who_got_it_for_nothing_gets_nothing_back(self, browser, course):
        enrolled, _ = enrol(course)
        browser.post(at("add_session", course), typed())
        added = course.sessions.last()
        assert "1 student loses this session" in browser.get(at("cancel_session", added)).text
        assert set(errors(call_off(browser, added, reason=""))) == {"reason"}
        assert "Session 3 has been cancelled" in said(call_off(browser, added))[0]
        assert balances_of(enrolled) == (Decimal("400.00"), Decimal("100.00"))

    @pytest.mark.parametrize("begins", [start_session, end_session])
    def test_once_it_has_begun_attendance_decides(self, browser, course, first, begins):
        student, _ = enrol(course)
        old = shown(browser.get(at("cancel_session", first))) | {"confirmation": "refund 1 student"}
        assert at("cancel_session", first) in browser.get(at("roster", first)).text
        begins(first)
        for page in (
            browser.get(at("cancel_session", first), follow=True),
            browser.post(at("cancel_session", first), old, follow=True),
        ):
            assert "This session has started" in said(page)[0]
            assert at("cancel_session", first) not in page.text
        assert at("cancel_session", first) not in browser.get(at("course", course)).text
        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))

    def test_a_session_that_is_over_cannot(self, browser, course, first):
        enrol(course)
        end_session(first)
        CourseSession.objects.filter(pk=first.pk).update(status="completed")
        for page in (
            browser.get(at("cancel_session", first), follow=True),
            browser.post(at("cancel_session", first), {"expected": "0:0.00"}, follow=True),
        ):
            assert said(page) == ["This session is over or cancelled, so it can't be changed."]
        assert not HoldPart.objects.filter(status="refunded").exists()

    def test_a_cancelled_session_says_so(self, browser, course, first):
        cancel_session(session_id=first.pk, actor=course.teacher)
        page = browser.get(at("cancel_session", first), follow=True)
        assert page.redirect_chain == [(at("roster", first), 302)]
        assert "Cancelled" in page.text
        assert at("cancel_session", first) not in page.text
