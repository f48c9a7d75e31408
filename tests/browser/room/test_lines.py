"""What happens to a connection: another tab, a broken line, a LiveKit that is away, a way out."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from enrollments.services.purchasing import purchase_session
from tests.browser.doing import click, press, says
from tests.browser.room.seeing import HOLD, look_again, student_of, tile, tiles, told, until
from tests.factories import end_session, start_session, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MINUTE = timedelta(minutes=1)


def test_another_tab_takes_over_and_the_first_stays_out(join, lesson):
    page = join(lesson.course.teacher, lesson)
    other = page.context.new_page()
    other.goto(page.url)
    press(other, "Join now")
    says(page, "You joined in another tab")
    expect(tiles(other)).to_have_count(1)
    press(page, "Use here")
    says(other, "You joined in another tab")
    expect(tiles(page)).to_have_count(1)


def test_a_line_that_breaks_is_said_and_mended(join, lesson, hall):
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    hall.tell(teacher, "reconnecting")
    says(page, "Your connection broke. Reconnecting…")
    hall.tell(teacher, "reconnected")
    told(page, "You're connected again.")
    expect(page.get_by_text("Reconnecting…", exact=True)).to_be_hidden()


def test_it_comes_back_with_a_new_pass_when_livekit_gave_up(join, lesson, hall, livekit):
    """As LiveKit does that was started again: closed, and away for a while."""
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    passes = livekit.asked.count("CreateRoom")
    hall.shut = True
    hall.put_out(teacher, 9)
    says(page, "The room can't be reached. Trying again…")
    hall.shut = False
    look_again(page)
    expect(tile(page, "(you)")).to_be_visible()
    assert livekit.asked.count("CreateRoom") > passes


def test_whom_livekit_turns_away_on_the_way_in_is_told_at_once(visit, lesson, hall):
    page = visit(lesson.course.teacher, lesson)
    hall.turns_away = 4
    press(page, "Join now")
    says(page, "The teacher removed you")


def test_sound_is_turned_on_with_a_press(join, lesson, hall):
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    hall.tell(teacher, "sound", playing=False)
    press(page, "Turn on sound")
    expect(page.get_by_role("button", name="Turn on sound")).to_be_hidden()


def test_whoever_was_logged_out_meanwhile_is_told_and_comes_back(join, lesson, refused):
    """As after a change of password on another machine, or at a session's end.

    The CSRF token outlives both. Without it what the page tells would be refused as forged.
    """
    page = join(lesson.course.teacher, lesson)
    refused(401)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    look_again(page)
    says(page, "You've been logged out", "Log in again to come back.")
    told(page, "You've been logged out")
    click(page, "Log in")
    door = reverse("enrollments:room", args=[lesson.pk])
    expect(page).to_have_url(f"{reverse('accounts:login')}?next={door}")


def test_a_refusal_of_before_one_logged_in_again_puts_nobody_out(join, lesson, refused):
    page = join(lesson.course.teacher, lesson)
    cookies = page.context.cookies()
    refused(401)
    page.evaluate(HOLD)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    look_again(page)
    until(page, "() => Boolean(window.go)")
    page.context.add_cookies(cookies)
    for _ in range(2):  # by then the first answer is heard
        with page.expect_response("**/room/state/"):
            look_again(page)
    page.evaluate("() => window.go()")
    with page.expect_response("**/room/state/"):
        look_again(page)
    expect(page.locator("#announcements")).not_to_contain_text("logged out")


def test_whoever_cancels_is_told_why_they_are_out(join, lesson, hall, refused):
    start_session(lesson, ago=-5 * MINUTE)
    student = student_with_credit()
    purchase_session(student=student, session_id=lesson.pk)
    page = join(student, lesson)
    # The page may ask before LiveKit has put them out.
    refused(404)
    other = page.context.new_page()
    other.goto(reverse("enrollments:learning"))
    click(other, f"Cancel {lesson.course.title}")
    other.get_by_role("button", name="Cancel and refund").click()
    says(other, "is back in your credit")
    hall.put_out(student, 4)
    says(page, "You no longer have access", "Your booking of this session has ended.")


def test_the_time_that_is_left_is_said_until_there_is_none(join, lesson, hall):
    teacher = lesson.course.teacher
    page = join(teacher, lesson)
    expect(page.get_by_text(re.compile(r"^5\d:\d\d left$"))).to_be_visible()
    end_session(lesson)
    look_again(page)
    says(page, "Time is up")
    hall.put_out(teacher, 5)
    expect(page).to_have_url(reverse("enrollments:room_after", args=[lesson.pk]))


LOCKS = """(() => {
  const ask = navigator.wakeLock.request.bind(navigator.wakeLock);
  window.locks = [];
  navigator.wakeLock.request = async (kind) => {
    const lock = await ask(kind);
    window.locks.push(lock);
    return lock;
  };
})()"""
HELD = "(held) => window.locks.filter(({ released }) => !released).length === held"


def test_the_screen_stays_on_while_one_is_in_the_room(visit, lesson, hall):
    teacher = lesson.course.teacher
    page = visit(teacher, lesson, LOCKS)
    assert page.evaluate(HELD, 0)
    press(page, "Join now")
    expect(tile(page, "(you)")).to_be_visible()
    until(page, HELD, 1)
    page.evaluate("() => window.locks[0].release()")  # as a phone does that shows another tab
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    until(page, HELD, 1)
    hall.put_out(teacher, 2)
    until(page, HELD, 0)


def test_leaving_leads_to_the_money(join, lesson):
    page = join(student_of(lesson), lesson)
    press(page, "Leave")
    expect(page).to_have_url(reverse("enrollments:room_after", args=[lesson.pk]))
