"""People meet in the room with a real LiveKit: two Chromium, with pictures and sound."""

import os
import re
import time
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from courses.models import CourseSession
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import enroll_full_course
from payments.models import HoldPart, LedgerAccount
from rooms.attendance import attendance_of
from rooms.models import Attendance, RoomDeed
from settlement.services.settling import settle_all
from tests.browser.doing import click, press, says
from tests.browser.live import NAMES, RECEIVED, Meeting, chromium, grows, stops
from tests.browser.room.seeing import shows
from tests.factories import make_course, start_session, student_with_credit
from tests.livekit.people import until
from tests.serving import running

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
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MOST_BYTES = 250_000
PATIENCE = 60_000
FRAMES = "(video) => video.getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(scope="module")
def browser():
    """Two of them, LiveKit and a site are much for a small machine."""
    expect.set_options(timeout=PATIENCE)
    with chromium() as browser:
        yield browser
    expect.set_options(timeout=5000)


@pytest.fixture
def meeting(browser, site, transactional_db, settings, broken):
    """Browsers on a site of production beside LiveKit; nothing may go wrong in any of them."""
    for name in NAMES:
        setattr(settings, name, os.environ[name])
    meeting = Meeting(browser, site.url)
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
    shows(tile(theirs, "Ada"), "Muted")
    press(ours, "Camera")
    stops(theirs, "frames")
    expect(tile(theirs, "Ada").locator("video")).to_have_count(0)
    press(ours, "Raise hand")
    shows(tile(theirs, "Ada"), "Hand raised")
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
    expect(screen).to_be_visible()
    grows(theirs, "frames")
    press(theirs, "Stop sharing Ada")
    expect(tile(theirs, "Ada's screen")).to_have_count(0)
    press(theirs, "Remove Ada")
    says(ours, "The teacher removed you")
    expect(tile(theirs, "Ada")).to_have_count(0)
    press(theirs, "Let in Ada")
    press(ours, "Join again")
    expect(tile(theirs, "Ada")).to_be_visible()
    press(theirs, "Close people")


def end_and_go_on(theirs, ours):
    press(theirs, "End for everyone")
    expect(theirs.get_by_text(re.compile(r"\d of 60 minutes held\."))).to_be_visible()
    press(theirs, "End for everyone now")
    says(theirs, "You ended the session")
    says(ours, "The teacher ended the session")
    press(theirs, "Resume the session")
    for page in (theirs, ours):
        press(page, "Join again")
    grows(theirs, "frames")
    grows(ours, "frames")


def is_out(student, session):
    """How long after it was decided, as LiveKit tells it."""
    stays = Attendance.objects.filter(session=session, user=student, removed=True)
    left_at = until(lambda: stays.values_list("left_at", flat=True).first())
    deed = RoomDeed.objects.filter(session=session, kind="removed").first()
    cancelled_at = CourseEnrollment.objects.get().cancelled_at
    return left_at - (deed.at if deed else cancelled_at)


def cancels(theirs, ours, session):
    other = ours.context.new_page()
    other.goto(reverse("enrollments:learning"))
    click(other, f"Cancel {session.course.title}")
    other.get_by_role("button", name="Cancel and refund").click()
    other.close()


def is_removed(theirs, ours, session):
    press(theirs, "People")
    press(theirs, "Remove Ada")


@pytest.mark.parametrize("goes", [cancels, is_removed])
def test_who_has_to_go_is_out_within_five_seconds_and_comes_back_in_vain(meeting, lesson, goes):
    """Three pages were opened before, and keep the pass of then; the site tells them nothing."""
    session, teacher, student = lesson
    start_session(session, ago=-5 * MINUTE)
    ours = meeting.visit(student, session)
    returning = [ours.context.new_page() for _ in range(3)]
    for page in returning:
        page.goto(ours.url)
        page.get_by_role("button", name="Join now").wait_for()
        page.route("**/room/state/", lambda route: route.abort())
    theirs = meeting.join(teacher, session)
    with ours.expect_response("**/room/pass/") as given:
        press(ours, "Join now")
    old_pass = given.value.text()
    for page in (theirs, ours):
        grows(page, "frames")
    # Later questions of those pages, and of a page that has no business there any more.
    meeting.expected += ["404: ", "409: ", "net::ERR"]
    goes(theirs, ours, session)
    expect(tile(theirs, "Ada")).to_have_count(0)
    expect(ours.locator("#outside")).to_be_visible()
    assert is_out(student, session) <= 5 * SECOND
    ours.context.route("**/room/pass/", lambda route: route.fulfill(body=old_pass))
    for page in returning:
        press(page, "Join now")
        says(page, "The teacher removed you")
        assert page.evaluate("() => window.lines.length") > 0
        assert page.evaluate(RECEIVED) == {"frames": 0, "energy": 0}


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


@pytest.mark.parametrize("auto_create", [False, True])
def test_all_come_back_by_themselves_when_livekit_was_killed(meeting, lesson, real, auto_create):
    session, teacher, student = lesson
    real.make_rooms_by_itself(auto_create)
    theirs, ours = meeting.join(teacher, session), meeting.join(student, session)
    grows(theirs, "frames")
    # Its client asks LiveKit why it does not answer, or knows no room after its new start.
    meeting.expected += ["WebSocket connection", "503: ", "404: ", "another host: "]
    real.kill()
    says(ours, "Your connection broke. Reconnecting…")
    theirs.wait_for_timeout(8000)  # long enough for LiveKit's client to give up
    real.start()
    back = time.monotonic()
    for page in (theirs, ours):
        expect(tile(page, "(you)")).to_be_visible(timeout=60_000)
        grows(page, "frames", seconds=60)
        grows(page, "energy")
    assert time.monotonic() - back < 60
    real.make_rooms_by_itself(False)


