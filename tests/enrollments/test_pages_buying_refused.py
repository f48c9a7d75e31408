"""What is said on pages when something is not bought, and that nobody paid."""

from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from courses.models import Course
from courses.services import archive_course
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from tests.enrollments.buying_pages import (
    browser,
    buy,
    course,
    enroll,
    first,
    page_of,
    said,
    sell_last_seat,
    single,
    student,
    wallet,
    whole,
)
from tests.factories import end_session, give_credit, make_course, start_session
from tests.forms import shown

__all__ = ["browser", "course", "student"]

pytestmark = pytest.mark.django_db

UNSURE = "We could not confirm this. Look at My learning before trying again."


def spend(student, course):
    enroll_full_course(student=student, course_id=make_course(price_full_course="190.00").pk)


def sold_out(student, course):
    sell_last_seat(course)


def archived(student, course):
    archive_course(course_id=course.pk, actor=course.teacher)


def own(student, course):
    Course.objects.filter(pk=course.pk).update(teacher=student)


def started(student, course):
    start_session(first(course))


def over(student, course):
    for session in course.sessions.all():
        end_session(session)


STARTED = "This session has started, so it can no longer be bought, changed or cancelled."
HINDRANCES = [
    (enroll, whole, "You already bought this course."),
    (enroll, single, "Your course already includes this session."),
    (buy, single, "You already bought this session."),
    (spend, whole, "You need $70.00 more credit."),
    (spend, single, "You need $14.00 more credit."),
    (sold_out, whole, "The last seat was just taken. You were not charged."),
    (sold_out, single, "The last seat was just taken. You were not charged."),
    (archived, whole, "This is not for sale."),
    (archived, single, "This is not for sale."),
    (own, whole, "You teach this course yourself."),
    (own, single, "You teach this course yourself."),
    (started, single, STARTED),
    (over, whole, "This is not for sale."),
]


@pytest.mark.parametrize(("hinder", "url", "words"), HINDRANCES)
def test_what_cannot_be_bought_leads_back_with_the_reason(
    browser, student, course, hinder, url, words
):
    hinder(student, course)
    before = wallet(student)
    page = browser.get(url(course), follow=True)
    assert page.redirect_chain == [(page_of(course), 302)]
    assert said(page) == words
    assert escape(words) in page.text
    assert wallet(student) == before


class TestRefusals:
    @pytest.mark.parametrize(
        ("url", "price", "now"),
        [(whole, "price_full_course", "90.00"), (single, "price_per_session", "30.00")],
    )
    def test_another_price_is_asked_again_with_a_fresh_key(
        self, browser, student, course, url, price, now
    ):
        form = shown(browser.get(url(course)))
        Course.objects.filter(pk=course.pk).update(**{price: now})
        page = browser.post(url(course), form)
        assert page.status_code == 409
        assert f"${form['expected_price']}" in page.text
        assert f"${now}" in page.text
        assert "You were not charged." in page.text
        assert wallet(student) == Decimal("200.00")
        fresh = shown(page)
        assert fresh["idempotency_key"] != form["idempotency_key"]
        done = browser.post(url(course), fresh, follow=True)
        assert f"${now} is held" in said(done)

    def test_a_session_started_meanwhile_is_another_price(self, browser, student, course):
        form = shown(browser.get(whole(course)))
        start_session(first(course))
        page = browser.post(whole(course), form)
        assert page.status_code == 409
        assert "Confirm and hold $60.00" in page.text

    @pytest.mark.parametrize(
        ("hinder", "url", "status", "words"),
        [
            (sold_out, whole, 409, "The last seat was just taken."),
            (sold_out, single, 409, "The last seat was just taken."),
            (spend, whole, 402, "You need $70.00 more credit."),
            (spend, single, 402, "You need $14.00 more credit."),
            (archived, whole, 409, "This is not for sale."),
            (over, whole, 409, "This is not for sale."),
            (own, whole, 409, "You teach this course yourself."),
            (started, single, 409, STARTED),
        ],
    )
    def test_what_changed_meanwhile_is_told_and_costs_nothing(
        self, browser, student, course, hinder, url, status, words
    ):
        form = shown(browser.get(url(course)))
        hinder(student, course)
        before = wallet(student)
        page = browser.post(url(course), form)
        assert page.status_code == status
        assert escape(words) in page.text
        assert "You were not charged." in page.text
        assert wallet(student) == before
        again = browser.post(url(course), form, follow=True)
        assert again.redirect_chain[0] == (url(course), 302)
        assert "no money moved" in said(again)

    def test_a_refusal_sent_again_after_a_top_up_asks_again(self, browser, student, course):
        form = shown(browser.get(whole(course)))
        spend(student, course)
        assert browser.post(whole(course), form).status_code == 402
        give_credit(student, "100.00")
        page = browser.post(whole(course), form, follow=True)
        assert "Confirm and hold $80.00" in page.text
        assert not CourseEnrollment.objects.of(student).filter(course=course).exists()
        fresh = shown(page)
        assert fresh["idempotency_key"] != form["idempotency_key"]
        assert "$80.00 is held" in said(browser.post(whole(course), fresh, follow=True))

    @pytest.mark.parametrize(
        "change",
        [
            {"idempotency_key": ""},
            {"idempotency_key": "x" * 256},
            {"expected_price": ""},
            {"expected_price": "NaN"},
            {"expected_price": "1e999"},
            {"expected_price": "a"},
        ],
    )
    def test_a_broken_form_is_asked_again(self, browser, student, course, change):
        page = browser.post(whole(course), shown(browser.get(whole(course))) | change)
        assert page.status_code == 400
        assert "Confirm and hold $80.00" in page.text
        assert "Check it, then confirm again." in page.text
        assert wallet(student) == Decimal("200.00")

    def test_a_key_of_another_form_is_asked_again(self, browser, student, course):
        form = shown(browser.get(whole(course)))
        browser.post(single(course), form | {"expected_price": "24.00"})
        page = browser.post(whole(course), form)
        assert page.status_code == 422
        assert shown(page)["idempotency_key"] != form["idempotency_key"]

    def test_the_price_is_the_courses_whatever_the_form_says(self, browser, student, course):
        form = shown(browser.get(whole(course))) | {"expected_price": "0.01", "price": "0.01"}
        assert browser.post(whole(course), form).status_code == 409
        assert wallet(student) == Decimal("200.00")

    def test_without_the_token_of_its_page_nothing_is_bought(self, student, course):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(student)
        form = shown(browser.get(whole(course)))
        token = form.pop("csrfmiddlewaretoken")
        assert browser.post(whole(course), form).status_code == 403
        assert wallet(student) == Decimal("200.00")
        browser.post(whole(course), form | {"csrfmiddlewaretoken": token})
        assert wallet(student) == Decimal("120.00")

    @pytest.mark.parametrize("url", [whole, single])
    def test_when_the_database_gives_up_nobody_is_told_it_failed(
        self, browser, student, course, url
    ):
        """A lost connection at COMMIT may have bought it."""
        form = shown(browser.get(url(course)))

        def lose(execute, sql, params, many, context):
            if sql.startswith("INSERT") and "payment_holds" in sql:
                raise OperationalError(2013, "Lost connection to MySQL server during query")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(lose):
            page = browser.post(url(course), form)
        assert page.status_code == 503
        assert UNSURE in page.text
        assert "not charged" not in page.text
        assert page.headers["Retry-After"]
        assert reverse("enrollments:learning") in page.text
        done = browser.post(url(course), form, follow=True)
        assert "You're in." in said(done)
