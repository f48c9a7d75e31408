"""A teacher as everyone sees them: who they are, and what the rows know of their sessions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, Case, Count, Exists, Min, OuterRef, Q, QuerySet, When

from accounts.models import Introduction, User
from common.errors import NotFound
from courses.models import Course, CourseSession
from payments.models import HoldPart
from payments.reasons import Reason


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a teacher's sessions that somebody had booked; `since` is the first held.

    `held` are those for which the teacher was paid: somebody came. `moved` take or took place at
    another time than somebody bought, and `called_off` were refunded to somebody who had them.
    """

    since: datetime | None
    held: int
    moved: int
    called_off: int


@dataclass(frozen=True, slots=True)
class ShownTeacher:
    """`languages` are those of their courses that are listed."""

    user: User
    introduction: Introduction
    languages: list[str]
    record: Record

    @property
    def is_listed(self) -> bool:
        """Whether anyone may come across one of their courses."""
        return bool(self.languages)


def find_teacher(key: UUID) -> ShownTeacher:
    """An active teacher; raises `NotFound` for anybody else. Four statements."""
    user = User.objects.filter(pk=key, is_active=True, is_teacher=True).first()
    if user is None:
        raise NotFound
    introduction = Introduction.objects.filter(user=user).first() or Introduction(user=user)
    listed = Course.objects.listed().filter(teacher=user).order_by("language")
    languages = [*listed.values_list("language", flat=True).distinct()]
    return ShownTeacher(user, introduction, languages, record_of(user))


def record_of(teacher: User) -> Record:
    """Reads two entries of indexes for each session, and rows of those moved or called off."""
    parts = HoldPart.objects.filter(session=OuterRef("pk"))
    off = Q(status=CourseSession.Status.CANCELLED)
    as_bought = Q(sold_starts_at=OuterRef("starts_at"))
    refunded = parts.filter(status=HoldPart.Status.REFUNDED, reason=Reason.SESSION_CANCELLED)
    known = CourseSession.objects.filter(course__teacher=teacher).annotate(
        was_held=Exists(parts.filter(status=HoldPart.Status.RELEASED)),
        was_called_off=_where(off, refunded),
        was_moved=_where(~off & Q(rescheduled_at__isnull=False), parts.exclude(as_bought)),
    )
    names = ("held", "moved", "called_off")
    counted = {name: Count("pk", filter=Q(**{f"was_{name}": True})) for name in names}
    since = Min("starts_at", filter=Q(was_held=True))
    return Record(**known.aggregate(since=since, **counted))


def _where(may_be: Q, parts: QuerySet[HoldPart]) -> Case:
    """Whether there is such a part, looked for where that is possible."""
    return Case(When(may_be, then=Exists(parts)), default=False, output_field=BooleanField())
