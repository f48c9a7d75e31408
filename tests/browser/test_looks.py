"""What only a browser knows of a page's looks: what is to be seen, and in how many lines."""

import pytest
from playwright.sync_api import expect

from courses.descriptions import write_description
from tests.browser.watch import heavy, overflowing
from tests.factories import TeacherFactory, lengthen_course, make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCREENS = [{"width": 360, "height": 740}, {"width": 1280, "height": 860}]
LINES = """() => [...document.querySelectorAll(".session-number")].map((number) => {
  const line = parseFloat(getComputedStyle(number).lineHeight);
  return Math.round(number.getBoundingClientRect().height / line);
})"""


ROWS = """() => {
  const there = [...document.querySelectorAll(".masthead :is(a, .badge, summary)")]
    .filter((it) => it.checkVisibility()).map((it) => it.getBoundingClientRect());
  const middles = there.map(({ top, bottom }) => (top + bottom) / 2).sort((a, b) => a - b);
  return {
    rows: middles.filter((at, n) => !n || at - middles[n - 1] > 16).length,
    right: Math.max(...there.map(({ right }) => right)),
  };
}"""
TARGETS = """() => [...document.querySelectorAll(".masthead :is(a, summary)")]
  .filter((it) => it.checkVisibility()).map((it) => it.getBoundingClientRect())
  .map(({ width, height }) => Math.min(width, height))"""


@pytest.mark.parametrize("width", [360, 400, 480, 560, 767])
@pytest.mark.parametrize("test_mode", [True, False], ids=["test-mode", "live"])
def test_the_header_takes_two_rows(open_page, settings, width, test_mode):
    settings.PAYMENTS = "rehearsal" if test_mode else ""
    teacher = TeacherFactory(display_name="Wilhelmina von Hohenzollern")
    for reader in (None, teacher):
        page = open_page(reader, viewport={"width": width, "height": 740})
        page.goto("/")
        found = page.evaluate(ROWS)
        assert found["rows"] == 2
        assert found["right"] <= width
        assert min(page.evaluate(TARGETS)) >= 24
        expect(page.locator(".masthead .badge")).to_have_count(int(test_mode))
        expect(page.get_by_role("link", name="talkplatform")).to_be_visible()
        assert overflowing(page) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["no-clipboard", "no-scripts"])
def test_a_button_that_can_do_nothing_is_not_shown(open_page, scripts):
    """Copying takes a script, and a page that came encrypted."""
    page = open_page(student_with_credit("0"), java_script_enabled=scripts)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto("/profile/")
    button = page.locator("button", has_text="Copy link")
    expect(button).to_have_count(1)
    expect(button).to_be_hidden()


def test_a_button_that_can_do_something_is_shown(open_page):
    page = open_page(student_with_credit("0"))
    page.goto("/profile/")
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS, ids=["phone", "wide"])
def test_a_long_course(open_page, screen):
    """Its numbers stand in one line each, and each page of it is light."""
    course = make_course(sessions=1, max_students=5, description="> Who dares, wins")
    write_description(course)
    lengthen_course(course, 200)
    page = open_page(viewport=screen)
    for number in (1, 3):
        page.goto(f"/courses/{course.pk}/?page={number}")
        assert set(page.evaluate(LINES)) == {1}
        assert overflowing(page) == []
        assert heavy(page) == []
    expect(page.get_by_text("Page 3 of 4")).to_be_visible()
    quoted = page.get_by_role("blockquote")
    assert quoted.evaluate("it => getComputedStyle(it).borderInlineStartStyle") == "solid"
