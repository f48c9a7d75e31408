"""What the teacher does in the room, and what becomes of whom they do it to."""

import re
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from rooms.models import RoomDeed
from rooms.services import deeds
from tests.browser.doing import press, says
from tests.browser.room.seeing import HOLD, look_again, student_of, tile, told, until
from tests.conversations import Room, hear
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_teacher_mutes_lets_share_removes_and_lets_in(join, lesson, hall, livekit):
    ada = student_of(lesson, display_name="Ada")
    ours, theirs = join(ada, lesson), join(lesson.course.teacher, lesson)
    room = lesson.room_name
    livekit.enter(room, ada)
    press(theirs, "People")
    press(theirs, "Mute Ada")
    told(theirs, "Ada is muted.")
    hall.tell(ada, "silence")
    told(ours, "The teacher muted your microphone.")
    expect(ours.get_by_role("button", name="Share screen")).to_be_hidden()
    press(theirs, "Let share Ada")
    told(theirs, "Ada may share their screen.")
    look_again(ours)
    press(ours, "Share screen")
    expect(tile(theirs, "Ada's screen").locator("video")).to_be_visible()
    press(theirs, "Remove Ada")
    told(theirs, "Ada was removed and can't come back until you let them in.")
    assert livekit.inside(room) == []
    hall.put_out(ada, 4)
    says(ours, "The teacher removed you", "You can come back once the teacher lets you in.")
    expect(ours.get_by_role("button", name="Join again")).to_be_hidden()
    expect(ours.locator("#announcements")).not_to_contain_text("lets you in again")
    press(theirs, "Let in Ada")
    told(theirs, "Ada may come in again.")
    look_again(ours)
    told(ours, "The teacher lets you in again.")
    press(ours, "Join again")
    expect(tile(ours, "Ada (you)")).to_be_visible()


def test_what_was_asked_before_one_was_removed_lets_nobody_in(join, lesson, hall):
    """An answer that is long on its way tells of the past."""
    ada = student_of(lesson, display_name="Ada")
    page = join(ada, lesson)
    page.evaluate(HOLD)
    look_again(page)
    until(page, "() => Boolean(window.go)")
    deeds.do(lesson, RoomDeed.Kind.REMOVED, actor=lesson.course.teacher, user_id=ada.pk)
    with page.expect_response("**/room/state/"):
        hall.put_out(ada, 4)
    says(page, "The teacher removed you")
    page.evaluate("() => window.go()")
    with page.expect_response("**/room/state/"):
        look_again(page)
    expect(page.locator("#announcements")).not_to_contain_text("lets you in again")


def test_the_teacher_ends_for_all_and_takes_it_back(join, lesson, hall):
    teacher, ada = lesson.course.teacher, student_of(lesson, display_name="Ada")
    ours, theirs = join(ada, lesson), join(teacher, lesson)
    press(theirs, "End for everyone")
    expect(theirs.get_by_text(re.compile(r"^[56] of 60 minutes held\.$"))).to_be_visible()
    press(theirs, "Keep going")
    press(theirs, "End for everyone")
    press(theirs, "End for everyone now")
    told(theirs, "The session has ended for everyone.")
    for user in (teacher, ada):
        hall.put_out(user, 5)
    says(ours, "The teacher ended the session")
    told(ours, "The teacher ended the session")
    says(theirs, "You ended the session", "You can resume it until its time is up.")
    press(theirs, "Resume the session")
    told(theirs, "The session goes on.")
    look_again(ours)
    press(ours, "Join again")
    told(ours, "The session goes on.")
    expect(tile(ours, "Ada (you)")).to_be_visible()


def test_the_register_says_who_is_here_since_when_by_our_evidence(join, lesson, hall):
    """In the teacher's zone; whoever is not here is listed, too, and a stranger as one."""
    ada = student_of(lesson, display_name="Ada")
    student_of(lesson, display_name="Ben")
    page = join(lesson.course.teacher, lesson)
    room = Room(lesson)
    hear(room.started(), room.joined(ada, 2))
    hall.enter(ada, microphone=False)
    hall.enter(UserFactory())
    look_again(page)
    press(page, "People")
    people = page.get_by_role("complementary").get_by_role("listitem")
    since = timezone.localtime(room.at(2), ZoneInfo(lesson.course.teacher.time_zone))
    expect(people.filter(has_text="Ada")).to_contain_text(f"Muted · Here since {since:%H:%M}")
    expect(people.filter(has_text="Ben")).to_contain_text("Not here")
    expect(people.filter(has_text="Guest")).to_contain_text("Not on the list of this session")
