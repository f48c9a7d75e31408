"""What is to be seen, heard and done in the room, with a double in LiveKit's place."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.doing import press, says, tab_to
from tests.browser.room.seeing import shows, student_of, tile, told, until, wait_for_devices
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MINUTE = timedelta(minutes=1)
WIDER = """([one, other]) => {
  const width = (name) => [...document.querySelectorAll("#tiles > li")]
    .find((tile) => tile.textContent.includes(name)).getBoundingClientRect().width;
  return width(one) > 2 * width(other);
}"""


def test_names_are_those_of_our_list(join, lesson, hall):
    """Whatever a pass or LiveKit calls them; a stranger is shown as one, unseen and unheard."""
    ada = student_of(lesson, display_name="Ada")
    page = join(lesson.course.teacher, lesson)
    hall.enter(ada, camera=True, microphone=False, name="TEACHER")
    shows(tile(page, "Ada"), "Muted")
    expect(tile(page, "Ada").locator("video")).to_be_visible()
    hall.enter(UserFactory(), camera=True, name="Ada")
    expect(tile(page, "Guest")).to_be_visible()
    expect(tile(page, "Guest").locator("video")).to_have_count(0)
    told(page, "Ada joined.")
    hall.enter(ada, quality="poor", microphone=True)
    shows(tile(page, "Ada"), "Weak connection")
    hall.speak(ada)
    expect(tile(page, "Ada")).to_have_class("tile tile-speaking")
    hall.go(ada)
    told(page, "Ada left.")
    expect(tile(page, "Ada")).to_have_count(0)


def test_chat_has_links_and_is_told(join, lesson):
    student = student_of(lesson, display_name="Ada")
    theirs, ours = join(lesson.course.teacher, lesson), join(student, lesson)
    press(ours, "Chat")
    ours.get_by_label("Message to everybody").fill("Read https://example.com/a?b=1. <b>Now</b>")
    ours.keyboard.press("Enter")
    told(theirs, "Ada wrote: Read https://example.com/a?b=1. <b>Now</b>")
    expect(theirs.get_by_role("button", name="Chat 1")).to_be_visible()
    press(theirs, "Chat 1")
    link = theirs.get_by_role("link", name="https://example.com/a?b=1", exact=True)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    says(theirs, "<b>Now</b>")
    sent = theirs.get_by_role("complementary").get_by_role("time").inner_text()
    now = timezone.now()  # in UTC, as the teacher has chosen; the browser is in Berlin
    assert sent in {f"{now:%H:%M}", f"{now - MINUTE:%H:%M}"}
    expect(ours.get_by_text("You", exact=True)).to_be_visible()


def test_a_hand_is_seen_also_by_those_who_come_later(join, lesson):
    student = student_of(lesson, display_name="Ada")
    ours = join(student, lesson)
    press(ours, "Raise hand")
    theirs = join(lesson.course.teacher, lesson)
    shows(tile(theirs, "Ada"), "Hand raised")
    told(theirs, "Ada raised a hand.")
    press(ours, "Raise hand")
    expect(tile(theirs, "Ada").get_by_text("Hand raised")).to_be_hidden()


def test_a_tile_is_pinned_and_ones_own_is_hidden(join, lesson, hall):
    ada, ben = student_of(lesson, display_name="Ada"), student_of(lesson, display_name="Ben")
    page = join(lesson.course.teacher, lesson)
    for user in (ada, ben):
        hall.enter(user, camera=True)
    tile(page, "Ben").hover()
    press(page, "Pin Ben")
    until(page, WIDER, ["Ben", "Ada"])
    press(page, "Settings")
    press(page, "Hide my own picture")
    press(page, "Done")
    expect(tile(page, "(you)")).to_have_count(0)
    press(page, "Settings")
    press(page, "Audio only")
    press(page, "Done")
    expect(tile(page, "Ben").locator("video")).to_have_count(0)


def test_single_keys_press_buttons_unless_they_are_turned_off(join, lesson):
    page = join(lesson.course.teacher, lesson)
    microphone = page.get_by_role("button", name="Microphone")
    page.keyboard.press("m")
    expect(microphone).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("c")
    expect(page.get_by_label("Message to everybody")).to_be_focused()
    page.keyboard.type("mmm")
    expect(page.get_by_label("Message to everybody")).to_have_value("mmm")
    press(page, "Close chat")
    press(page, "Settings")
    page.get_by_label("Keyboard shortcuts").uncheck()
    press(page, "Done")
    page.keyboard.press("m")
    expect(microphone).to_have_attribute("aria-pressed", "false")


def test_without_a_mouse_everything_is_reached_and_nobody_is_lost(visit, lesson, hall):
    """What opens takes the focus, and gives it back where it came from."""
    ada = student_of(lesson, display_name="Ada")
    page = visit(lesson.course.teacher, lesson)
    hall.enter(ada, camera=True)
    wait_for_devices(page)
    expect(page.get_by_role("button", name="Join now")).to_be_visible()
    tab_to(page, "Join now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=str(lesson))).to_be_focused()
    expect(page.get_by_role("button", name="Pin Ada")).to_be_visible()
    tab_to(page, "Pin Ada")
    page.keyboard.press("Enter")
    until(page, WIDER, ["Ada", "(you)"])
    tab_to(page, "Microphone")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Microphone")).to_have_attribute("aria-pressed", "false")
    for button, opened in (("Chat", "Message to everybody"), ("People", "")):
        tab_to(page, button)
        page.keyboard.press("Enter")
        field = page.get_by_label(opened) if opened else page.get_by_role("heading", name=button)
        expect(field).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=button)).to_be_focused()
    tab_to(page, "Settings")
    page.keyboard.press("Enter")
    tab_to(page, "Done")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Settings")).to_be_focused()
    tab_to(page, "End for everyone")
    tab_to(page, "Leave")
    page.keyboard.press("Enter")
    expect(page).to_have_url(reverse("enrollments:room_after", args=[lesson.pk]))
