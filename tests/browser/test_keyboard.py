"""Without a mouse: everything can be reached, and one sees where one is."""

import pytest
from playwright.sync_api import expect

from tests.browser.doing import click, fill, press, says, tab_to
from tests.factories import PASSWORD, TeacherFactory, UserFactory, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_course_is_found_and_bought(open_page):
    course, page = make_course(title="Chess clinic"), open_page(student_with_credit("100.00"))
    page.goto("/")
    for name in ("Chess clinic", "Buy full course · $100.00", "Confirm and hold $100.00"):
        tab_to(page, name)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    says(page, "You're in.", course.title)


def test_the_skip_link_comes_first_and_leads_past_the_navigation(open_page):
    page = open_page()
    page.goto("/")
    tab_to(page, "Skip to content")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/#main")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search courses")).to_be_focused()


def test_the_menu_opens_and_escape_closes_it(open_page):
    student = student_with_credit("0")
    page = open_page(student)
    page.goto("/")
    menu = page.locator("details.menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Profile")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Profile")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def register_badly(page):
    page.goto("/register/")
    fill(page, email="ada@example.com", display_name="Eve", password="12345678")
    press(page, "Create account")
    return ("Please check: Password.",)


def log_in_wrong(page):
    page.goto("/login/")
    fill(page, username="ada@example.com", password="something else")
    press(page, "Log in")
    return ("That email or password isn't right.",)


def change_password(page):
    page.goto("/profile/password/")
    fill(page, current_password=PASSWORD, new_password="12345678")
    press(page, "Change password")
    return ("Please check: New password.",)


def create_course(page):
    page.goto("/teaching/courses/new/")
    fill(page, title="Knots", price_full_course="a lot")
    press(page, "Save draft")
    return "Full course", "Language", "Nothing was saved."


@pytest.mark.parametrize("act", [register_badly, log_in_wrong, change_password, create_course])
def test_what_was_refused_is_read_first(open_window, act):
    """The focus is where it says what is wrong and where, whether scripts run or not."""
    ada = UserFactory(email="ada@example.com")
    guest = act in {register_badly, log_in_wrong}
    page = open_window(None if guest else TeacherFactory() if act is create_course else ada)
    words = act(page)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    for text in words:
        expect(alert).to_contain_text(text)


def test_the_words_lead_to_their_fields(open_page):
    UserFactory(email="ada@example.com")
    page = open_page()
    register_badly(page)
    click(page, "Password")
    expect(page.get_by_label("Password")).to_be_focused()
