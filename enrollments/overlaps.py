"""What a student holds elsewhere while a session takes place."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from common.shapes import Json
from courses.models import CourseSession
from payments.models import HoldPart


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