def test_a_line_that_breaks_comes_back_by_itself(meeting, lesson, real):
    """Nothing comes through to one of them, neither from LiveKit nor from the site."""
    session, teacher, student = lesson
    with real.behind_a_line() as line:
        theirs = meeting.join(teacher, session)
        theirs_alone = until(lambda: len(line.senders))
        ours = meeting.join(student, session)
        for page in (theirs, ours):
            grows(page, "frames")
        meeting.expected += ["503: ", "net::ERR", "another host: "]
        ours.context.set_offline(True)
        line.cut_after(theirs_alone)
        says(ours, "Your connection broke. Reconnecting…")
        for page in (theirs, ours):
            stops(page, "frames")
        line.mend()
        ours.context.set_offline(False)
        for page in (theirs, ours):
            grows(page, "frames", seconds=60)
            grows(page, "energy")
        expect(ours.locator("#announcements")).to_contain_text("You're connected again.")
        expect(ours.locator("#connection")).to_be_hidden()
        theirs.close()
        ours.close()


def test_it_is_light_and_there_within_two_seconds(meeting, lesson):
    session, teacher, _ = lesson
    # The fastest: the others say how busy the machine is.
    assert min(milliseconds_to_join(meeting.visit(teacher, session)) for _ in range(3)) < 2000


def milliseconds_to_join(page):
    assert page.evaluate(WEIGHT) < MOST_BYTES
    page.get_by_role("button", name="Join now").wait_for()
    start = page.evaluate("() => performance.now()")
    press(page, "Join now")
    expect(tile(page, "(you)")).to_be_visible()
    return page.evaluate("() => performance.now()") - start


def starts(session, *, in_):
    start_session(session, ago=-in_)
    session.refresh_from_db()


def poll():
    """The minute's job, in a process of its own."""
    with running("manage.py", "poll_rooms") as job:
        assert job.wait(30) == 0


class Clock:
    """When somebody pressed a button, and when they saw that it had worked."""

    def __enter__(self):
        self.pressed = timezone.now()
        return self

    def __exit__(self, *_):
        self.seen = timezone.now()


@pytest.fixture
def sold_to_two(meeting, settings):
    """A session of a minute, not yet begun: with its teacher, who comes, and who does not."""
    settings.ATTENDANCE_THRESHOLD_PERCENT = 5
    course = make_course(sessions=2)
    people = [student_with_credit("100.00", display_name=name) for name in ("Ada", "Bo")]
    for student in people:
        enroll_full_course(student=student, course_id=course.pk)
    session = course.sessions.first()
    CourseSession.objects.filter(pk=session.pk).update(duration_minutes=1)
    HoldPart.objects.filter(session=session).update(sold_duration_minutes=1)
    starts(session, in_=5 * MINUTE)
    return session, course.teacher, *people


def test_the_whole_story_to_the_cent(meeting, sold_to_two):
    """What LiveKit told pays whoever met here; time alone is moved, over the half hour after."""
    session, teacher, ada, absent = sold_to_two
    theirs, ours = meeting.join(teacher, session), meeting.visit(ada, session)
    poll()
    # Now that its room is known to be watched: before, it would wait for a busy machine in vain.
    starts(session, in_=2 * SECOND)
    until(lambda: timezone.now() > session.starts_at)
    with Clock() as came:
        press(ours, "Join now")
        expect(tile(ours, "(you)")).to_be_visible()
    grows(theirs, "frames")
    until(lambda: timezone.now() - came.seen > 6 * SECOND)
    after = reverse("enrollments:room_after", args=[session.pk])
    with Clock() as went:
        press(ours, "Leave")
        expect(ours).to_have_url(after)
    with Clock() as left:
        press(theirs, "Leave")
        expect(theirs).to_have_url(after)
    until(lambda: not Attendance.objects.filter(session=session, left_at=None).exists())
    there = attendance_of(session)
    assert set(there) == {teacher.pk, ada.pk}
    close_to(there[ada.pk].time, went.pressed - came.seen, went.seen - came.pressed)
    since = session.starts_at
    close_to(there[teacher.pk].time, left.pressed - since, left.seen - since)
    until(lambda: timezone.now() > session.ends_at, within=70)
    poll()
    settles_to_the_cent(session, teacher, ada, absent)
    click(theirs, "Who was there")
    says(theirs, "· left")
    ours.reload()
    says(ours, "released $50.00")


def settles_to_the_cent(session, teacher, ada, absent):
    with time_machine.travel(session.settles_at + MINUTE, tick=True):
        list(settle_all())
    reasons = Attendance.objects.values_list("disconnect_reason", flat=True)
    assert set(reasons) == {"CLIENT_INITIATED"}
    ends = HoldPart.objects.filter(session=session).values_list("hold__student", "reason")
    assert dict(ends) == {ada.pk: "attended", absent.pk: "missed"}
    wallets = LedgerAccount.objects.filter(kind="wallet", owner__in=[ada, absent])
    assert dict(wallets.values_list("owner", "balance")) == {
        ada.pk: Decimal("0.00"),
        absent.pk: Decimal("50.00"),
    }
    earned = LedgerAccount.objects.get(owner=teacher, kind="earnings")
    assert earned.balance == Decimal("35.00")


def close_to(told, least, most):
    """Within two seconds of the test's own clock."""
    assert least - 2 * SECOND <= told <= most + 2 * SECOND
