"""Earnings in the browser: figures, sessions, withdrawals; asked for once, taken back once."""

import csv
import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enrollments.services.enrolling import enroll_full_course
from payments.models import LedgerAccount, Withdrawal
from tests.factories import (
    PASSWORD,
    PAYOUT_DETAILS,
    TeacherFactory,
    UserFactory,
    earn,
    end_session,
    make_course,
    student_with_credit,
    withdraw,
)
from tests.forms import shown

pytestmark = pytest.mark.django_db

PAGE, WITHDRAW = "/earnings/", "/earnings/withdraw/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def teacher():
    teacher = TeacherFactory()
    earn(teacher, "120.00")
    return teacher


@pytest.fixture
def browser(client, teacher):
    client.force_login(teacher)
    return client


def available(user):
    return LedgerAccount.objects.get(owner=user, kind="earnings").balance


def words(page):
    """The text of the page, its markup and spacing left out."""
    text = re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])
    return re.sub(r"\s+", " ", unescape(text))


def filled(browser, amount="100.00", **changes):
    """The form for this amount, filled in."""
    fields = shown(browser.get(f"{WITHDRAW}?amount={amount}"))
    return fields | {"payout_details": PAYOUT_DETAILS, "password": PASSWORD} | changes


class TestOverview:
    def test_figures_and_what_is_available(self, browser, teacher):
        withdraw(teacher, "40.00")
        withdraw(teacher, "30.00", status="completed")
        course = make_course(sessions=1, teacher=teacher, price_full_course="20.00")
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        text = words(browser.get(PAGE))
        for figure in (
            "Held $14.00", "Released $120.00", "Withdrawing $40.00", "Paid $30.00",
            "$50.00 available",
        ):  # fmt: skip
            assert figure in text

    def test_each_session_says_when_it_is_paid(self, browser, teacher):
        course = make_course(sessions=1, teacher=teacher, price_full_course="20.00")
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        text = words(browser.get(PAGE))
        assert "$20.00 $6.00 $14.00 Held" in text
        assert "1 of 1 attended $120.00 $0.00 $120.00 Released" in text

    def test_a_session_that_is_over_is_soon_settled(self, browser, teacher):
        course = make_course(sessions=1, teacher=teacher)
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        end_session(course.sessions.get(), ago=MINUTE)
        assert "Ended; payment is being settled" not in words(browser.get(PAGE))
        end_session(course.sessions.get(), ago=31 * MINUTE)
        assert "Ended; payment is being settled" in words(browser.get(PAGE))

    def test_too_little_to_withdraw(self, client):
        client.force_login(UserFactory())
        text = words(client.get(PAGE))
        assert "You can withdraw once $10.00 is available." in text
        assert "Sessions" not in text

    def test_referrers_see_their_part_and_no_student(self, client):
        referrer = UserFactory()
        student = student_with_credit(referral_code=referrer.referral_code)
        course = make_course(price_full_course="100.00")
        enroll_full_course(student=student, course_id=course.pk)
        client.force_login(referrer)
        page = client.get(PAGE)
        assert "$21.00 held and $0.00 released" in words(page)
        assert student.display_name not in page.text
        assert course.title not in page.text

    def test_what_staff_and_teachers_wrote_is_text(self, browser, teacher):
        earn(teacher, "20.00")
        made = withdraw(teacher, status="rejected")
        Withdrawal.objects.filter(pk=made.pk).update(notes="<script>alert(1)</script>")
        assert "<script>alert" not in browser.get(PAGE).text

    def test_guests_log_in_first(self, client):
        for path in (PAGE, WITHDRAW, f"{PAGE}withdrawals/", f"{PAGE}sessions.csv"):
            assert client.get(path).headers["Location"] == f"/login/?next={path}"

    @pytest.mark.parametrize("path", [PAGE, f"{PAGE}withdrawals/"])
    def test_many_rows_cost_as_many_statements_as_few(self, browser, teacher, path):
        withdraw(teacher)
        browser.get(path)

        def cost():
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(path).status_code == 200
            return len(captured)

        few = cost()
        course = make_course(sessions=5, teacher=teacher)
        for _ in range(4):
            enroll_full_course(student=student_with_credit(), course_id=course.pk)
            withdraw(teacher)
        assert cost() == few


