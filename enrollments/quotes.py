"""What buying costs and what cancelling refunds: the arithmetic of page and deed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError
from common.money import total
from courses.models import Course, CourseOutline, CourseSession, OutlinedSession, S
from enrollments import queries
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.rows import SessionOnSale

R = TypeVar("R")


@dataclass(frozen=True)
class CourseQuote(Generic[S]):
    """What the full course costs now: a share for each session still to come, and what is folded.

    `seats_left` is None without a limit. `folded` are the buyer's own single purchases of those
    sessions, `folded_amount` what is refunded for them first, in credits. `enrolled` says that the
    buyer is already in the course: the numbers mean nothing to them.
    """

    course: Course
    shares: Sequence[tuple[S, Decimal]]
    seats_left: int | None
    folded: Sequence[SessionPurchase] = ()
    sessions_count: int = 0
    enrolled: bool = False

    @property
    def price(self) -> Decimal:
        return total(amount for _, amount in self.shares)

    @property
    def is_full(self) -> bool:
        return self.seats_left is not None and self.seats_left < 1

    @property
    def folded_amount(self) -> Decimal:
        return total(purchase.price_paid for purchase in self.folded)

    @property
    def to_pay(self) -> Decimal:
        """What leaves the wallet in the end; negative if the folded purchases cost more."""
        return self.price - self.folded_amount

    @property
    def one_by_one(self) -> Decimal | None:
        """What the sessions that the buyer doesn't have cost singly; None if not sold so."""
        each = self.course.price_per_session
        return None if each is None else each * (len(self.shares) - len(self.folded))

    @property
    def is_dearer_whole(self) -> bool:
        """Whether the same sessions cost less one by one: pages then offer only those."""
        return self.one_by_one is not None and self.one_by_one < self.to_pay

    @property
    def is_dearer_singly(self) -> bool:
        """Whether one of them costs as much as them all: pages then offer only the full course."""
        whole, each = self.course.price_full_course, self.course.price_per_session
        if whole is None or each is None or not self.shares:
            return False
        return each >= self.to_pay


@dataclass(frozen=True)
class Outlook:
    """What cancelling now would do to one part, and why: one of `rules.Fate`."""

    session_id: UUID
    paid: Decimal
    refund: Decimal
    reason: str


@dataclass(frozen=True)
class CancellationPreview:
    """The `refusal` says why cancelling is not `allowed`."""

    sessions: Sequence[Outlook]
    refusal: DomainError | None

    @property
    def code(self) -> str | None:
        return self.refusal.code if self.refusal else None

    @property
    def allowed(self) -> bool:
        return self.refusal is None

    @property
    def refund_amount(self) -> Decimal:
        return total(session.refund for session in self.sessions)


def quote_course(
    course: Course, sessions: Sequence[SessionOnSale], user: User | None, now: datetime
) -> CourseQuote[CourseSession]:
    """Price the full `course` for this user; `sessions` are all of its sessions, as sold to them.

    One statement if singles are folded.
    """
    shares, count = _shares_to_come(course, [on_sale.session for on_sale in sessions], now)
    mine = {on_sale.session.pk for on_sale in sessions if on_sale.mine}
    folds = [session.pk for session, _ in shares if session.pk in mine]
    return CourseQuote(
        course=course,
        shares=shares,
        seats_left=course_seats_left(course, sessions, now),
        folded=tuple(_singles_of(user, folds)) if folds else (),
        sessions_count=count,
        enrolled=any(on_sale.enrolled for on_sale in sessions),
    )


def quote_outlined(
    course: Course,
    outline: CourseOutline,
    seats_left: int | None,
    now: datetime,
    *,
    enrolled: bool = False,
) -> CourseQuote[OutlinedSession]:
    """The same for the outline of a course, and a user who has no single session of it."""
    shares, count = _shares_to_come(course, outline.sessions, now)
    return CourseQuote(course, shares, seats_left, sessions_count=count, enrolled=enrolled)


def _shares_to_come(
    course: Course, sessions: Iterable[S], now: datetime
) -> tuple[Sequence[tuple[S, Decimal]], int]:
    """The shares of the sessions that haven't started, and how many share the price in total."""
    shares = course.shares_of(sessions)
    return [(session, amount) for session, amount in shares if session.is_open(now)], len(shares)


def _singles_of(user: User | None, sessions: Sequence[UUID]) -> QuerySet[SessionPurchase]:
    mine = SessionPurchase.objects.live().filter(user=user, session__in=sessions)
    return mine.select_related("hold")


def course_seats_left(
    course: Course, sessions: Sequence[SessionOnSale], now: datetime
) -> int | None:
    """Seats for the full course: those of its fullest session, without the buyer's own single.

    None without a limit.
    """
    singles = (
        on_sale.taken - (on_sale.mine and not on_sale.enrolled)
        for on_sale in sessions
        if on_sale.session.is_open(now)
    )
    return seats_left(course, max(singles, default=0))


def seats_left(course: Course, singles: int) -> int | None:
    """Seats left after the enrolments and this many singles; None without a limit."""
    if course.max_students is None:
        return None
    return course.max_students - course.current_students - singles


def shown(seats: int | None) -> int | None:
    """As shown to a reader: never below zero, even if the buyer has already taken a seat."""
    return None if seats is None else max(seats, 0)


def singles_in_the_fullest(courses: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """The seats that singles take in the fullest session to come of each of these courses.

    Found by what was sold, not by the sessions; courses without sales are left out. One statement.
    """
    taken: dict[UUID, int] = {}
    for course, _, seats in queries.singles_by_session([*courses], now):
        taken[course] = max(seats, taken.get(course, 0))
    return taken


def with_seats(courses: QuerySet[Course, R]) -> QuerySet[Course, R]:
    """Those of the courses that have seats left, as `seats_left` counts them."""
    by_session = queries.singles_to_come(Q(course=OuterRef("pk")), timezone.now()).values("session")
    counted = by_session.annotate(seats=Count("pk")).order_by("-seats")
    in_the_fullest = Subquery(counted.values("seats")[:1])
    taken = F("current_students") + Coalesce(in_the_fullest, 0)
    # An index leaves out what is sold out to those who are enrolled.
    return courses.filter(Q(max_students__isnull=True) | Q(max_students__gt=taken), free=1)


def session_seats_left(on_sale: SessionOnSale) -> int | None:
    """Seats for one session; None without a limit.

    A live enrolment keeps its owner's seat even in a session that it doesn't pay for.
    """
    left = seats_left(on_sale.session.course, on_sale.taken)
    if left is None:
        return None
    return left + (on_sale.enrolled and not (on_sale.mine or on_sale.included))


def has_live_enrollment(user: User, course_id: UUID) -> bool:
    """Whether the user is enrolled in this course, and not cancelled."""
    return CourseEnrollment.objects.live().filter(user=user, course=course_id).exists()
