"""Camera, microphone and speaker, before anybody sees or hears them."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.doing import press, says
from tests.browser.room.seeing import (
    DEVICES,
    eventually,
    is_on,
    shows,
    tile,
    until,
    wait_for_devices,
)
from tests.browser.watch import inaccessible, overflowing
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOWN = """() => document.querySelector("video").srcObject?.getVideoTracks()[0].label"""
NO_DEVICES = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("none", "NotFoundError"));"""


def test_own_picture_and_level_come_before_anybody_sees_or_hears_them(visit, lesson):
    page = visit(lesson.course.teacher, lesson)
    wait_for_devices(page)
    expect(page.get_by_label("Your camera")).to_be_visible()
    until(page, "() => document.querySelector('meter').value > 0.05")
    press(page, "Camera")
    press(page, "Play a sound")
    expect(page.get_by_label("Your camera")).to_be_hidden()
    press(page, "Join now")
    is_on(page, "Microphone", on=True)
    is_on(page, "Camera", on=False)


def test_a_device_is_chosen_for_the_check_the_room_and_the_next_time(visit, lesson, hall):
    teacher = lesson.course.teacher
    page = visit(teacher, lesson)
    wanted = {"Camera": "fake_device_1", "Microphone": "Fake Audio Input 2"}
    for name, label in wanted.items():
        page.get_by_role("combobox", name=name).select_option(label=label)
    until(page, f"() => ({SHOWN})() === 'fake_device_1'")
    page.reload()
    until(page, f"() => ({SHOWN})() === 'fake_device_1'")
    chosen = {}
    for name, label in wanted.items():
        select = page.get_by_role("combobox", name=name)
        expect(select.locator("option:checked")).to_have_text(label)
        chosen[name] = select.input_value()
    press(page, "Join now")
    expect(tile(page, "(you)")).to_be_visible()
    used = hall.devices.setdefault(str(teacher.pk), {})
    eventually(page, lambda: used.get("videoinput") == {"exact": chosen["Camera"]})
    eventually(page, lambda: used.get("audioinput") == {"exact": chosen["Microphone"]})
    press(page, "Settings")
    page.get_by_role("combobox", name="Camera").select_option(label="fake_device_0")
    page.get_by_role("combobox", name="Speaker").select_option(index=1)
    eventually(page, lambda: used["videoinput"] not in ({"exact": chosen["Camera"]}, None))
    eventually(page, lambda: used.get("audiooutput") not in ("default", None))


def test_a_chosen_device_that_is_gone_keeps_nobody_out(visit, lesson):
    gone = (
        """localStorage.setItem("room-devices", '{"videoinput": "gone", "audioinput": "gone"}')"""
    )
    page = visit(lesson.course.teacher, lesson, gone)
    wait_for_devices(page)


BROWSERS = {
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0": "Click the icon to the left",
    "Mozilla/5.0 (X11; Linux) Gecko Firefox/150.0": "remove the block",
    "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Edg/150.0": "Click the padlock",
    "Mozilla/5.0 (Macintosh) Version/20.0 Safari/605": "In the menu Safari",
    "Mozilla/5.0 (iPhone) Version/20.0 Safari/605": "Website Settings",
    "Mozilla/5.0 (iPhone) CriOS/150.0 Mobile Safari/604": "Open your device's Settings app",
    "Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile": "choose Permissions",
}


def test_a_block_is_explained_for_the_browser_at_hand(open_page):
    user = UserFactory()
    for agent, words in BROWSERS.items():
        page = open_page(user, user_agent=agent, permissions=[])
        page.goto(reverse("enrollments:room_check"))
        press(page, "Camera")
        says(page, "Your browser blocks the camera on this site.", words)
        page.context.close()


BY_THE_SYSTEM = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("Permission denied by system", "NotAllowedError"));"""


def test_a_block_by_the_system_is_told_from_one_by_the_browser(open_page):
    page = open_page(UserFactory(), permissions=[])
    page.add_init_script(BY_THE_SYSTEM)
    page.goto(reverse("enrollments:room_check"))
    press(page, "Camera")
    says(page, "Your system keeps the camera from this browser.")


def test_an_ipad_is_told_from_the_mac_that_it_says_it_is(open_page):
    mac = "Mozilla/5.0 (Macintosh) Version/20.0 Safari/605"
    page = open_page(UserFactory(), user_agent=mac, permissions=[], has_touch=True)
    page.add_init_script("Object.defineProperty(navigator, 'maxTouchPoints', {value: 5})")
    page.goto(reverse("enrollments:room_check"))
    press(page, "Camera")
    says(page, "Website Settings")


def test_one_goes_in_with_both_blocked(join, lesson):
    page = join(lesson.course.teacher, lesson, permissions=[])
    for device in ("Camera", "Microphone"):
        is_on(page, device, on=False)


def test_one_goes_in_who_has_neither_camera_nor_microphone(visit, lesson):
    page = visit(lesson.course.teacher, lesson, NO_DEVICES)
    for device in ("camera", "microphone"):
        says(page, f"No {device} was found. Connect one, or join without it.")
    press(page, "Join now")
    shows(tile(page, "(you)"), "Muted")


def test_the_check_can_be_made_any_day(open_page):
    page = open_page(UserFactory(), **DEVICES)
    page.goto(reverse("enrollments:room_check"))
    expect(page.get_by_label("Your camera")).to_be_visible()
    assert inaccessible(page) + overflowing(page) == []
