"""Times in a guest's own zone: on the first page by the script, on the next by the server."""

import pytest
from playwright.sync_api import expect

from tests.browser.doing import fill, press
from tests.browser.watch import heavy, inaccessible, overflowing
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TIMES = """() => [...document.querySelectorAll("time")].map((time) => time.textContent)"""


@pytest.mark.parametrize("zone", ["Asia/Calcutta", "Europe/Madrid", "America/Bogota"])
def test_the_first_page_says_what_the_second_does(open_page, zone):
    course = make_course(sessions=2)
    page = open_page(timezone_id=zone)
    for path in ("/", f"/courses/{course.pk}/"):
        page.context.clear_cookies()
        page.goto(path)
        expect(page.get_by_text(f"Times are shown in {zone}.")).to_be_visible()
        by_script = page.evaluate(TIMES)
        assert by_script
        page.reload()
        assert f'data-zone="{zone}"' in page.content()
        by_server = page.evaluate(TIMES)
        assert [time.rpartition(" ")[0] for time in by_script] == [
            time.rpartition(" ")[0] for time in by_server
        ]
        assert " UTC " not in " ".join(by_script)


def test_what_a_guest_chose_stays_and_the_device_is_mentioned(open_window):
    make_course(sessions=1)
    page = open_window()
    page.goto("/")
    page.get_by_role("link", name="Change time zone").click()
    fill(page, time_zone="Kiev")
    press(page, "Save")
    for _ in range(2):
        expect(page.get_by_text("Times are shown in Europe/Kyiv.")).to_be_visible()
        assert page.evaluate(TIMES)[0].endswith((" EET", " EEST"))
        page.reload()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("path", ["/time-zone/", "/register/"])
def test_the_device_is_asked_until_a_zone_is_kept(open_page, path, scripts):
    page = open_page(java_script_enabled=scripts, timezone_id="Europe/Madrid")
    field = page.locator("[name=time_zone]")
    page.goto(path)
    expect(field).to_have_value("Europe/Madrid" if scripts else "UTC")
    page.goto("/time-zone/")
    fill(page, time_zone="UTC")
    press(page, "Save")
    page.goto(path)
    expect(field).to_have_value("UTC")


def test_a_profile_is_not_overruled_by_a_device(open_page):
    make_course(sessions=1)
    page = open_page(student_with_credit("0", time_zone="Asia/Tokyo"), timezone_id="Europe/Madrid")
    page.goto("/")
    expect(page.get_by_text("Times are shown in Asia/Tokyo.")).to_be_visible()
    expect(page.get_by_text("Your device is in Europe/Madrid.")).to_be_visible()
    assert page.evaluate(TIMES)[0].endswith(" JST")
    page.get_by_role("link", name="Change time zone").click()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    assert inaccessible(page) == heavy(page) == overflowing(page) == []
