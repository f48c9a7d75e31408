"""The room on every screen: what fits, and what axe finds."""

import pytest
from playwright.sync_api import expect

from tests.browser.doing import press, says
from tests.browser.room.seeing import (
    DESKTOP,
    ON_ITS_SIDE,
    PHONE,
    shows,
    student_of,
    tile,
    tiles,
    until,
)
from tests.browser.watch import inaccessible, overflowing
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INSIDE = """() => {
  const box = document.querySelector("#tiles").getBoundingClientRect();
  return [...document.querySelectorAll("#tiles > li")].every((tile) => {
    const one = tile.getBoundingClientRect();
    return one.left >= box.left - 1 && one.right <= box.right + 1
      && one.top >= box.top - 1 && one.bottom <= box.bottom + 1 && one.width > 40;
  });
}"""


@pytest.mark.parametrize("screen", [PHONE, ON_ITS_SIDE, DESKTOP], ids=["phone", "side", "desktop"])
def test_thirty_fit_and_more_have_pages(join, lesson, hall, screen):
    page = join(lesson.course.teacher, lesson, viewport=screen)
    for count, user in enumerate(UserFactory.create_batch(30), start=2):
        hall.enter(user)
        if count in (2, 6, 30):
            expect(tiles(page)).to_have_count(count)
            until(page, INSIDE)
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    expect(tiles(page)).to_have_count(30)
    press(page, "Next page")
    expect(tiles(page)).to_have_count(1)
    press(page, "Speaker view")
    until(page, INSIDE)
    assert overflowing(page) == []


SCREENS = {
    "phone": {"viewport": PHONE},
    "side": {"viewport": ON_ITS_SIDE, "color_scheme": "dark"},
    "desktop": {"viewport": DESKTOP, "color_scheme": "dark"},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_each_of_its_faces_is_good_on_every_screen(visit, lesson, hall, screen):
    ada = student_of(lesson, display_name="Ada")
    page = visit(lesson.course.teacher, lesson, reduced_motion="reduce", **SCREENS[screen])
    problems = inaccessible(page) + overflowing(page)
    press(page, "Join now")
    # What is said before somebody is in the room, they don't hear.
    expect(tile(page, "(you)")).to_be_visible()
    hall.enter(ada, camera=True, microphone=False, quality="lost")
    hall.enter(UserFactory())
    hall.write(ada, "hand", up=True)
    shows(tile(page, "Ada"), "Hand raised")
    hall.tell(lesson.course.teacher, "sound", playing=False)
    hall.tell(lesson.course.teacher, "reconnecting")
    for panel in ("People", "Chat"):
        press(page, panel)
        problems += inaccessible(page) + overflowing(page)
        press(page, f"Close {panel.lower()}")
    for button, close in (("Settings", "Done"), ("End for everyone", "Keep going")):
        press(page, button)
        problems += inaccessible(page)
        press(page, close)
    hall.put_out(lesson.course.teacher, 2)
    says(page, "You joined in another tab")
    assert problems + inaccessible(page) + overflowing(page) == []
