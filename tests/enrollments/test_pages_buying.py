"""Buying on pages: what is asked, what is bought once, and what is said when it is not."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from courses.models import Course, CourseSession
from courses.services import archive_course
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import IdempotencyRecord, Transfer
from payments.wallets import balances_of
from tests.factories import (
    end_session,
    give_credit,
    make_course,
    start_session,
    student_with_credit,
)
from tests.forms import shown

pytestmark = pytest.mark.django_db

UNSURE = "We could not confirm this. Look at My learning before trying again."


@pytest.fixture
def student():
    return student_with_credit("200.00")


@pytest.fixture
def course():
    return make_course(sessions=4, price_full_course="80.00", price_per_session="24.00")


@pytest.fixture
def browser(client, student):
    client.force_login(student)
    return client


def first(course: Course) -> CourseSession:
    return course.sessions.order_by("session_number")[0]


def whole(course: Course) -> str:
    return reverse("enrollments:buy_course", args=[course.pk])


def single(course: Course) -> str:
    return reverse("enrollments:buy_session", args=[first(course).pk])


def page_of(course: Course) -> str:
    return reverse("enrollments:course", args=[course.pk])


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def wallet(student) -> Decimal:
    return balances_of(student)[0]


def sell_last_seat(course: Course) -> None:
    Course.objects.filter(pk=course.pk).update(max_students=F("current_students") + 1)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)


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


def enroll(student, course):
    enroll_full_course(student=student, course_id=course.pk)


def buy(student, course):
    purchase_session(student=student, session_id=first(course).pk)


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
