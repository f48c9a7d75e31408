"""What students, teachers and staff see of a session's money once it has taken place."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from enrollments.services.purchasing import purchase_session
from payments.models import Withdrawal
from settlement.services.settling import settle_all
from tests.browser.doing import click, fill, press, says
from tests.conversations import CONFIGURED, attend
from tests.factories import PASSWORD, StaffFactory, end_session, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def present():
    return student_with_credit("16.00")


@pytest.fixture
def absent():
    return student_with_credit("16.00")


@pytest.fixture
def teacher(present, absent, settings):
    """Of a session for 16.00 that took place; one student was there, for 52 minutes."""
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    session = make_course(sessions=1).sessions.get()
    for student in (present, absent):
        purchase_session(student=student, session_id=session.pk)
    end_session(session, ago=timedelta(hours=1))
    attend(session, session.course.teacher, present, minutes=52)
    assert sum(tally.failed for tally in settle_all()) == 0
    return session.course.teacher


def test_students_see_what_became_of_their_money(open_window, teacher, present, absent):
    page = open_window(present)
    page.goto("/learning/?show=past")
    says(page, "Attended 52 of 60 min", "Released")
    page = open_window(absent)
    page.goto("/learning/?show=past")
    says(page, "Missed", "$16.00")
    page.goto("/credit/")
    says(page, "+$16.00")


def test_a_teacher_withdraws_and_staff_pay(open_window, teacher):
    mine, theirs = open_window(teacher), open_window(StaffFactory())
    mine.goto("/earnings/")
    says(mine, "$11.20 available")
    press(mine, "Withdraw")
    fill(mine, payout_details="Ada, GB33 BUKB 2020", password=PASSWORD)
    press(mine, "Request withdrawal of $11.20")
    expect(mine.locator(".badge", has_text="Requested")).to_be_visible()
    decide(theirs, "Approve…", "Approve")
    decide(theirs, "Record as paid…", "Record as paid", reference="SEPA-1")
    mine.goto("/earnings/")
    says(mine, "Paid", "SEPA-1")
    assert [row.status for row in Withdrawal.objects.all()] == ["completed"]


def decide(page, link, button, **answers):
    page.goto("/admin/payments/withdrawal/")
    page.locator("#result_list tbody a").first.click()
    click(page, link)
    for name, text in answers.items():
        page.locator(f"[name$={name}]").fill(text)
    press(page, button)


def test_a_teacher_takes_a_withdrawal_back(open_window, teacher):
    page = open_window(teacher)
    page.goto("/earnings/")
    press(page, "Withdraw")
    fill(page, payout_details="Ada, GB33 BUKB 2020", password=PASSWORD)
    press(page, "Request withdrawal of $11.20")
    press(page, "Cancel the request for $11.20")
    says(page, "Request cancelled. $11.20 is available again.")
