"""What those who have a session are told of it: moved, called off, added; each in their zone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from courses.services import publish_course
from enrollments.services import sessions
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session, change_session, move_session
from enrollments.services.timetable import NewSession, add_sessions, move_sessions
from notices.models import Notice
from payments.wallets import credit_of
from settlement.services.settling import settle_all
from tests.enrollments.march import AFTER, BEFORE, DAY, _in_march, teacher
from tests.factories import (
    StaffFactory,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)
from tests.telling import letter_of, mailed, told, was_told, words_of

__all__ = ["_in_march", "teacher"]

pytestmark = pytest.mark.django_db
WHY = "A dentist's appointment"


@pytest.fixture
def course(teacher):
    draft = make_course(teacher=teacher, sessions=0, published=False, price_full_course="80.00")
    for start in (BEFORE, BEFORE + DAY):
        extend_course(draft, starts_at=start)
    return publish_course(course_id=draft.pk, actor=teacher)


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def enrolled(course):
    student = student_with_credit("100.00", time_zone="Europe/Madrid")
    enroll_full_course(student=student, course_id=course.pk)
    return student


@pytest.fixture
def single(session):
    student = student_with_credit("100.00", time_zone="America/New_York")
    purchase_session(student=student, session_id=session.pk)
    return student


def move(session, actor, starts_at=AFTER, minutes=60, reason=WHY):
    return move_session(
        session_id=session.pk,
        actor=actor,
        starts_at=starts_at,
        duration_minutes=minutes,
        reason=reason,
    )


def call_off(session, actor, reason=WHY):
    return cancel_session(session_id=session.pk, actor=actor, reason=reason)


class TestMoved:
    def test_by_both_clocks_across_their_change(self, enrolled, single, teacher, session):
        move(session, teacher)
        notice = told(enrolled, "session_moved")
        enrollment = enrolled.courseenrollments.get()
        way_out = f"/learning/courses/{enrollment.pk}/sessions/{session.pk}/hand-back/"
        assert mailed(notice) == [
            "Moved: 1. A lesson, now Mon 29 Mar 2027, 19:00 CEST",
            "Your teacher changed the time of a session that you booked. If that doesn't suit you, "
            "return it for a refund until it starts.",
            "Course: Spanish to go",
            "Session: 1. A lesson",
            "New time: Mon 29 Mar 2027, 19:00–20:00 CEST",
            "For your teacher: Mon 29 Mar 2027, 13:00–14:00 EDT",
            "Old time: Sat 27 Mar 2027, 18:00–19:00 CET",
            "You paid: $40.00",
            "Sofía:",
            f"> {WHY}",
            "Return it for a refund:",
            way_out,
        ]
        assert words_of(notice) == (
            "“1. A lesson” in “Spanish to go” has moved from Sat 27 Mar 2027, 18:00–19:00 CET to "
            f"Mon 29 Mar 2027, 19:00–20:00 CEST. Sofía: “{WHY}”"
        )
        assert notice.must_acknowledge
        assert (notice.course_id, notice.session_id) == (session.course_id, session.pk)
        assert notice.until == AFTER

        other = letter_of(told(single, "session_moved"))
        purchase = single.sessionpurchases.get()
        assert "New time: Mon 29 Mar 2027, 13:00–14:00 EDT" in mailed(told(single, "session_moved"))
        assert "For your teacher" not in dict(other.rows), "their clocks show the same"
        assert other.button.path == f"/learning/sessions/{purchase.pk}/cancel/"
        assert not Notice.objects.filter(reader=teacher, kind="teaching_changed").exists()

    def test_in_one_insert_however_many_they_are(self, course, teacher, session):
        for _ in range(3):
            enroll_full_course(student=student_with_credit("80.00"), course_id=course.pk)
        with CaptureQueriesContext(connection) as asked:
            move(session, teacher)
        assert len([sql for sql in asked if sql["sql"].startswith("INSERT INTO")]) == 1
        assert Notice.objects.filter(kind="session_moved").count() == 3

    def test_each_move_is_told_once(self, enrolled, teacher, session):
        for start in (AFTER, AFTER, AFTER + DAY):
            move(session, teacher, start)
        assert was_told(enrolled, "session_moved") == 2

    def test_back_to_where_it_was_nothing_can_be_returned(self, enrolled, teacher, session):
        for start in (AFTER, BEFORE):
            move(session, teacher, start)
        latest = Notice.objects.filter(reader=enrolled, kind="session_moved").latest("pk")
        assert "return it" not in letter_of(latest).lead
        assert letter_of(latest).button.path == "/learning/"

    def test_only_longer_is_a_move_as_well(self, enrolled, teacher, session):
        move(session, teacher, BEFORE, 90)
        assert "New time: Sat 27 Mar 2027, 18:00–19:30 CET" in mailed(
            told(enrolled, "session_moved")
        )

    def test_other_words_tell_nobody(self, enrolled, teacher, session):
        change_session(session_id=session.pk, actor=teacher, title="Hola", reason=WHY)
        assert was_told(enrolled, "session_moved") == 0

    def test_whoever_left_is_not_told(self, enrolled, teacher, session):
        cancel_enrollment(student=enrolled, enrollment_id=enrolled.courseenrollments.get().pk)
        move(session, teacher)
        assert was_told(enrolled, "session_moved") == 0

    def test_a_teacher_of_that_name_does_not_speak_as_our_staff(self, enrolled, teacher, session):
        teacher.display_name = "Our staff"
        teacher.save()
        move(session, teacher)
        assert letter_of(told(enrolled, "session_moved")).lead.startswith("Your teacher changed")

    def test_by_staff_the_teacher_is_told_too(self, enrolled, teacher, session):
        move(session, StaffFactory(display_name="Grace"))
        letter = letter_of(told(enrolled, "session_moved"))
        assert letter.lead.startswith("Our staff changed the time")
        assert letter.quote.by == "Our staff"
        notice = told(teacher, "teaching_changed")
        assert mailed(notice) == [
            "Our staff moved your session 1. A lesson",
            "Our staff moved a session that you teach. Its students have been told.",
            "Course: Spanish to go",
            "Session: 1. A lesson",
            "Time: Mon 29 Mar 2027, 13:00–14:00 EDT",
            "Our staff:",
            f"> {WHY}",
            "Open the session:",
            f"/teaching/sessions/{session.pk}/",
        ]
        assert words_of(notice) == (
            "Our staff moved “1. A lesson” in “Spanish to go”, Mon 29 Mar 2027, 13:00–14:00 EDT. "
            f"Our staff: “{WHY}”"
        )


class TestCalledOff:
    def test_why_and_what_comes_back(self, enrolled, single, teacher, session):
        call_off(session, teacher)
        notice = told(enrolled, "session_called_off")
        assert mailed(notice) == [
            "Cancelled: 1. A lesson, Sat 27 Mar 2027, 18:00 CET",
            "Your teacher cancelled a session that you booked. $40.00 is refunded.",
            "Course: Spanish to go",
            "Session: 1. A lesson",
            "Time: Sat 27 Mar 2027, 18:00–19:00 CET",
            "Refunded: $40.00",
            "Sofía:",
            f"> {WHY}",
            "Open My learning:",
            "/learning/",
        ]
        assert words_of(notice) == (
            "“1. A lesson” in “Spanish to go” on Sat 27 Mar 2027, 18:00–19:00 CET was cancelled. "
            f"$40.00 is refunded. Sofía: “{WHY}”"
        )
        assert notice.must_acknowledge
        assert "Refunded: $16.00" in mailed(told(single, "session_called_off"))
        assert was_told(teacher, "teaching_changed") == 0
        assert credit_of(enrolled) == 60

    def test_once_also_where_a_crash_left_the_refunds(
        self, enrolled, teacher, session, monkeypatch
    ):
        with monkeypatch.context() as crash:
            crash.setattr(sessions, "refund_cancelled_session", None)
            with pytest.raises(TypeError):
                call_off(session, teacher)
        assert credit_of(enrolled) == 20
        list(settle_all())
        call_off(session, teacher, reason="Another one")
        assert credit_of(enrolled) == 60
        assert letter_of(told(enrolled, "session_called_off")).quote.words == WHY

    def test_what_came_for_nothing_gives_nothing_back(self, enrolled, course, teacher):
        added = extend_course(course, starts_at=AFTER)
        call_off(added, teacher, reason="")
        notice = told(enrolled, "session_called_off")
        assert words_of(notice).endswith("20:00 CEST was cancelled.")
        assert letter_of(notice).quote is None

    def test_by_staff_while_it_runs(self, enrolled, teacher, session):
        start_session(session)
        call_off(session, StaffFactory())
        assert letter_of(told(enrolled, "session_called_off")).lead.startswith(
            "Our staff cancelled"
        )
        assert words_of(told(teacher, "teaching_changed")).startswith("Our staff cancelled “1.")


def test_an_added_session(enrolled, single, course):
    added = extend_course(course, starts_at=AFTER)
    notice = told(enrolled, "session_added")
    assert mailed(notice) == [
        "Added to your course: 3. A lesson, Mon 29 Mar 2027, 19:00 CEST",
        "Your teacher added a session to a course that you booked. You pay nothing for it.",
        "Course: Spanish to go",
        "Session: 3. A lesson",
        "Time: Mon 29 Mar 2027, 19:00–20:00 CEST",
        "Open the course:",
        f"/courses/{course.pk}/",
    ]
    assert words_of(notice) == (
        "“3. A lesson” was added to “Spanish to go”, on Mon 29 Mar 2027, 19:00–20:00 CEST. "
        "You pay nothing for it."
    )
    assert notice.session_id == added.pk
    assert was_told(single, "session_added") == 0


def test_sessions_added_at_once_are_told_once(enrolled, single, course):
    new = [NewSession(f"Lesson {n}", AFTER + n * DAY, 60) for n in range(22)]
    add_sessions(course_id=course.pk, actor=course.teacher, new=new)
    notice = told(enrolled, "sessions_added")
    letter = mailed(notice)
    assert letter[:5] == [
        "Added to your course: 22 sessions",
        "Your teacher added 22 sessions to a course that you booked. You pay nothing for them.",
        "Course: Spanish to go",
        "3. Lesson 0: Mon 29 Mar 2027, 19:00–20:00 CEST",
        "4. Lesson 1: Tue 30 Mar 2027, 19:00–20:00 CEST",
    ]
    assert letter[-3:] == ["And: 2 more sessions", "Open the course:", f"/courses/{course.pk}/"]
    assert words_of(notice) == (
        "22 sessions were added to “Spanish to go”, the first on Mon 29 Mar 2027, 19:00–20:00 "
        "CEST. You pay nothing for them."
    )
    assert was_told(enrolled, "session_added") == was_told(single, "sessions_added") == 0


def test_sessions_moved_at_once_are_told_once(enrolled, single, course, teacher):
    starts = {one.pk: one.starts_at + 7 * DAY for one in course.sessions.all()}
    move_sessions(course_id=course.pk, actor=teacher, starts=starts, reason=WHY)
    notice = told(enrolled, "sessions_moved")
    assert mailed(notice) == [
        "Moved: 2 sessions of Spanish to go",
        "Your teacher changed the time of 2 sessions that you booked. If a new time doesn't suit "
        "you, return that session for a refund until it starts.",
        "Course: Spanish to go",
        "1. A lesson: Sat 3 Apr 2027, 19:00–20:00 CEST (before: Sat 27 Mar 2027, 18:00–19:00 CET; "
        "for your teacher: Sat 3 Apr 2027, 13:00–14:00 EDT)",
        "2. A lesson: Sun 4 Apr 2027, 19:00–20:00 CEST (before: Sun 28 Mar 2027, 19:00–20:00 CEST; "
        "for your teacher: Sun 4 Apr 2027, 13:00–14:00 EDT)",
        "Sofía:",
        f"> {WHY}",
        "Open My learning:",
        "/learning/",
    ]
    assert words_of(notice) == (
        "2 sessions of “Spanish to go” have moved. “1. A lesson” is now on Sat 3 Apr 2027, "
        f"19:00–20:00 CEST. Sofía: “{WHY}”"
    )
    other = told(single, "sessions_moved")
    assert words_of(other).startswith("1 session of")
    assert "for your teacher" not in "".join(mailed(other)), "their clocks show the same"
    assert (notice.must_acknowledge, was_told(enrolled, "session_moved")) == (True, 0)


def test_sessions_moved_at_once_by_staff_are_told_to_the_teacher(enrolled, course, teacher):
    """Once for all: those that nobody booked, too."""
    extend_course(course, starts_at=AFTER)
    first, _, unbooked = course.sessions.all()
    cancel_enrollment(student=enrolled, enrollment_id=enrolled.courseenrollments.get().pk)
    purchase_session(student=enrolled, session_id=first.pk)
    starts = {one.pk: one.starts_at + 7 * DAY for one in (first, unbooked)}
    for _ in range(2):
        move_sessions(course_id=course.pk, actor=StaffFactory(), starts=starts, reason=WHY)
    notice = told(teacher, "teaching_moved")
    assert mailed(notice) == [
        "Our staff moved 2 sessions of Spanish to go",
        "Our staff changed the time of 2 sessions that you teach. Their students have been told.",
        "Course: Spanish to go",
        "1. A lesson: Sat 3 Apr 2027, 13:00–14:00 EDT (before: Sat 27 Mar 2027, 13:00–14:00 EDT)",
        "3. A lesson: Mon 5 Apr 2027, 13:00–14:00 EDT (before: Mon 29 Mar 2027, 13:00–14:00 EDT)",
        "Our staff:",
        f"> {WHY}",
        "Open the course:",
        f"/teaching/courses/{course.pk}/",
    ]
    assert words_of(notice) == (
        "Our staff moved 2 sessions of “Spanish to go”. “1. A lesson” is now on Sat 3 Apr 2027, "
        f"13:00–14:00 EDT. Our staff: “{WHY}”"
    )
    assert was_told(enrolled, "sessions_moved") == 1


def test_sessions_moved_at_once_by_their_teacher_are_no_news_to_them(course, teacher):
    starts = {one.pk: one.starts_at + DAY for one in course.sessions.all()}
    move_sessions(course_id=course.pk, actor=teacher, starts=starts)
    assert was_told(teacher, "teaching_moved") == 0
