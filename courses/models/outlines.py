"""What lists know of the sessions of a course without reading them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from django.db import models
from django.utils.functional import cached_property

from courses.models.courses import Course, CourseSession


class OutlinedSession(NamedTuple):
    """A session as its course's outline knows it; it has no start once it is called off."""

    starts_at: datetime | None
    has_share: bool = True

    def is_open(self, now: datetime) -> bool:
        """Can still be sold: neither called off nor started by `now`."""
        return self.starts_at is not None and self.starts_at > now


class CourseOutline(models.Model):
    """What a list shows about a course's sessions, so that it doesn't have to read them.

    `starts` says when each session that shares the price starts, in order, with null for one that
    is called off. It is written whenever a session changes, and doesn't go stale.
    """

    course = models.OneToOneField(Course, models.CASCADE, primary_key=True, related_name="outline")
    sessions_count = models.PositiveIntegerField()
    starts = models.JSONField()

    class Meta:
        db_table = "course_outlines"

    def __str__(self) -> str:
        return str(self.course_id)

    @classmethod
    def of(cls, course_id: UUID, sessions: Sequence[CourseSession]) -> Self:
        """The outline of these sessions: all of the course's, in order."""
        sharing = (session for session in sessions if session.has_share)
        starts = [s.starts_at.isoformat() if s.status in s.OPEN else None for s in sharing]
        return cls(course_id=course_id, sessions_count=len(sessions), starts=starts)

    @cached_property
    def sessions(self) -> list[OutlinedSession]:
        """The sessions that share the price, in order."""
        return [OutlinedSession(datetime.fromisoformat(s) if s else None) for s in self.starts]

    def next_start(self, now: datetime) -> datetime | None:
        """When the next session that can still be sold starts."""
        starts = (session.starts_at for session in self.sessions)
        return min((start for start in starts if start and start > now), default=None)