class TestWithdrawing:
    def test_the_button_names_the_amount(self, browser):
        assert "Request withdrawal of $100.00" in browser.get(f"{WITHDRAW}?amount=100.00").text
        assert "Request withdrawal of $120.00" in browser.get(WITHDRAW).text

    def test_asked_for_it_is_listed_and_reserved(self, browser, teacher):
        page = browser.post(WITHDRAW, filled(browser), follow=True)
        text = words(page)
        assert "Requested. $100.00 will be paid once our staff have approved it." in text
        assert "•••• 1332 $100.00 Requested Cancel" in text
        assert "ES91" not in page.text
        assert available(teacher) == 20

    def test_sent_twice_it_is_asked_for_once(self, browser, teacher):
        fields = filled(browser, "50.00")
        for _ in range(2):
            assert browser.post(WITHDRAW, fields).headers["Location"] == PAGE
        assert Withdrawal.objects.count() == 1
        assert available(teacher) == 70

    def test_the_password_is_no_part_of_what_the_form_is_known_by(self, browser, teacher):
        fields, new = filled(browser), "another long password"
        browser.post(WITHDRAW, fields)
        teacher.set_password(new)
        teacher.save()
        browser.force_login(teacher)
        assert browser.post(WITHDRAW, fields | {"password": new}).headers["Location"] == PAGE
        assert Withdrawal.objects.count() == 1

    def test_the_wrong_password(self, browser, teacher):
        page = browser.post(WITHDRAW, filled(browser, password="guess"))
        assert (page.status_code, available(teacher)) == (403, 120)
        assert "That password isn't right." in words(page)
        again = shown(page) | {"payout_details": PAYOUT_DETAILS, "password": PASSWORD}
        assert browser.post(WITHDRAW, again).status_code == 302
        assert available(teacher) == 20

    def test_too_many_guesses(self, browser, teacher):
        for _ in range(5):
            browser.post(WITHDRAW, filled(browser, password="guess"))
        page = browser.post(WITHDRAW, filled(browser))
        assert (page.status_code, available(teacher)) == (429, 120)
        assert int(page.headers["Retry-After"]) > 0

    @pytest.mark.parametrize(
        ("amount", "said"),
        [
            ("5.00", "The smallest withdrawal is $10.00."),
            ("120.01", "That's more than is available."),
            ("1e2", "Enter an amount such as 12.50"),
            ("", "This field is required."),
        ],
    )
    def test_an_amount_that_cannot_be(self, browser, amount, said):
        page = browser.get(f"{WITHDRAW}?amount={amount}", follow=True)
        assert page.redirect_chain == [(PAGE, 302)]
        assert said in words(page)

    def test_meanwhile_the_money_went_elsewhere(self, browser, teacher):
        fields = filled(browser)
        withdraw(teacher, "50.00")
        page = browser.post(WITHDRAW, fields)
        assert page.status_code == 409
        assert "That's more than is available." in words(page)
        assert available(teacher) == 70

    @pytest.mark.parametrize(
        "changes",
        [{"payout_details": "short"}, {"payout_details": ""}, {"password": ""}, {"amount": "-5"}],
        ids=str,
    )
    def test_what_is_missing_is_asked_for_again(self, browser, teacher, changes):
        page = browser.post(WITHDRAW, filled(browser, **changes))
        assert (page.status_code, available(teacher)) == (400, 120)

    def test_the_password_is_never_sent_back(self, browser):
        page = browser.post(WITHDRAW, filled(browser, payout_details="short"))
        assert PASSWORD not in page.text


class TestTakingBack:
    def back(self, made):
        return f"/earnings/withdrawals/{made.pk}/cancel/"

    def test_by_its_button(self, browser, teacher):
        made = withdraw(teacher, "50.00")
        fields = shown(browser.get(f"{PAGE}withdrawals/"))
        page = browser.post(self.back(made), fields, follow=True)
        assert "Request cancelled. $50.00 is available again." in words(page)
        assert available(teacher) == 120

    def test_twice_is_once(self, browser, teacher):
        made, fields = withdraw(teacher), {"idempotency_key": "one"}
        for _ in range(2):
            page = browser.post(self.back(made), fields, follow=True)
            assert "Request cancelled. $10.00 is available again." in words(page)
        page = browser.post(self.back(made), {"idempotency_key": "two"}, follow=True)
        assert "This withdrawal is already cancelled." in words(page)
        assert available(teacher) == 120

    def test_once_approved_it_is_too_late(self, browser, teacher):
        made = withdraw(teacher, status="approved")
        assert "the request for" not in words(browser.get(PAGE))
        page = browser.post(self.back(made), {"idempotency_key": "one"}, follow=True)
        assert "This withdrawal is already approved." in words(page)

    def test_only_by_whose_it_is_and_by_a_form(self, browser, teacher, client):
        made = withdraw(teacher)
        assert browser.get(self.back(made)).status_code == 405
        client.force_login(UserFactory())
        page = client.post(self.back(made), {"idempotency_key": "one"}, follow=True)
        assert "This doesn't exist, or you don't have access to it." in words(page)
        made.refresh_from_db()
        assert made.status == "requested"


def test_every_state_has_its_word(browser, teacher):
    for status in ("requested", "approved", "completed", "rejected", "cancelled"):
        withdraw(teacher, status=status)
    text = words(browser.get(f"{PAGE}withdrawals/"))
    assert "$10.00 Requested Cancel" in text
    assert "$10.00 Approved" in text
    assert "Paid" in text
    assert "SEPA 2026-1" in text
    assert "Rejected The bank sent it back" in text
    assert "Withdrawn by you" in text


class TestTable:
    def lines(self, browser):
        answer = browser.get("/earnings/sessions.csv")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(text.splitlines()))

    def test_a_line_for_each_session_and_one_for_referrals(self, browser, teacher):
        student = student_with_credit(referral_code=teacher.referral_code)
        enroll_full_course(student=student, course_id=make_course(sessions=1).pk)
        course = make_course(sessions=1, teacher=teacher, price_full_course="20.00")
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        to_come, past, referrals = self.lines(browser)
        assert (to_come["Gross"], to_come["Commission"], to_come["Net"]) == (
            "20.00",
            "6.00",
            "14.00",
        )
        assert (to_come["Status"], to_come["Paid"]) == ("held", "")
        assert (past["Status"], past["Net"], past["Payable"]) == ("released", "120.00", "")
        assert (referrals["Course"], referrals["Net"]) == ("Referrals", "21.00")

    def test_no_cell_is_a_formula(self, browser, teacher):
        course = make_course(sessions=1, teacher=teacher, title="=HYPERLINK(1)")
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
        assert self.lines(browser)[0]["Course"] == "'=HYPERLINK(1)"

    def test_a_spreadsheet_reads_every_character(self, browser):
        content = b"".join(browser.get("/earnings/sessions.csv").streaming_content)
        assert content.startswith(b"\xef\xbb\xbfCourse,")

    def test_nothing_of_anybody_else(self, client, teacher):
        client.force_login(TeacherFactory())
        assert self.lines(client) == []
