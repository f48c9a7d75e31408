"""A student's credit and receipts: exact to the cent on every line, and nobody else's."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common.formats import until
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_course, change_session
from payments.models import CreditNotice, PaymentHold
from payments.statements import events_of, lines_of
from payments.views.credit import LINES_PER_PAGE
from payments.wallets import balances_of
from settlement.services.deciding import refund_hold
from tests.factories import (
    StaffFactory,
    UserFactory,
    give_credit,
    make_course,
    owe,
    student_with_credit,
)

pytestmark = pytest.mark.django_db

PAGE = "/credit/"


@pytest.fixture
def student():
    return student_with_credit("500.00")


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def history(user) -> list:
    return lines_of(list(events_of(user)))


def live_through(student, times: int) -> None:
    """Buy and give back at a price that floats do not add up, so that the history gets long."""
    session = make_course(sessions=1, price_per_session="0.10").sessions.get()
    for _ in range(times):
        bought = purchase_session(student=student, session_id=session.pk)
        cancel_session_purchase(student=student, purchase_id=bought.pk)


def test_a_guest_is_asked_to_log_in(client):
    assert client.get(PAGE).headers["Location"] == f"/login/?next={PAGE}"


def test_whoever_has_no_credit_sees_no_movements(client):
    client.force_login(UserFactory())
    words = text_of(client.get(PAGE))
    assert "No movements yet" in words
    assert "$0.00" in words


def test_what_there_is_and_what_is_held(browser, student):
    enroll_full_course(student=student, course_id=make_course().pk)
    answer = browser.get(PAGE)
    assert (answer.context["balance"], answer.context["held"]) == (Decimal(400), Decimal(100))
    assert "$400.00" in text_of(answer)


def test_every_line_says_what_it_was_for_and_what_was_left(student):
    course = make_course(sessions=2, price_full_course="20.01", price_per_session="16.00")
    first, second = course.sessions.order_by("session_number")
    purchase_session(student=student, session_id=first.pk)
    whole = enroll_full_course(student=student, course_id=course.pk)
    cancel_session(session_id=second.pk, actor=course.teacher)
    cancel_enrollment(student=student, enrollment_id=whole.pk)
    told = [
        (line.title, str(line.session or ""), line.detail, str(line.change), str(line.balance))
        for line in history(student)
    ]
    assert told == [
        ("Refund", "1. A lesson", "Cancelled by you", "10.00", "500.00"),
        ("Refund", "2. A lesson", "Cancelled by the teacher", "10.01", "490.00"),
        ("Full course", "", "Now all refunded", "-20.01", "479.99"),
        ("Refund", "1. A lesson", "Became part of your full course", "16.00", "500.00"),
        ("Single session", "1. A lesson", "Now all refunded", "-16.00", "484.00"),
        ("Credit added", "", "For a test", "500.00", "500.00"),
    ]


def sums_of(line) -> list[tuple[str, str]]:
    return [(part.hold_part.sold_title, str(part.amount)) for part in line.parts]


class TestOneLineForOneEvent:
    def test_a_cancellation_has_its_parts_behind_it(self, browser, student):
        course = make_course(sessions=3, price_full_course="20.00", title="Knots")
        whole = enroll_full_course(student=student, course_id=course.pk)
        cancel_enrollment(student=student, enrollment_id=whole.pk)
        refund, bought, _ = browser.get(PAGE).context["lines"]
        assert (refund.title, refund.detail, refund.session) == ("Refund", "Cancelled by you", None)
        assert (refund.change, refund.balance) == (Decimal(20), Decimal(500))
        assert sums_of(refund) == [
            ("1. A lesson", "6.66"), ("2. A lesson", "6.67"), ("3. A lesson", "6.67")
        ]  # fmt: skip
        assert (bought.change, bought.balance, bought.parts) == (Decimal(-20), Decimal(480), ())
        words = text_of(browser.get(PAGE))
        assert words.count("What came back") == 1
        assert words.count("+$20.00") == 1
        assert words.count("<dd>$6.67</dd>") == 2

    def test_what_was_given_back_at_another_time_is_another(self, student):
        course = make_course(sessions=4, price_full_course="40.00")
        first, second, *_ = course.sessions.all()
        whole = enroll_full_course(student=student, course_id=course.pk)
        for session in (first, second):
            cancel_session(session_id=session.pk, actor=course.teacher)
        cancel_enrollment(student=student, enrollment_id=whole.pk)
        lines = history(student)
        assert [(str(line.change), len(line.parts)) for line in lines[:3]] == [
            ("20.00", 2), ("10.00", 0), ("10.00", 0)
        ]  # fmt: skip
        assert [line.sessions_count for line in lines[:3]] == [2, 0, 0]

    def test_two_courses_left_at_once_are_two(self, student):
        """Even in the same moment."""
        with time_machine.travel(timezone.now(), tick=False):
            whole = [
                enroll_full_course(student=student, course_id=make_course(sessions=2).pk)
                for _ in range(2)
            ]
            for one in whole:
                cancel_enrollment(student=student, enrollment_id=one.pk)
        assert [len(line.parts) for line in history(student)[:2]] == [2, 2]

    def test_what_staff_refund_is_one(self, student):
        whole = enroll_full_course(student=student, course_id=make_course(sessions=2).pk)
        refund_hold(hold_id=whole.hold.pk, actor=StaffFactory(), reason="As a favour")
        refund = history(student)[0]
        assert (refund.detail, len(refund.parts)) == ("Decided by our staff: As a favour", 2)

    def test_what_of_it_paid_a_debt_is_said_of_its_part(self, client):
        """A part of which only some pays the rest of the debt comes in two."""
        debtor = student_with_credit("20.00")
        course = make_course(sessions=2, price_full_course="20.00")
        whole = enroll_full_course(student=debtor, course_id=course.pk)
        owe(debtor, "13.00")
        cancel_enrollment(student=debtor, enrollment_id=whole.pk)
        refund = history(debtor)[0]
        assert (refund.change, refund.balance, refund.sessions_count) == (20, 7, 2)
        assert sorted(amount for _, amount in sums_of(refund)) == ["10.00", "3.00", "7.00"]
        client.force_login(debtor)
        words = text_of(client.get(PAGE))
        assert words.count("paid what you owed") == 2
        assert "2 sessions" in words

    def test_the_balance_is_right_on_every_page_of_them(self, browser, student):
        for _ in range(LINES_PER_PAGE):
            whole = enroll_full_course(
                student=student, course_id=make_course(sessions=3, price_full_course="0.10").pk
            )
            cancel_enrollment(student=student, enrollment_id=whole.pk)
        pages = [browser.get(PAGE, {"page": page}).context["lines"] for page in (1, 2, 3)]
        assert [len(page) for page in pages] == [LINES_PER_PAGE, LINES_PER_PAGE, 1]
        lines = [line for page in pages for line in page]
        assert len({line.transfer.pk for line in lines}) == 2 * LINES_PER_PAGE + 1
        assert {len(line.parts) for line in lines if line.title == "Refund"} == {3}
        assert lines[0].balance == balances_of(student)[0]
        assert all(newer.balance - newer.change == old.balance for newer, old in pairwise(lines))

    def test_however_many_they_cost_one_statement_more(self, browser, student):
        def cost() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(PAGE).status_code == 200
            return len(captured)

        none = cost()
        for sessions in (2, 9):
            course = make_course(sessions=sessions)
            whole = enroll_full_course(student=student, course_id=course.pk)
            cancel_enrollment(student=student, enrollment_id=whole.pk)
            assert cost() == none + 1


def test_lines_lead_to_the_course_and_the_receipt(browser, student):
    course = make_course()
    bought = enroll_full_course(student=student, course_id=course.pk)
    words = text_of(browser.get(PAGE))
    assert reverse("enrollments:course", args=[course.pk]) in words
    assert reverse("payments:receipt", args=[bought.hold.pk]) in words


def test_the_balance_is_right_on_every_page(browser, student):
    live_through(student, LINES_PER_PAGE)
    pages = [browser.get(PAGE, {"page": page}).context["lines"] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [LINES_PER_PAGE, LINES_PER_PAGE, 1]
    lines = [line for page in pages for line in page]
    assert lines[0].balance == balances_of(student)[0]
    assert lines[-1].balance == lines[-1].change == Decimal(500)
    assert all(newer.balance - newer.change == older.balance for newer, older in pairwise(lines))


def test_sums_are_exact_where_the_database_adds_floats(student):
    for _ in range(30):
        give_credit(student, "0.10")
    assert [str(line.balance) for line in history(student)][:2] == ["503.00", "502.90"]


def test_other_peoples_movements_are_not_mine(student):
    other = student_with_credit("70.00")
    purchase_session(student=other, session_id=make_course().sessions.first().pk)
    assert [line.change for line in history(student)] == [Decimal(500)]


def test_no_number_of_lines_costs_more_statements(browser, student):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(PAGE).status_code == 200
        return len(captured)

    live_through(student, 1)
    few = cost()
    live_through(student, 10)
    assert cost() == few <= 10


def test_staff_say_how_to_get_credit_and_their_words_are_escaped(browser):
    assert "Our staff add credit" in text_of(browser.get(PAGE))
    CreditNotice.objects.create(text="Pay at the desk.\n\n<script>alert(1)</script>")
    words = text_of(browser.get(PAGE))
    assert "<p>Pay at the desk.</p>" in words
    assert "<script>alert(1)" not in words


def test_there_is_one_notice_and_staff_write_it_in_the_admin(client):
    client.force_login(StaffFactory())
    add = reverse("admin:payments_creditnotice_add")
    assert client.post(add, {"text": "Pay at the desk."}).status_code == 302
    assert client.get(add).status_code == 403
    change = reverse("admin:payments_creditnotice_change", args=[1])
    assert client.post(change, {"text": "Ask Robin."}).status_code == 302
    assert CreditNotice.objects.get().text == "Ask Robin."


class TestReceipt:
    def of(self, hold) -> str:
        return reverse("payments:receipt", args=[hold.pk])

    def test_names_who_what_when_and_how_much(self, browser, student):
        course = make_course(sessions=2, price_full_course="30.00", title="Knots")
        hold = enroll_full_course(student=student, course_id=course.pk).hold
        cancel_session(session_id=course.sessions.first().pk, actor=course.teacher)
        words = text_of(browser.get(self.of(hold)))
        for told in (
            str(hold.pk), student.display_name, course.teacher.display_name, "Knots",
            "1. A lesson", "Cancelled by the teacher", "2. A lesson", "Upcoming", "$30.00",
        ):  # fmt: skip
            assert told in words
        assert browser.get(self.of(hold)).context["waiting"] == Decimal(15)

    def test_names_what_was_sold_whatever_it_is_called_now(self, browser, student):
        course = make_course(sessions=1, title="Knots")
        hold = enroll_full_course(student=student, course_id=course.pk).hold
        session = course.sessions.get()
        change_course(course_id=course.pk, actor=course.teacher, title="Splices")
        later = session.starts_at + timedelta(days=2)
        change_session(
            session_id=session.pk, actor=course.teacher, title="Renamed", starts_at=later
        )
        words = text_of(browser.get(self.of(hold)))
        assert "Knots" in words
        assert "1. A lesson" in words
        assert "Splices" not in words
        assert "Renamed" not in words
        assert f"{until(session.starts_at, 60)}</div>" in words
        assert f"Now {until(later, 60)}" in words

    def test_of_a_single_session(self, browser, student):
        session = make_course().sessions.first()
        hold = purchase_session(student=student, session_id=session.pk).hold
        assert "Single session of" in text_of(browser.get(self.of(hold)))

    def test_of_somebody_else_is_not_there(self, client, student):
        hold = purchase_session(student=student, session_id=make_course().sessions.first().pk).hold
        for other in (UserFactory(), hold.teacher):
            client.force_login(other)
            assert client.get(self.of(hold)).status_code == 404

    def test_of_nothing_is_not_there(self, browser):
        assert browser.get(reverse("payments:receipt", args=[uuid4()])).status_code == 404

    def test_costs_the_same_for_any_number_of_sessions(self, browser, student):
        def cost(sessions: int) -> int:
            course = make_course(sessions=sessions)
            hold = enroll_full_course(student=student, course_id=course.pk).hold
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(self.of(hold)).status_code == 200
            return len(captured)

        assert cost(1) == cost(9) <= 5

    def test_asks_guests_to_log_in(self, client, student):
        hold = enroll_full_course(student=student, course_id=make_course().pk).hold
        assert client.get(self.of(hold)).headers["Location"] == f"/login/?next={self.of(hold)}"
        assert PaymentHold.objects.count() == 1
