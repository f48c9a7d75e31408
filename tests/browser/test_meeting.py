"""People meet in the room with a real LiveKit: two Chromium, with pictures and sound."""

import os
import signal
import subprocess
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from enrollments.services.enrolling import enroll_full_course
from tests.browser.doing import click, press, says
from tests.browser.live import NAMES, RECEIVED, Meeting, chromium, site
from tests.factories import make_course, start_session, student_with_credit

pytestmark = [
    pytest.mark.mariadb,
    pytest.mark.livekit,
    pytest.mark.django_db(transaction=True),
]
# What the page weighs on the wire, with all that it loads, in bytes.
WEIGHT = """() => [...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")]
  .filter((entry) => entry.name.startsWith(location.origin))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
MINUTE = timedelta(minutes=1)
MOST_BYTES = 250_000
STARTED: list[subprocess.Popen] = []
FRAMES = "(video) => video.getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(django_db_setup):
    with site() as server:
        yield server


@pytest.fixture
def meeting(browser, server, transactional_db, settings, broken):
    """Browsers on a site of production beside LiveKit; nothing may go wrong in any of them."""
    for name in NAMES:
        setattr(settings, name, os.environ[name])
    meeting = Meeting(browser, server.url)
    yield meeting
    meeting.close()
    assert meeting.problems == []
    assert broken() == {}


@pytest.fixture
def lesson():
    """A session that began five minutes ago, with its teacher and a student."""
    course = make_course(sessions=2)
    session, student = course.sessions.first(), student_with_credit(display_name="Ada")
    enroll_full_course(student=student, course_id=course.pk)
    start_session(session)
    return session, course.teacher, student


def tile(page, name):
    people = page.get_by_role("list", name="People in the room")
    return people.get_by_role("listitem").filter(has_text=name)


def grows(page, what, *, seconds=15):
    """Wait until more of it arrives."""
    before = page.evaluate(RECEIVED)[what]
    for _ in range(seconds * 5):
        page.wait_for_timeout(200)
        if page.evaluate(RECEIVED)[what] > before:
            return
    raise AssertionError(f"no more {what}")


def stops(page, what):
    """Wait until a second goes by in which none of it arrives."""
    before = None
    for _ in range(15):
        now = page.evaluate(RECEIVED)[what]
        if now == before:
            return
        before = now
        page.wait_for_timeout(1000)
    raise AssertionError(f"still more {what}")


def test_two_meet_see_and_hear_each_other(meeting, lesson):
    session, teacher, student = lesson
    theirs, ours = meeting.join(teacher, session), meeting.join(student, session)
    for page in (theirs, ours):
        grows(page, "frames")
        grows(page, "energy")
    assert tile(theirs, "Ada").locator("video").evaluate(FRAMES) > 0
    say_and_show(theirs, ours)
    teacher_runs_it(theirs, ours)
    end_and_go_on(theirs, ours)
    press(ours, "Leave")
    expect(ours).to_have_url(reverse("enrollments:room_after", args=[session.pk]))


def say_and_show(theirs, ours):
    press(ours, "Microphone")
    stops(theirs, "energy")
    expect(tile(theirs, "Ada").get_by_text("Muted")).to_be_attached()
    press(ours, "Camera")
    stops(theirs, "frames")
    expect(tile(theirs, "Ada").locator("video")).to_have_count(0)
    press(ours, "Raise hand")
    expect(tile(theirs, "Ada").get_by_text("Hand raised")).to_be_attached()
    press(ours, "Chat")
    ours.get_by_label("Message to everybody").fill("See https://example.com/")
    press(ours, "Send")
    press(theirs, "Chat 1")
    expect(theirs.get_by_role("link", name="https://example.com/")).to_be_visible()
    for page in (theirs, ours):
        press(page, "Close chat")
    for name in ("Microphone", "Camera"):
        press(ours, name)
    grows(theirs, "energy")


def teacher_runs_it(theirs, ours):
    press(theirs, "People")
    press(theirs, "Mute Ada")
    expect(ours.locator("#announcements")).to_contain_text("The teacher muted your microphone.")
    stops(theirs, "energy")
    press(theirs, "Let share Ada")
    press(ours, "Share screen")
    screen = tile(theirs, "Ada's screen").locator("video")
    expect(screen).to_be_visible(timeout=20_000)
    grows(theirs, "frames")
    press(theirs, "Stop sharing Ada")
    expect(tile(theirs, "Ada's screen")).to_have_count(0)
    press(theirs, "Remove Ada")
    says(ours, "The teacher removed you")
    expect(tile(theirs, "Ada")).to_have_count(0)
    press(theirs, "Let in Ada")
    press(ours, "Join again")
    expect(tile(theirs, "Ada")).to_be_visible(timeout=20_000)
    press(theirs, "Close people")


def end_and_go_on(theirs, ours):
    press(theirs, "End for everyone")
    says(theirs, "5 of 60 minutes held.")
    press(theirs, "End for everyone now")
    for page in (theirs, ours):
        says(page, "The teacher ended the session")
    press(theirs, "Resume the session")
    for page in (theirs, ours):
        press(page, "Join again")
    grows(theirs, "frames")
    grows(ours, "frames")


def test_a_cancelled_student_is_out_within_five_seconds(meeting, lesson):
    session, teacher, student = lesson
    start_session(session, ago=-5 * MINUTE)
    theirs, ours = meeting.join(teacher, session), meeting.join(student, session)
    grows(theirs, "frames")
    meeting.expected.append("404: ")
    other = ours.context.new_page()
    other.goto(reverse("enrollments:learning"))
    click(other, f"Cancel {session.course.title}")
    other.get_by_role("button", name="Cancel and refund").click()
    expect(tile(theirs, "Ada")).to_have_count(0, timeout=5000)
    says(ours, "You no longer have access")


def test_another_tab_takes_over(meeting, lesson):
    session, teacher, _ = lesson
    page = meeting.join(teacher, session)
    other = page.context.new_page()
    other.goto(page.url)
    press(other, "Join now")
    says(page, "You joined in another tab")
    press(page, "Use here")
    says(other, "You joined in another tab")
    expect(tile(page, "(you)")).to_be_visible()


def test_all_come_back_by_themselves_when_livekit_was_killed(meeting, lesson, livekit_dies):
    session, teacher, student = lesson
    theirs, ours = meeting.join(teacher, session), meeting.join(student, session)
    grows(theirs, "frames")
    # Its client asks LiveKit why it does not answer, or knows no room after its new start.
    meeting.expected += ["WebSocket connection", "503: ", "404: ", "another host: "]
    with livekit_dies():
        says(ours, "Your connection broke. Reconnecting…")
        theirs.wait_for_timeout(8000)  # long enough for LiveKit's client to give up
    for page in (theirs, ours):
        expect(tile(page, "(you)")).to_be_visible(timeout=60_000)
        grows(page, "frames", seconds=60)
        grows(page, "energy")


@pytest.fixture
def livekit_dies():
    """LiveKit is killed, and started again as it was; script/with-livekit ends it."""

    @contextmanager
    def dies():
        os.kill(int(os.environ["LIVEKIT_PID"]), signal.SIGKILL)
        yield
        own = {name: value for name, value in os.environ.items() if name != "LIVEKIT_CONFIG"}
        program = os.environ.get("LIVEKIT_SERVER", "livekit-server")
        again = subprocess.Popen(
            [program, "--config", os.environ["LIVEKIT_CONFIG"]],
            env=own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        STARTED.append(again)
        os.environ["LIVEKIT_PID"] = str(again.pid)

    return dies


def test_it_is_light_and_there_within_two_seconds(meeting, lesson):
    session, teacher, _ = lesson
    page = meeting.visit(teacher, session)
    assert page.evaluate(WEIGHT) < MOST_BYTES
    page.get_by_role("button", name="Join now").wait_for()
    start = page.evaluate("() => performance.now()")
    press(page, "Join now")
    expect(tile(page, "(you)")).to_be_visible()
    assert page.evaluate("() => performance.now()") - start < 2000
