"""What statements find: sessions with what a user has of them, and what a user paid for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from common.shapes import Json
from courses.models import CourseSession
from payments.models import HoldPart


@dataclass(frozen=True)
class SessionOnSale:
    """A session, its course and teacher at hand, and what a user has of it.

    `taken` are the seats of singles, counted if seats are limited. `mine` means a live purchase of
    it, `enrolled` a live enrolment in its course, and `included` that the enrolment still pays for
    it. For a guest they keep their defaults. `wallet_id` is set for who is about to buy it.
    """

    session: CourseSession
    taken: int = 0
    mine: bool = False
    enrolled: bool = False
    included: bool = False
    wallet_id: UUID | None = None


@dataclass(frozen=True)
class SessionToEnter:
    """A session, its course at hand, and what a user has bought of it.

    `by_enrollment` and `by_purchase` are None for what was never bought, and True while it gives
    access. What the teacher has ordered in its room is asked for by who wants to enter it.
    """

    session: CourseSession
    by_enrollment: bool | None = None
    by_purchase: bool | None = None
    removed: bool = False
    may_share: bool = False
    ended_early: bool = False


@dataclass(frozen=True)
class SessionShown(SessionToEnter, SessionOnSale):
    """Both."""


@dataclass(frozen=True)
class PartOfMine:
    """What a user paid for a session; when it is, while they hold it and it takes place."""

    part: HoldPart
    starts_at: datetime | None = None
    minutes: int | None = None

    @classmethod
    def of(cls, part: HoldPart, *, when: Json | None) -> Self:
        """As a statement finds it, which tells the time of a session in UTC."""
        if when is None or part.status != HoldPart.Status.PENDING:
            return cls(part)
        starts_at = datetime.fromisoformat(when["starts_at"]).replace(tzinfo=UTC)
        return cls(part, starts_at, when["minutes"])

    @property
    def ends_at(self) -> datetime | None:
        if self.starts_at is None or self.minutes is None:
            return None
        return self.starts_at + timedelta(minutes=self.minutes)

    def overlaps(self, session: CourseSession) -> bool:
        """Whether it takes place during another session."""
        if self.starts_at is None or self.ends_at is None or self.part.session_id == session.pk:
            return False
        return self.starts_at < session.ends_at and session.starts_at < self.ends_at
