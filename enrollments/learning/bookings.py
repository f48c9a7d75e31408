"""What a student has booked, as shown on their page: upcoming, past or cancelled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db import models

from accounts.models import User
from common.errors import NotFound
from courses.models import Course, CourseSession
from enrollments import queries
from enrollments.learning.timeline import Step, has_changed, timeline_of
from enrollments.models import CourseEnrollment, EnrollmentStatus, SessionPurchase
from enrollments.queries import MOST_BOOKINGS
from enrollments.rules import comes_back
from payments.models import HoldPart, PaymentHold
from payments.outcomes import summary_of
from payments.queries import holds_with_course, parts_with_session
from rooms.attendance import attendance_in

# A hold with its parts.
Booked = tuple[PaymentHold, Sequence[HoldPart]]


class Shelf(models.TextChoices):
    UPCOMING = "upcoming"
    PAST = "past"
    CANCELLED = "cancelled"


class Badge(NamedTuple):
    word: str
    tone: str


_BADGES = {
    "cancelled": Badge("Cancelled", "off"),
    "completed": Badge("Completed", "good"),
    "attended": Badge("Attended", "good"),
    "missed": Badge("Missed", "warn"),
}


@dataclass(frozen=True)
class Entry:
    """A full course or single session that a student bought, as it stands at `now`.

    Its parts are sorted by time.
    """

    hold: PaymentHold
    parts: Sequence[HoldPart]
    now: datetime
    there: Mapping[UUID, timedelta]

    @property
    def bought(self) -> CourseEnrollment | SessionPurchase:
        found = self.hold.enrollment or self.hold.session_purchase
        assert found
        return found

    @property
    def course(self) -> Course:
        return self.bought.course

    @cached_property
    def next_session(self) -> CourseSession | None:
        """The session that can be joined next, or is running."""
        admitting = (part.session for part in self.parts if _admits(part, self.now))
        return min(admitting, key=lambda session: session.starts_at, default=None)

    @property
    def was_upgraded(self) -> bool:
        """Whether it became part of a full course."""
        return any(part.reason == HoldPart.Reason.FOLDED for part in self.parts)

    @property
    def is_running(self) -> bool:
        return self.next_session is not None and self.next_session.runs(self.now)

    @property
    def last_session(self) -> CourseSession:
        return max((part.session for part in self.parts), key=lambda session: session.starts_at)

    @cached_property
    def changed_parts(self) -> Sequence[HoldPart]:
        return [part for part in self.parts if has_changed(part, self.now)]

    @property
    def can_be_joined(self) -> bool:
        session = self.next_session
        return session is not None and session.opens_at <= self.now

    @property
    def can_be_cancelled(self) -> bool:
        """Whether there is something left to cancel: once all is over, cancelling only costs."""
        if self.hold.enrollment:
            active = self.hold.enrollment.status == EnrollmentStatus.ACTIVE
            return active and self.next_session is not None
        return any(comes_back(part, self.now) for part in self.parts)

    @cached_property
    def badge(self) -> Badge:
        """Its status as a word, and the colour beside it."""
        if self.was_upgraded:
            return Badge("Upgraded", "info")
        if self.bought.status in _BADGES:
            return _BADGES[self.bought.status]
        if any(p.review_reason and p.status == HoldPart.Status.PENDING for p in self.parts):
            return Badge("Under review", "warn")
        if self.next_session is None:
            return Badge("To be settled", "info")
        return Badge("Running now", "good") if self.is_running else Badge("Booked", "info")

    @property
    def timeline(self) -> Sequence[Step]:
        return timeline_of(self.hold, self.parts, now=self.now, there=self.there)

    @property
    def money(self) -> str:
        return summary_of(self.hold)


def shelves_of(user: User, now: datetime) -> tuple[dict[Shelf, list[UUID]], bool]:
    """The holds of the user's newest bookings by shelf, and whether there are older ones.

    The next come first, or else the newest. One statement.
    """
    found = queries.bookings_of(user.pk, now)
    shelves: dict[Shelf, list[tuple[datetime | None, UUID]]] = {shelf: [] for shelf in Shelf}
    for key, starts_at, is_cancelled in found[:MOST_BOOKINGS]:
        going_on = Shelf.UPCOMING if starts_at else Shelf.PAST
        shelves[Shelf.CANCELLED if is_cancelled else going_on].append((starts_at, key))
    shelves[Shelf.UPCOMING].sort()
    keys = {shelf: [key for _, key in booked] for shelf, booked in shelves.items()}
    return keys, len(found) > MOST_BOOKINGS


def entries_of(keys: Sequence[UUID], now: datetime) -> list[Entry]:
    """The bookings of these holds of one student, in this order.

    At most four statements: who was in a session is asked for singles alone, because the timeline
    of a course has an address of its own.
    """
    found = _with_parts(keys)
    there = _attended([(hold, parts) for hold, parts in found if hold.session_purchase_id], now)
    return [Entry(hold, parts, now, there) for hold, parts in found]


def enrollment_entry(user: User, enrollment_id: UUID, now: datetime) -> Entry:
    """One of the user's own enrolments, with its timeline; anyone else's raises `NotFound`."""
    mine = PaymentHold.objects.of(user).filter(enrollment=enrollment_id)
    found = _with_parts(mine.values_list("pk", flat=True))
    if not found:
        raise NotFound
    [(hold, parts)] = found
    return Entry(hold, parts, now, _attended(found, now))


def _with_parts(keys: Iterable[UUID]) -> list[Booked]:
    """Each of these holds with its parts by time; two statements."""
    keys = [*keys]
    holds = {hold.pk: hold for hold in holds_with_course(keys)}
    parts: dict[UUID, list[HoldPart]] = {key: [] for key in keys}
    for part in parts_with_session(keys):
        parts[part.hold_id].append(part)
    return [(holds[key], sorted(parts[key], key=lambda part: part.session.when)) for key in keys]


def _attended(booked: Sequence[Booked], now: datetime) -> dict[UUID, timedelta]:
    """How long their student was in each session that has begun; two statements if any has."""
    sessions = [part.session for _, parts in booked for part in parts]
    begun = [session for session in sessions if session.has_started(now)]
    present = attendance_in(begun, users={hold.student_id for hold, _ in booked})
    return {session: presence.time for (session, _), presence in present.items()}


def _admits(part: HoldPart, now: datetime) -> bool:
    return part.status != HoldPart.Status.REFUNDED and part.session.lasts(now)
