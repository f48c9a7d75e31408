"""Staff call sessions off, once they were told what goes back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.purchasing import purchase_session
from payments.models import LedgerAccount
from tests.factories import end_session, extend_course, make_course, student_with_credit
from tests.forms import shown
from tests.teaching.pages import said
from tests.teaching.staff_forms import CALL_OFF, SESSIONS, act, browser, new_session, sold

__all__ = ["browser", "sold"]

pytestmark = pytest.mark.django_db


def confirm(browser, asked, *sessions, reason="The teacher fell ill"):
    """Send what the page that asks holds."""
    told = {name: value for name, value in shown(asked).items() if name.startswith("told")}
    assert len(told) == len(sessions)
    body = {"session": [session.pk for session in sessions], "reason": reason}
    return browser.post(CALL_OFF, body | told, follow=True)


def wallets() -> list[Decimal]:
    accounts = LedgerAccount.objects.filter(kind="wallet", balance__gt=0).order_by("balance")
    return list(accounts.values_list("balance", flat=True))


def test_before_a_session_is_cancelled_the_page_says_what_comes_back(browser, sold):
    before = wallets()
    first, second = sold.sessions.all()
    page = act(browser, SESSIONS, "cancel_and_refund", first, second)
    assert page.text.count("2 students get $66.00 back.") == 1
    assert page.text.count("1 student gets $50.00 back.") == 1
    assert wallets() == before
    assert set(sold.sessions.values_list("status", flat=True)) == {"scheduled"}


def test_a_cancelled_session_is_refunded(browser, sold):
    first = sold.sessions.first()
    page = confirm(browser, act(browser, SESSIONS, "cancel_and_refund", first), first)
    assert said(page) == ["1. A lesson: Cancelled. 2 students got $66.00 back."]
    assert wallets() == [Decimal("450.00"), Decimal("500.00")]
    statuses = list(sold.sessions.values_list("status", flat=True))
    assert statuses == ["cancelled", "scheduled"]


def test_calling_off_takes_a_reason_which_stays(browser, sold):
    first = sold.sessions.first()
    asked = browser.get(CALL_OFF, {"session": first.pk})
    assert confirm(browser, asked, first, reason=" ").context["form"].errors
    assert sold.sessions.first().status == "scheduled"
    confirm(browser, asked, first)
    [entry] = LogEntry.objects.all()
    assert entry.change_message == ("Cancelled. 2 students got $66.00 back: The teacher fell ill")


def test_who_cannot_call_a_session_off_is_told_before(client):
    """One that is over, one that the clerk paid for, two that nothing speaks against."""
    clerk = student_with_credit("16.00", is_staff=True, is_superuser=True)
    over, mine, *_ = sessions = list(make_course(sessions=4).sessions.all())
    purchase_session(student=clerk, session_id=mine.pk)
    end_session(over)
    CourseSession.objects.filter(pk=over.pk).update(status="completed")
    client.force_login(clerk)
    page = client.get(CALL_OFF, {"session": [session.pk for session in sessions]})
    assert page.text.count("Part of this payment is yours") == 1
    assert page.text.count("This session is over or cancelled") == 1
    assert page.text.count("Nobody has paid for it.") == 2
    leads = f"{CALL_OFF}?session="
    assert f"{leads}{mine.pk}" in client.get(f"{SESSIONS}{mine.pk}/change/").text
    assert leads not in client.get(f"{SESSIONS}{over.pk}/change/").text


def test_whoever_has_it_for_nothing_gets_nothing_back(browser, sold):
    added = extend_course(sold, starts_at=timezone.now() + timedelta(days=9))
    asked = act(browser, SESSIONS, "cancel_and_refund", added)
    assert "Nobody has paid for it." in asked.text
    assert said(confirm(browser, asked, added)) == [
        "3. A lesson: Cancelled. Nobody had paid for it."
    ]


def test_other_refunds_than_the_page_has_told_are_not_made(browser, sold):
    """As on the teacher's page: somebody buys while it is read."""
    first, second = sold.sessions.all()
    asked = act(browser, SESSIONS, "cancel_and_refund", first, second)
    purchase_session(student=student_with_credit(), session_id=first.pk)
    before = wallets()
    page = confirm(browser, asked, first, second)
    assert sorted(said(page)) == [
        "1. A lesson: Cancelling would now refund $82.00 to 3 students. Nothing was cancelled.",
        "2. A lesson: Cancelled. 1 student got $50.00 back.",
    ]
    assert sum(wallets()) == sum(before) + 50
    assert list(sold.sessions.values_list("status", flat=True)) == ["scheduled", "cancelled"]


def test_nothing_is_refunded_that_no_page_has_told(browser, sold):
    before = wallets()
    sent = {"session": sold.sessions.first().pk, "reason": "Untold"}
    page = browser.post(CALL_OFF, sent, follow=True)
    assert "Cancelling would now refund" in said(page)[0]
    assert wallets() == before


def test_confirmed_twice_it_is_cancelled_once(browser, sold):
    first = sold.sessions.first()
    asked = act(browser, SESSIONS, "cancel_and_refund", first)
    for _ in range(2):
        page = confirm(browser, asked, first)
        assert said(page) == ["1. A lesson: Cancelled. 2 students got $66.00 back."]


def test_a_session_that_is_over_is_not_cancelled(browser, sold):
    first, second = sold.sessions.all()
    end_session(first)
    CourseSession.objects.filter(pk=first.pk).update(status="completed")
    before = wallets()
    asked = act(browser, SESSIONS, "cancel_and_refund", first, second)
    page = confirm(browser, asked, first, second)
    refusal = "1. A lesson: This session is over or cancelled, so it can't be changed."
    assert refusal in said(page)
    assert sum(wallets()) == sum(before) + Decimal("50.00")


def test_sessions_can_only_be_read(browser, sold):
    session = sold.sessions.first()
    assert browser.get(f"{SESSIONS}{session.pk}/change/").status_code == 200
    assert browser.post(f"{SESSIONS}{session.pk}/change/", new_session()).status_code == 403
    assert browser.post(f"{SESSIONS}add/", new_session()).status_code == 403
