"""What students do, in a real browser; with scripts and without them."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import change_course, move_session
from notices.sending import send_due
from payments.models import PaymentHold
from payments.wallets import balances_of
from tests.browser.doing import click, form_of, press, press_twice, says
from tests.factories import DAY, PASSWORD, give_credit, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TITLE = "Spanish for travellers"


@pytest.fixture
def course():
    return make_course(title=TITLE)


@pytest.fixture
def student():
    return student_with_credit("150.00")


def ask_to_buy(page: Page, course, price="$100.00"):
    page.goto(f"/courses/{course.pk}/")
    click(page, f"Buy full course · {price}")


def confirm(page: Page, amount="$100.00"):
    press(page, f"Confirm and hold {amount}")


def test_registers_finds_a_course_buys_it_and_cancels(open_window, course):
    make_course(title="Guitar: your first ten songs", language="English")
    page = open_window()
    page.goto("/")
    page.get_by_role("searchbox", name="Search courses").fill("spanish")
    press(page, "Search")
    expect(page.get_by_role("heading", name="1 course")).to_be_visible()
    click(page, TITLE)
    click(page, "Log in to buy")
    click(page, "Create an account")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Create account")
    expect(page.get_by_role("heading", name=TITLE, level=1)).to_be_visible()
    expect(page.get_by_role("button", name="Buy full course · $100.00")).to_be_disabled()
    says(page, "You need $100.00 more credit")

    give_credit(User.objects.get(email="ada@example.com"), "120.00")
    page.reload()
    click(page, "Buy full course · $100.00")
    says(page, "To pay now", "$20.00")
    confirm(page)
    says(page, "You're in. $100.00 is held, not yet paid to the teacher.")
    page.goto("/credit/")
    says(page, "$20.00", "Held for sessions you booked")
    page.get_by_role("link", name="Receipt").first.click()
    says(page, "Receipt", TITLE)

    page.goto("/learning/")
    click(page, f"Cancel {TITLE}")
    says(page, "Hasn't started yet", "Your credit afterwards", "$120.00")
    page.get_by_label("Why are you cancelling?").fill("I am moving away.")
    press(page, "Cancel and refund $100.00")
    says(page, "$100.00 is back in your credit.")
    [enrollment] = CourseEnrollment.objects.all()
    assert (enrollment.status, enrollment.refund_amount) == ("cancelled", 100)
    assert balances_of(enrollment.user)[0] == 120


def test_is_sent_to_log_in_and_comes_back_to_the_purchase(open_window, course, student):
    page = open_window()
    page.goto(f"/courses/{course.pk}/buy/")
    page.get_by_label("Email").fill(student.email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    expect(page).to_have_url(f"/courses/{course.pk}/buy/")
    confirm(page)
    says(page, "You're in.")


def test_upgrades_single_sessions_to_the_course(open_window, course, student):
    first, second, *_ = course.sessions.all()
    purchase_session(student=student, session_id=second.pk)
    page = open_window(student)
    page.goto(f"/courses/{course.pk}/")
    click(page, "Buy session · $16.00 , session 1")
    confirm(page, "$16.00")
    says(page, "You're in. $16.00 is held")
    page.goto(f"/courses/{course.pk}/")
    says(page, "You have this session")
    click(page, "Upgrade · $68.00 ($32.00 already held)")
    says(page, "Already held as a single session: $16.00 comes back")
    confirm(page, "$68.00 more")
    says(page, "You're in. $68.00 is held on top of the $32.00 already held")
    page.goto(f"/courses/{course.pk}/")
    says(page, "Included in your course")
    assert not SessionPurchase.objects.live().filter(session__in=[first, second]).exists()
    assert balances_of(student)[0] == 50


def test_loses_the_last_seat_to_another_browser(open_window, student):
    course = make_course(max_students=1)
    mine, theirs = open_window(student), open_window(student_with_credit("100.00"))
    for page in (mine, theirs):
        ask_to_buy(page, course)
    confirm(theirs)
    says(theirs, "You're in.")
    confirm(mine)
    says(mine, "The last seat was just taken.", "You were not charged.")
    mine.goto(f"/courses/{course.pk}/")
    says(mine, "Sold out")
    assert balances_of(student)[0] == 150


def test_clicks_twice_and_buys_once(open_window, course, student, slow_server):
    page = open_window(student)
    ask_to_buy(page, course)
    press_twice(page, "Confirm and hold $100.00", slow_server)
    expect(page.get_by_text(re.compile("is held, not yet|You already bought this"))).to_be_visible()
    assert bought_once(student)


def test_a_form_that_comes_again_later_buys_nothing(open_window, course, student):
    """As from a page of long ago, when what it bought is cancelled and could be bought again."""
    page = open_window(student)
    ask_to_buy(page, course)
    form, address = form_of(page), page.url
    confirm(page)
    says(page, "You're in.")
    click(page, f"Cancel {TITLE}")
    press(page, "Cancel and refund $100.00")
    says(page, "$100.00 is back in your credit.")
    assert page.request.post(address, form=form).ok
    assert not CourseEnrollment.objects.live().exists()
    assert balances_of(student)[0] == 150


def test_goes_back_and_reloads_and_buys_once(open_window, course, student):
    page = open_window(student)
    ask_to_buy(page, course)
    confirm(page)
    says(page, "You're in.")
    page.reload()
    page.go_back()
    button = page.get_by_role("button", name="Confirm and hold")
    expect(button.or_(page.get_by_text("You already bought this")).first).to_be_visible()
    if button.is_visible():
        confirm(page)
    says(page, "You already bought this")
    assert bought_once(student)


def test_buys_in_two_tabs_and_is_charged_once(open_window, course, student):
    page = open_window(student)
    other = page.context.new_page()
    for tab in (page, other):
        ask_to_buy(tab, course)
        expect(tab.get_by_role("button", name="Confirm and hold")).to_be_enabled()
    confirm(page)
    says(page, "You're in.")
    confirm(other)
    says(other, "You already bought this", "Nothing was charged again")
    assert bought_once(student)


def bought_once(student):
    return PaymentHold.objects.count() == 1 and balances_of(student)[0] == 50


def test_is_asked_again_when_the_price_has_changed(open_window, course, student):
    page = open_window(student)
    ask_to_buy(page, course)
    change_course(course_id=course.pk, actor=course.teacher, price_full_course=Decimal("110.00"))
    confirm(page)
    says(page, "The price changed", "You were not charged.")
    assert balances_of(student)[0] == 150
    confirm(page, "$110.00")
    says(page, "You're in. $110.00 is held")


def test_spends_the_credit_elsewhere_meanwhile(open_window, course, student):
    page = open_window(student)
    ask_to_buy(page, course)
    enroll_full_course(student=student, course_id=make_course().pk)
    confirm(page)
    says(page, "You need $50.00 more credit.", "You were not charged.")


def test_hands_a_moved_session_back(open_window, course, student):
    enroll_full_course(student=student, course_id=course.pk)
    session = course.sessions.first()
    move_session(
        session_id=session.pk,
        actor=course.teacher,
        starts_at=session.starts_at + DAY / 2,
        duration_minutes=60,
    )
    page = open_window(student)
    page.goto("/learning/")
    says(page, "has changed")
    page.get_by_role("link", name="Return for a refund").first.click()
    press(page, "Return and refund $14.28")
    says(page, "$14.28 is back in your credit.")
    assert CourseEnrollment.objects.live().filter(user=student).exists()


def test_unfolds_what_happens_to_the_money_of_a_course(open_window, course, student):
    enroll_full_course(student=student, course_id=course.pk)
    page = open_window(student)
    page.goto("/learning/")
    expect(page.locator(".timeline")).to_have_count(0)
    page.get_by_text("Your $100.00:").click()
    expect(page.locator(".timeline li")).to_have_count(8)
    says(page, "Upcoming · $14.28 held")


def test_cancels_a_single_session(open_window, course, student):
    purchase_session(student=student, session_id=course.sessions.first().pk)
    page = open_window(student)
    page.goto(f"/courses/{course.pk}/")
    click(page, "Cancel , session 1")
    press(page, "Cancel and refund $16.00")
    says(page, "$16.00 is back in your credit.")
    page.goto("/learning/?show=cancelled")
    says(page, TITLE)


def test_forgets_the_password_and_chooses_another(open_window, student, mailoutbox):
    page = open_window()
    page.goto("/login/")
    click(page, "Forgot your password?")
    page.get_by_label("Email").fill(student.email)
    press(page, "Send me a link")
    says(page, "Check your email")
    list(send_due())
    [mail] = mailoutbox
    [link] = [word for word in mail.body.split() if "/password/" in word]
    page.goto("/" + link.split("/", 3)[3])
    page.get_by_label("New password").fill("another horse battery")
    press(page, "Save new password")
    page.get_by_label("Email").fill(student.email)
    page.get_by_label("Password").fill("another horse battery")
    press(page, "Log in")
    expect(page.get_by_role("heading", name="My learning")).to_be_visible()
