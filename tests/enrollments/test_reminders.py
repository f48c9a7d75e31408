"""Reminders: a day and an hour before, once for each start, and never of what is not so."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses.services import publish_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.reminding import remind_all
from enrollments.services.sessions import cancel_session, change_session, move_session
from notices.kinds import NoLongerTrue
from notices.models import Notice
from notices.sending import send_due
from tests.factories import TeacherFactory, extend_course, make_course, student_with_credit
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
# The day before, the clocks of Europe have not gone forward yet.
START = datetime(2027, 3, 28, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START - 8 * DAY, tick=False) as clock:
        yield clock


@pytest.fixture
def teacher():
    return TeacherFactory(display_name="Sofía", time_zone="America/New_York")


@pytest.fixture
def course(teacher):
    draft = make_course(teacher=teacher, sessions=0, published=False)
    extend_course(draft, starts_at=START)
    return publish_course(course_id=draft.pk, actor=teacher)


@pytest.fixture
def session(course):
    return course.sessions.get()


@pytest.fixture
def student(course):
    student = student_with_credit(time_zone="Europe/Madrid")
    enroll_full_course(student=student, course_id=course.pk)
    return student


@pytest.fixture
def at(clock):
    """The job runs at a time: how many people it reminds."""

    def at(moment):
        clock.move_to(moment)
        return sum(remind_all())

    return at


def move(session, starts_at):
    move_session(
        session_id=session.pk,
        actor=session.course.teacher,
        starts_at=starts_at,
        duration_minutes=60,
    )


def test_a_day_before_in_the_time_of_the_day_itself(student, teacher, session, at):
    assert at(START - DAY - MINUTE) == 0
    assert at(START - DAY) == 1
    notice = told(student, "reminder_day")
    assert mailed(notice) == [
        "Reminder: 1. A lesson, Sun 28 Mar 2027, 19:00 CEST",
        "You booked “1. A lesson” in “Spanish to go”. It starts on Sun 28 Mar 2027, 19:00 CEST.",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        "Teacher: Sofía",
        "Time: Sun 28 Mar 2027, 19:00–20:00 CEST",
        "Open the session:",
        f"/sessions/{session.pk}/room/",
    ]
    assert words_of(notice) == (
        "Reminder: “1. A lesson” in “Spanish to go” starts on Sun 28 Mar 2027, 19:00 CEST."
    )
    assert notice.until == START
    assert was_told(teacher, "teaching_soon") == 0


def test_an_hour_before_the_teacher_as_well(course, student, teacher, session, at):
    purchase_session(student=student_with_credit(), session_id=session.pk)
    at(START - DAY)
    assert at(START - HOUR) == 3
    assert mailed(told(student, "reminder_hour"))[0].startswith("Reminder: 1. A lesson")
    notice = told(teacher, "teaching_soon")
    assert mailed(notice) == [
        "You teach soon: 1. A lesson, Sun 28 Mar 2027, 13:00 EDT",
        "“1. A lesson” in “Spanish to go” starts on Sun 28 Mar 2027, 13:00 EDT, with 2 students.",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        "Time: Sun 28 Mar 2027, 13:00–14:00 EDT",
        "Students: 2",
        "Open the session:",
        f"/teaching/sessions/{session.pk}/",
    ]
    assert words_of(notice) == f"You teach soon: {mailed(notice)[1]}"


def test_once_each_however_often_the_job_runs(student, at):
    moments = [START - DAY + n * 20 * MINUTE for n in range(80)]
    assert sum(at(moment) for moment in moments) == 3
    assert (was_told(student, "reminder_day"), was_told(student, "reminder_hour")) == (1, 1)


def test_a_job_that_comes_late_still_tells(student, teacher, at):
    assert at(START - 3 * HOUR) == 1
    assert at(START - MINUTE) == 2
    assert at(START) == 0


def test_a_job_that_comes_within_the_hour_tells_once(student, at):
    assert at(START - 30 * MINUTE) == 2
    assert was_told(student, "reminder_day") == 0


def test_they_follow_a_move(student, session, clock, at):
    at(START - DAY)
    later = START + 5 * DAY
    move(session, later)
    assert at(START - HOUR) == 0
    assert at(later - DAY) == 1
    assert at(later - HOUR) == 2
    assert was_told(student, "reminder_day") == 2


def test_who_hears_of_the_time_later_needs_no_reminder(student, session, at, clock):
    """Moved, added or bought within the day: that is the news."""
    move(session, START - 8 * DAY + 20 * HOUR)
    assert at(START - 8 * DAY + MINUTE) == 0
    assert at(START - 8 * DAY + 19 * HOUR) == 2


def test_whoever_buys_on_the_last_day_is_reminded_an_hour_before(course, session, at, clock):
    clock.move_to(START - 5 * HOUR)
    late = student_with_credit()
    purchase_session(student=late, session_id=session.pk)
    assert at(START - 5 * HOUR + MINUTE) == 0
    assert at(START - HOUR) == 2


def test_only_another_length_reminds_nobody_again(student, teacher, session, at):
    at(START - DAY)
    change_session(session_id=session.pk, actor=teacher, duration_minutes=90)
    assert at(START - 23 * HOUR) == 0


def test_nobody_is_reminded_of_what_nobody_booked(course, at):
    assert at(START - DAY) == at(START - HOUR) == 0
    assert not Notice.objects.exists()


def test_nor_of_what_was_called_off(student, teacher, session, at):
    cancel_session(session_id=session.pk, actor=teacher)
    assert at(START - DAY) == at(START - HOUR) == 0


class TestDropped:
    """What waits to go out while things change."""

    @pytest.fixture
    def notice(self, student, at):
        at(START - DAY)
        return told(student, "reminder_day")

    def test_called_off(self, notice, session):
        cancel_session(session_id=session.pk, actor=session.course.teacher)
        assert_dropped(notice, "The session was cancelled.")

    def test_moved(self, notice, session):
        move(session, START + HOUR)
        assert_dropped(notice, "The session was moved.")

    def test_left(self, notice, student):
        bought = student.courseenrollments.get()
        cancel_enrollment(student=student, enrollment_id=bought.pk)
        assert_dropped(notice, "The reader no longer has the session.")

    def test_too_late(self, notice, clock):
        clock.move_to(START)
        assert_dropped(notice, "It came too late.")

    def test_the_teacher_is_told_of_no_move_that_they_made(self, notice, session, teacher, at):
        at(START - HOUR)
        move(session, START + HOUR)
        with pytest.raises(NoLongerTrue):
            mailed(told(teacher, "teaching_soon"))


def assert_dropped(notice, why):
    list(send_due())
    notice.refresh_from_db()
    assert (notice.mail, notice.mail_note) == ("dropped", why)


def test_the_statements_do_not_grow_with_the_students(course, session, at):
    def cost():
        with CaptureQueriesContext(connection) as asked:
            at(START - DAY)
        return len(asked)

    few = cost()
    session.reminders.all().delete()
    for _ in range(3):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
    assert cost() <= few + 1


def test_the_command_says_how_many(student, clock):
    clock.move_to(START - DAY)
    out = StringIO()
    call_command("remind", stdout=out)
    assert out.getvalue() == "Reminders: 1.\n"
