"""Who has which sessions of a course, and how long they were there, as one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from courses.models import Course, CourseSession, in_time
from payments.models import HoldPart
from payments.outcomes import outcome_of
from rooms.attendance import Attended, attendance_in


@dataclass(frozen=True, slots=True)
class Row:
    """A student, and a word about each session: minutes there, or what it is with their part."""

    student: User
    words: Sequence[str]


def students_of_course(course: Course) -> QuerySet[User]:
    """Everyone who has or had a part of the course, by name."""
    parts = HoldPart.objects.filter(session__course=course)
    students = parts.order_by().values("hold__student").distinct()
    return User.objects.filter(pk__in=students).order_by("display_name", "pk")


def table_of(
    course: Course, students: Sequence[User], now: datetime
) -> tuple[list[CourseSession], list[Row]]:
    """The sessions of a course by time, and a row for each of these students."""
    sessions = in_time(course.sessions.all())
    known = {session.pk: session for session in sessions}
    there = attendance_in(sessions, users=[student.pk for student in students])
    parts = HoldPart.objects.filter(session__course=course, hold__student__in=students)
    parts = parts.select_related("hold")
    words: dict[tuple[UUID, UUID], str] = {}
    for part in parts.exclude(reason=HoldPart.Reason.FOLDED).order_by("hold__held_at", "pk"):
        part.session = known[part.session_id]
        words[part.session_id, part.hold.student_id] = _word(part, there, now)
    rows = [Row(who, [words.get((one.pk, who.pk), "") for one in sessions]) for who in students]
    return sessions, rows


def _word(part: HoldPart, there: Attended, now: datetime) -> str:
    """`52 min` for who was there, otherwise `Booked`, `Refunded`, and so on."""
    presence = there.get((part.session_id, part.hold.student_id))
    if presence and presence.minutes:
        return f"{presence.minutes} min"
    if part.session.starts_at > now and part.status == HoldPart.Status.PENDING:
        return "Booked"
    return outcome_of(part, now=now).status
