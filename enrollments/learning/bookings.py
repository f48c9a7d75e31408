"""What a student has booked, as shown on their page: upcoming, past or cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)

from accounts.models import User
from common.errors import NotFound
from courses.models import Course, CourseSession, ending
from enrollments.learning.timeline import Step, has_changed, timeline_of
from enrollments.models import CourseEnrollment, EnrollmentStatus, PurchaseStatus, SessionPurchase
from enrollments.rules import comes_back
from payments.models import HoldPart, HoldQuerySet, PaymentHold
from payments.outcomes import summary_of
from rooms.attendance import attendance_in

# So many bookings of a student are on the shelves: more than anybody has, and no page reads more.
MOST = 1_000


class Shelf(models.TextChoices):
    UPCOMING = "upcoming"
    PAST = "past"
    CANCELLED = "cancelled"


_CANCELLED = Q(enrollment__status=EnrollmentStatus.CANCELLED) | Q(
    session_purchase__status=PurchaseStatus.CANCELLED, upgraded=False
)
_SHELVES = {
    Shelf.UPCOMING: ~_CANCELLED & Q(next_starts_at__isnull=False),
    Shelf.PAST: ~_CANCELLED & Q(next_starts_at__isnull=True),
    Shelf.CANCELLED: _CANCELLED,
}


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
    """A full course or single session that a student bought, as it stands at `now`."""

    hold: PaymentHold
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
    def parts(self) -> Sequence[HoldPart]:
        """By time."""
        return sorted(self.hold.parts.all(), key=lambda part: part.session.when)

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


def bookings_of(user: User, now: datetime) -> HoldQuerySet:
    """The holds of the user's bookings, each with `next_starts_at`: when it continues, if it does.

    Each also says whether it is a single that was `upgraded` to a full course.
    """
    to_come = (
        HoldPart.objects.filter(hold=OuterRef("pk"))
        .exclude(status=HoldPart.Status.REFUNDED)
        .exclude(session__status=CourseSession.Status.CANCELLED)
        .annotate(ends_at=ending("session__"))
        .filter(ends_at__gt=now)
        .order_by("session__starts_at")
    )
    starts = Subquery(to_come.values("session__starts_at")[:1])
    folded = HoldPart.objects.filter(hold=OuterRef("pk"), reason=HoldPart.Reason.FOLDED)
    mine = PaymentHold.objects.filter(student=user)
    return mine.annotate(next_starts_at=starts, upgraded=Exists(folded))


def newest_bookings_of(user: User, now: datetime) -> tuple[HoldQuerySet, bool]:
    """The newest `MOST` `bookings_of` a user, and whether there are older ones.

    One statement, in an index. Those of the same moment as the last are among them.
    """
    times = PaymentHold.objects.of(user).newest_first().values_list("held_at", flat=True)
    bookings, last = bookings_of(user, now), list(times[MOST - 1 : MOST + 1])
    return (bookings.filter(held_at__gte=last[0]), True) if last[1:] else (bookings, False)


def count_shelves(bookings: HoldQuerySet) -> dict[str, int]:
    """How many of these `bookings_of` a user are on each shelf, in one statement."""
    shelves = [When(where, then=Value(shelf.value)) for shelf, where in _SHELVES.items()]
    shelved = bookings.annotate(shelf=Case(*shelves, output_field=CharField()))
    counted = shelved.values_list("shelf").annotate(bookings=Count("pk")).order_by()
    return dict.fromkeys(Shelf.values, 0) | dict(counted)


def on_shelf(bookings: HoldQuerySet, shelf: Shelf) -> HoldQuerySet:
    """Those on one shelf, with all that an `Entry` shows; the next, or the newest, come first."""
    order = ["next_starts_at", "pk"] if shelf == Shelf.UPCOMING else ["-held_at", "-pk"]
    return _with_all(bookings.filter(_SHELVES[shelf])).order_by(*order)


def entries_of(holds: Sequence[PaymentHold], now: datetime) -> list[Entry]:
    """The bookings of these holds of one student, from `on_shelf`.

    At most two statements: who was in a session is asked for singles alone, because the timeline of
    a course has an address of its own.
    """
    singles = [hold for hold in holds if hold.session_purchase_id]
    there = _attended(singles, now)
    return [Entry(hold, now, there) for hold in holds]


def enrollment_entry(user: User, enrollment_id: UUID, now: datetime) -> Entry:
    """One of the user's own enrolments, with its timeline; anyone else's raises `NotFound`."""
    mine = bookings_of(user, now).filter(enrollment=enrollment_id)
    hold = _with_all(mine).first()
    if hold is None:
        raise NotFound
    return Entry(hold, now, _attended([hold], now))


def _with_all(bookings: HoldQuerySet) -> HoldQuerySet:
    return bookings.select_related(
        "enrollment__course__teacher", "session_purchase__course__teacher"
    ).with_parts()


def _attended(holds: Sequence[PaymentHold], now: datetime) -> dict[UUID, timedelta]:
    """How long their student was in each session that has begun; two statements if any has."""
    sessions = [part.session for hold in holds for part in hold.parts.all()]
    begun = [session for session in sessions if session.has_started(now)]
    present = attendance_in(begun, users={hold.student_id for hold in holds})
    return {session: presence.time for (session, _), presence in present.items()}


def _admits(part: HoldPart, now: datetime) -> bool:
    return part.status != HoldPart.Status.REFUNDED and part.session.lasts(now)
