"""May this user enter a session: the sole answer, with its reason."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q

from accounts.models import User
from common.errors import NotFound
from common.prepared import prepared
from courses.models import Course, CourseSession, ending
from payments.models import HoldPart


class AccessReason(models.TextChoices):
    TEACHER = "teacher"
    ENROLLED = "enrolled"
    PURCHASED = "purchased"
    NOT_PURCHASED = "not_purchased"
    CANCELLED = "cancelled"
    SESSION_CANCELLED = "session_cancelled"


_ADMITTING = {AccessReason.TEACHER, AccessReason.ENROLLED, AccessReason.PURCHASED}
# A share that came back once the session was over does not undo having bought it; one that came
# back before ends the right to be there, whoever gave it.
STILL_BOUGHT = Q(status__in=[HoldPart.Status.PENDING, HoldPart.Status.RELEASED]) | Q(
    settled_at__gte=ending("session__")
)


@dataclass(frozen=True)
class Access:
    """`opens_at` to `closes_at` is when the room may be joined."""

    reason: AccessReason
    opens_at: datetime
    closes_at: datetime

    @property
    def has_access(self) -> bool:
        return self.reason in _ADMITTING


def with_access_of(sessions: models.QuerySet, user: User | UUID) -> models.QuerySet:
    """Annotate sessions with what `access_of` needs to know about the user."""
    parts = HoldPart.objects.filter(session=OuterRef("pk"))
    # Found by what the user has of this course: a crowded session has thousands of parts.
    enrolled = parts.filter(
        hold__enrollment__user=user, hold__enrollment__course=OuterRef("course")
    )
    single = parts.filter(
        hold__session_purchase__user=user, hold__session_purchase__session=OuterRef("pk")
    )
    return sessions.annotate(
        by_enrollment=Exists(enrolled.filter(STILL_BOUGHT)),
        by_purchase=Exists(single.filter(STILL_BOUGHT)),
        once_bought=Exists(enrolled) | Exists(single),
    )


def access_of(session: Any, user: User) -> Access:
    """The user's access to a session from `with_access_of`, its course at hand."""
    return Access(_reason(session, user), session.opens_at, session.ends_at)


def admitted(session: CourseSession, users: Collection[UUID]) -> set[UUID]:
    """Which of these users have access to a session, its teacher included; one statement.

    By the rule of `access_of`, as things stand now: nobody once it is called off.
    """
    if not users:
        return set()
    return {key for (key,) in _admitted(session.pk, [*users])}


def most_admitted(course: Course, now: datetime) -> int:
    """How many students have access to the fullest of a course's sessions that are not over."""
    sessions = course.sessions.not_over(now).order_by()
    bought = HoldPart.objects.filter(STILL_BOUGHT, session__in=sessions).values("session")
    students = bought.annotate(n=Count("hold__student", distinct=True))
    return max(students.values_list("n", flat=True), default=0)


def find_session(*, user: User, session_id: UUID) -> Any:
    """A session for `access_of`, with its course; one statement. Raises `NotFound` if hidden."""
    found = _session_with_access(session_id, user.pk)
    if not (found and found[0].course.is_visible_to(user)):
        raise NotFound
    return found[0]


@prepared
def _session_with_access(session: UUID, user: UUID) -> models.QuerySet:
    sessions = CourseSession.objects.select_related("course")
    return with_access_of(sessions, user).filter(pk=session)


@prepared
def _admitted(session: UUID, users: list[UUID]) -> models.QuerySet:
    takes_place = CourseSession.objects.exclude(status=CourseSession.Status.CANCELLED)
    teacher = takes_place.filter(pk=session, course__teacher=OuterRef("pk"))
    bought = HoldPart.objects.filter(
        STILL_BOUGHT, session__pk=session, hold__student=OuterRef("pk")
    ).exclude(session__status=CourseSession.Status.CANCELLED)
    allowed = User.objects.filter(Exists(teacher) | Exists(bought), pk__in=users)
    return allowed.values_list("pk")


def _reason(session: Any, user: User) -> AccessReason:
    if session.status == CourseSession.Status.CANCELLED:
        return AccessReason.SESSION_CANCELLED
    if session.course.teacher_id == user.pk:
        return AccessReason.TEACHER
    if session.by_enrollment:
        return AccessReason.ENROLLED
    if session.by_purchase:
        return AccessReason.PURCHASED
    return AccessReason.CANCELLED if session.once_bought else AccessReason.NOT_PURCHASED
