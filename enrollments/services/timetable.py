"""The timetable of a course: one or many sessions added at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from common.transactions import operation
from courses.models import Course, CourseSession
from courses.services import check_sellable, lock_course, save_sessions
from enrollments.messages.timetable import tell_added
from enrollments.services import lifecycle
from enrollments.services.numbers import next_number, renumber
from enrollments.services.sessions import check_start


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to add; its length is in minutes."""

    title: str
    starts_at: datetime
    duration_minutes: int
    description: str = ""


@operation
def add_sessions(*, course_id: UUID, actor: User, new: Sequence[NewSession]) -> list[CourseSession]:
    """Add sessions to a course, all or none; live enrolments that hold a paid part get in free.

    Gives them by their numbers. Those students are told, once for all. A repeat adds others. Raises
    `StartInPast`, `TooManySessions`, `NothingToSell` if the shares of a published course would fall
    below a cent, and `NotFound` for anyone but its teacher and staff. Locks the course, its live
    enrolments and their holds.
    """
    course = lock_course(course_id=course_id, actor=actor)
    for one in new:
        check_start(one.starts_at)
    first = next_number(course, adding=len(new))
    made = CourseSession.objects.bulk_create(
        CourseSession(
            course=course,
            session_number=number,
            title=one.title,
            description=one.description,
            starts_at=one.starts_at,
            duration_minutes=one.duration_minutes,
        )
        for number, one in enumerate(sorted(new, key=lambda one: one.starts_at), first)
    )
    if course.status == Course.Status.PUBLISHED:
        check_sellable(course)
    renumber(course)
    save_sessions(course)
    added = list(course.sessions.filter(pk__in=[session.pk for session in made]))
    for session in added:
        session.course = course
    lifecycle.let_enrolled_in(course, added)
    tell_added(added, actor=actor)
    return added


def add_session(
    *,
    course_id: UUID,
    actor: User,
    title: str,
    starts_at: datetime,
    duration_minutes: int,
    description: str = "",
) -> CourseSession:
    """Add one session; repeats, refusals and locks are those of `add_sessions`."""
    one = NewSession(title, starts_at, duration_minutes, description)
    [added] = add_sessions(course_id=course_id, actor=actor, new=[one])
    return added
