"""The catalogue's filters: they act when chosen, or by a button; on a phone they fold away."""

import pytest
from playwright.sync_api import expect

from tests.browser.doing import press
from tests.browser.watch import inaccessible, overflowing
from tests.factories import make_course

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 860}


@pytest.fixture(autouse=True)
def _courses(transactional_db):
    for level in ("beginner", "advanced"):
        make_course(title=f"For {level}s", level=level, sessions=1)


def test_a_filter_acts_when_chosen_and_the_reader_goes_on_there(open_page):
    page = open_page(viewport=PHONE)
    page.goto("/")
    level = page.get_by_label("Level")
    expect(level).to_be_hidden()
    page.get_by_text("Filters").click()
    level.select_option("advanced")
    expect(page.get_by_role("heading", name="1 course", exact=True)).to_be_visible()
    expect(page.get_by_text("Filters · 1 in use")).to_be_visible()
    expect(page.get_by_label("Level")).to_be_focused()
    assert inaccessible(page) == overflowing(page) == []
    page.get_by_label("With seats left").check()
    page.wait_for_url("**seats=on**")
    expect(page.get_by_text("Filters · 2 in use")).to_be_visible()


def test_without_scripts_there_is_a_button(open_page):
    page = open_page(viewport=WIDE, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Level").select_option("advanced")
    press(page, "Use these filters")
    expect(page.get_by_role("heading", name="1 course", exact=True)).to_be_visible()


def test_what_depends_on_the_zone_is_found_again_in_the_guests_own(open_page):
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto("/?days=weekdays")
    expect(page.get_by_text("Times are shown in Asia/Tokyo.")).to_be_visible()
    assert 'data-zone="Asia/Tokyo"' in page.content()
