"""Words that several messages share, and where their notices and buttons lead."""

from datetime import datetime
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone

from common.formats import in_zone, until
from courses.models import CourseSession
from notices.kinds import Quote
from notices.models import Notice

Rows = tuple[tuple[str, str], ...]

STAFF = "Our staff"


class Slot(NamedTuple):
    """When a session is: its start, and its length in minutes."""

    starts_at: datetime
    minutes: int

    @classmethod
    def of(cls, session: CourseSession) -> "Slot":
        return cls(session.starts_at, session.duration_minutes)

    @classmethod
    def among(cls, notice: Notice, name: str = "slot") -> "Slot":
        """The one in the fact of this name."""
        return cls.stored(notice.facts[name])

    @classmethod
    def stored(cls, fact: tuple[str, int]) -> "Slot":
        """The one that a notice has as this fact."""
        start, minutes = fact
        return cls(datetime.fromisoformat(start), minutes)

    def __str__(self) -> str:
        return until(self.starts_at, self.minutes)


def elsewhere(slot: Slot, zone: str) -> str:
    """The slot on the clocks of another zone; empty if the reader's clocks show the same."""
    here = timezone.localtime(slot.starts_at).utcoffset()
    with in_zone(zone):
        there = timezone.localtime(slot.starts_at).utcoffset()
        return "" if here == there else str(slot)


def what(notice: Notice) -> str:
    """`the full course “Spanish to go”`, or one session of it."""
    course, session = f"“{notice.text('course')}”", notice.text("session")
    return f"“{session}” in {course}" if session else f"the full course {course}"


def names(notice: Notice) -> Rows:
    """Course and session as rows; only the course if it is about that."""
    session = notice.text("session")
    return (("Course", notice.text("course")), *((("Session", session),) if session else ()))


def quote(notice: Notice) -> Quote | None:
    """The reason in the words of the person who gave it, if there is one."""
    reason = notice.text("reason")
    return Quote(reason, by=notice.text("by")) if reason else None


def why(notice: Notice) -> str:
    """The same within a sentence: ` Sofía: “I have the flu”`."""
    reason = notice.text("reason")
    return f" {notice.text('by')}: “{reason}”" if reason else ""


def my_learning(notice: Notice) -> str:
    """Where a student sees what they booked."""
    return reverse("enrollments:learning")


def course_page(notice: Notice) -> str:
    """Where everyone sees the course."""
    return reverse("enrollments:course", args=[notice.course_id])


def in_teaching(notice: Notice) -> str:
    """Where a teacher sees who is coming to the session, or to the course."""
    if notice.session_id:
        return reverse("teaching:roster", args=[notice.session_id])
    return reverse("teaching:course", args=[notice.course_id])
