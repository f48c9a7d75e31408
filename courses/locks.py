"""Locks on courses and sessions: the order in docs/money.md begins with them."""

from collections.abc import Sequence
from uuid import UUID

from common.locks import Rank, take
from courses import queries
from courses.models import Course, CourseSession


def lock_course(course_id: UUID) -> Course | None:
    """Lock a course, with its terms, seats and sessions; gives it if it exists."""
    take(Rank.COURSE, course_id)
    return next(iter(queries.lock_course(course_id)), None)


def claim_courses(keys: Sequence[UUID]) -> list[Course]:
    """Lock those of these courses, by ascending key, that nothing else has locked; gives them."""
    courses = list(Course.objects.claimed().filter(pk__in=keys).order_by("pk"))
    take(Rank.COURSE, *(course.pk for course in courses))
    return courses


def lock_course_of(session_id: UUID) -> None:
    """Lock the course of a session, but not the session's own row."""
    for [course_id] in queries.lock_course_of(session_id):
        take(Rank.COURSE, course_id)


def lock_session(session_id: UUID) -> CourseSession | None:
    """Lock a session and give it if it exists."""
    take(Rank.SESSION, session_id)
    return CourseSession.objects.locked().filter(pk=session_id).first()


def lock_sessions(course_id: UUID) -> list[CourseSession]:
    """Lock all sessions of a course, by ascending key, and give them."""
    sessions = list(CourseSession.objects.locked().filter(course=course_id).order_by("pk"))
    take(Rank.SESSION, *(session.pk for session in sessions))
    return sessions


def claim_session(session_id: UUID) -> CourseSession | None:
    """Lock a session and give it, unless something else has locked it."""
    take(Rank.SESSION, session_id)
    return CourseSession.objects.claimed().filter(pk=session_id).first()
