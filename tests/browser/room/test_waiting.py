"""Before the room: how long it takes until it opens, and who is there already."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.doing import says
from tests.browser.room.seeing import look_again, student_of, tile, told
from tests.conversations import Room, hear
from tests.factories import start_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MINUTE = timedelta(minutes=1)


def test_it_opens_by_itself(visit, lesson, settings):
    settings.JOIN_OPENS_MINUTES = 10
    student = student_of(lesson, display_name="Ada")
    start_session(lesson, ago=-14 * MINUTE)
    page = visit(student, lesson)
    says(page, "Nothing is recorded.", "Your name in the room is Ada")
    expect(page.get_by_text(re.compile(r"The room opens in 3:\d\d"))).to_be_visible()
    for name in ("Join now", "Running now"):
        expect(page.get_by_text(name)).to_be_hidden()
    start_session(lesson, ago=-10 * MINUTE)
    look_again(page)
    expect(tile(page, "Ada (you)")).to_be_visible()
    told(page, "The room is open.")


def test_nobody_goes_in_by_themselves_who_did_not_wait(visit, lesson):
    """Our server is away for a moment, so the page does not know that the room is open."""
    page = visit(lesson.course.teacher, lesson)
    page.route("**/room/state/", lambda route: route.abort())
    page.reload()
    says(page, "The room opens soon")
    page.unroute("**/room/state/")
    look_again(page)
    expect(page.get_by_role("button", name="Join now")).to_be_visible()
    expect(tile(page, "(you)")).to_be_hidden()


def test_one_sees_who_is_there_already(visit, lesson):
    """By our own evidence, and each time the page asks again."""
    ada, ben = student_of(lesson, display_name="Ada"), student_of(lesson, display_name="Ben")
    page = visit(lesson.course.teacher, lesson)
    says(page, "Nobody is in the room yet.", "Running now")
    room = Room(lesson)
    hear(room.started(), room.joined(ada, 1))
    look_again(page)
    says(page, "Ada is already there.")
    hear(room.joined(ben, 2))
    look_again(page)
    says(page, "Ada and Ben are already there.")
    hear(room.left(ada, 3))
    look_again(page)
    says(page, "Ben is already there.")
