"""Buying on pages: what is asked, and what is bought once."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment
from enrollments.services.purchasing import purchase_session
from payments.models import IdempotencyRecord, Transfer
from payments.wallets import balances_of
from tests.enrollments.buying_pages import (
    browser,
    buy,
    course,
    enroll,
    first,
    page_of,
    said,
    single,
    student,
    wallet,
    whole,
)
from tests.factories import make_course, start_session
from tests.forms import shown

__all__ = ["browser", "course", "student"]

pytestmark = pytest.mark.django_db


class TestAsking:
    def test_the_page_of_a_course_names_price_balance_shares_and_deadlines(self, browser, course):
        page = browser.get(whole(course))
        text = page.text
        assert "Confirm and hold $80.00" in text
        assert "$200.00" in text
        assert "$120.00" in text
        assert text.count("$20.00") == 4
        assert text.count("<time ") == 4
        assert shown(page)["expected_price"] == "80.00"
        assert page.headers["Cache-Control"].endswith("private")
        assert "no-store" in page.headers["Cache-Control"]

    def test_the_page_of_a_session(self, browser, course):
        text = browser.get(single(course)).text
        assert "Confirm and hold $24.00" in text
        assert "$176.00" in text

    def test_an_upgrade_lists_what_comes_back_first(self, browser, student, course):
        purchase_session(student=student, session_id=first(course).pk)
        text = browser.get(whole(course)).text
        assert "Already held as a single session: $24.00 comes back" in text
        assert "1 session you already hold" in text
        assert "Confirm and hold $56.00 more" in text
        assert "$24.00 is already held." in text
        assert "Confirm and hold $80.00" not in text

    def test_an_upgrade_that_gives_back_says_so(self, browser, student, course):
        course = make_course(sessions=2, price_full_course="20.00", price_per_session="24.00")
        purchase_session(student=student, session_id=first(course).pk)
        assert "Confirm and get $4.00 back" in browser.get(whole(course)).text

    def test_asking_changes_nothing(self, browser, student, course):
        for url in (whole(course), single(course)):
            browser.get(url)
            browser.head(url)
        assert wallet(student) == Decimal("200.00")
        assert not IdempotencyRecord.objects.exists()

    def test_guests_log_in_and_come_back(self, client, course):
        for url in (whole(course), single(course)):
            assert client.get(url).headers["Location"] == f"/login/?next={url}"
            assert client.post(url).headers["Location"] == f"/login/?next={url}"

    def test_more_sessions_ask_the_database_no_more(self, browser):
        few, many = (make_course(sessions=n, price_per_session="60.00") for n in (2, 9))
        assert statements(browser, whole(few)) == statements(browser, whole(many)) <= 14

    @pytest.mark.parametrize("url", ["/courses/{}/buy/", "/sessions/{}/buy/"])
    def test_unknown_is_404(self, browser, url):
        assert browser.get(url.format(uuid4())).status_code == 404
        assert browser.post(url.format(uuid4())).status_code == 404

    def test_drafts_are_404(self, browser):
        draft = make_course(published=False)
        assert browser.get(whole(draft)).status_code == 404
        assert browser.get(single(draft)).status_code == 404


def statements(client, url) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


class TestBuying:
    def test_a_course(self, browser, student, course):
        done = browser.post(whole(course), shown(browser.get(whole(course))), follow=True)
        assert done.redirect_chain == [(reverse("enrollments:learning"), 302)]
        assert said(done) == "You're in. $80.00 is held, not yet paid to the teacher."
        assert balances_of(student) == (Decimal("120.00"), Decimal("80.00"))

    def test_a_session(self, browser, student, course):
        done = browser.post(single(course), shown(browser.get(single(course))), follow=True)
        assert said(done) == "You're in. $24.00 is held, not yet paid to the teacher."
        assert SessionPurchase.objects.get().session == first(course)

    def test_an_upgrade(self, browser, student, course):
        buy(student, course)
        done = browser.post(whole(course), shown(browser.get(whole(course))), follow=True)
        assert said(done) == (
            "You're in. $56.00 is held on top of the $24.00 already held, not yet paid to the "
            "teacher."
        )
        assert balances_of(student) == (Decimal("120.00"), Decimal("80.00"))
        assert SessionPurchase.objects.get().status == "cancelled"

    def test_an_upgrade_that_gives_back(self, browser, student):
        course = make_course(sessions=2, price_full_course="20.00", price_per_session="24.00")
        buy(student, course)
        done = browser.post(whole(course), shown(browser.get(whole(course))), follow=True)
        assert said(done) == (
            "You're in. $4.00 was refunded. $20.00 stays held, not yet paid to the teacher."
        )
        assert balances_of(student) == (Decimal("180.00"), Decimal("20.00"))

    def test_what_has_started_is_not_paid(self, browser, student, course):
        start_session(first(course))
        done = browser.post(whole(course), shown(browser.get(whole(course))), follow=True)
        assert said(done) == "You're in. $60.00 is held, not yet paid to the teacher."

    @pytest.mark.parametrize("url", [whole, single])
    def test_the_same_form_twice_buys_once(self, browser, student, course, url):
        form = shown(browser.get(url(course)))
        browser.post(url(course), form, follow=True)
        before = wallet(student)
        again = browser.post(url(course), form, follow=True)
        assert again.redirect_chain == [(page_of(course), 302)]
        assert "You already bought this." in said(again)
        assert f'<a href="{reverse("enrollments:learning")}">' in said(again)
        assert wallet(student) == before
        assert Transfer.objects.filter(kind="hold").count() == 1

    @pytest.mark.parametrize("url", [whole, single])
    def test_two_tabs_buy_once(self, browser, student, course, url):
        one, two = shown(browser.get(url(course))), shown(browser.get(url(course)))
        assert one["idempotency_key"] != two["idempotency_key"]
        browser.post(url(course), one, follow=True)
        before = wallet(student)
        second = browser.post(url(course), two, follow=True)
        assert "You already bought this" in said(second)
        assert wallet(student) == before

    def test_a_session_of_ones_course_is_had_already(self, browser, student, course):
        form = shown(browser.get(single(course)))
        enroll(student, course)
        page = browser.post(single(course), form, follow=True)
        assert "Your course already includes this session." in said(page)

    def test_an_old_form_buys_nothing_after_cancelling(self, browser, student, course):
        form = shown(browser.get(whole(course)))
        browser.post(whole(course), form)
        bought = CourseEnrollment.objects.get()
        cancel_enrollment(student=student, enrollment_id=bought.pk)
        browser.post(whole(course), form, follow=True)
        assert wallet(student) == Decimal("200.00")
        browser.post(whole(course), shown(browser.get(whole(course))))
        assert wallet(student) == Decimal("120.00")
