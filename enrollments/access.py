"""May this user enter a session: the only answer, with its reason."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Count

from accounts.models import User
from common.errors import NotFound
from courses.models import Course, CourseSession
from enrollments import queries
from enrollments.rows import SessionToEnter
from payments.models import HoldPart
from payments.queries import STILL_BOUGHT
from rooms.livekit import Join


class AccessReason(models.TextChoices):
    TEACHER = "teacher"
    ENROLLED = "enrolled"
    PURCHASED = "purchased"
    NOT_PURCHASED = "not_purchased"
    CANCELLED = "cancelled"
    SESSION_CANCELLED = "session_cancelled"


_ADMITTING = {AccessReason.TEACHER, AccessReason.ENROLLED, AccessReason.PURCHASED}


@dataclass(frozen=True, slots=True)
class Access:
    """The room is open from `opens_at` to `closes_at`; `join` is the pass, if requested.

    Its teacher may have `removed` the user, let them share the screen, or ended the session early:
    none of that changes the reason.
    """

    reason: AccessReason
    opens_at: datetime
    closes_at: datetime
    join: Join | None = None
    removed: bool = False
    may_share: bool = False
    ended_early: bool = False

    @property
    def has_access(self) -> bool:
        return self.reason in _ADMITTING


def access_of(found: SessionToEnter, user: User) -> Access:
    """The user's access to a session, given what they bought of it."""
    session, reason = found.session, _reason(found, user)
    return Access(
        reason,
        session.opens_at,
        session.ends_at,
        removed=found.removed,
        may_share=found.may_share or reason == AccessReason.TEACHER,
        ended_early=found.ended_early,
    )


def admitted(session: CourseSession, users: Collection[UUID]) -> set[UUID]:
    """Which of these users may be in a session's room, its teacher included; one statement.

    By the rule of `access_of`, as things stand now; none once it is called off, and nobody who was
    removed from the room or is deactivated.
    """
    return {key for (key,) in queries.admitted(session.pk, [*users])}


def members_of(session: CourseSession) -> dict[UUID, str]:
    """The names of all who have access to a session, its teacher first; one statement.

    The session comes with its course and teacher. Those who were removed are among them.
    """
    teacher = session.course.teacher
    return {teacher.pk: teacher.display_name, **dict(queries.students_with(session.pk))}


def most_admitted(course: Course, now: datetime) -> int:
    """How many students have access to the fullest of a course's sessions that are not over."""
    sessions = course.sessions.not_over(now).order_by()
    bought = HoldPart.objects.filter(STILL_BOUGHT, session__in=sessions).values("session")
    students = bought.annotate(n=Count("hold__student", distinct=True))
    return max(students.values_list("n", flat=True), default=0)


def find_access(*, user: User, session_id: UUID) -> tuple[CourseSession, Access]:
    """A session with its course, and the user's access to it; raises `NotFound` if hidden.

    One statement.
    """
    found = queries.session_to_enter(session_id, user.pk)
    if not (found and found[0].session.course.is_visible_to(user)):
        raise NotFound
    return found[0].session, access_of(found[0], user)


def _reason(found: SessionToEnter, user: User) -> AccessReason:
    session = found.session
    if session.status == CourseSession.Status.CANCELLED:
        return AccessReason.SESSION_CANCELLED
    if session.course.teacher_id == user.pk:
        return AccessReason.TEACHER
    if found.by_enrollment:
        return AccessReason.ENROLLED
    if found.by_purchase:
        return AccessReason.PURCHASED
    once_bought = (found.by_enrollment, found.by_purchase) != (None, None)
    return AccessReason.CANCELLED if once_bought else AccessReason.NOT_PURCHASED
