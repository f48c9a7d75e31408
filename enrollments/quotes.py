"""What buying would cost and what cancelling gives back: the arithmetic of page and deed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    Exists,
    Func,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)

from accounts.models import User
from common.errors import DomainError
from common.money import total
from courses.models import Course, CourseSession, CourseSessionQuerySet
from enrollments.models import CourseEnrollment, PurchaseStatus, SessionPurchase
from payments.models import HoldPart

# A `CourseSession` from `sessions_as_sold_to`, and a `HoldPart` that knows its session's times:
# what the query adds to them, no model declares.
SoldSession = Any
TimedPart = Any
NOBODYS = Value(value=False)


@dataclass(frozen=True)
class CourseQuote:
    """What the full course costs now: a share for each session still to come, and what is folded.

    `seats_left` is None without a limit. `folded` are the buyer's own single purchases of those
    sessions, `folded_amount` what they give back first, in credits.
    """

    course: Course
    shares: Sequence[tuple[CourseSession, Decimal]]
    seats_left: int | None
    folded: Sequence[SessionPurchase] = field(default=())
    sessions_count: int = 0

    @property
    def price(self) -> Decimal:
        return total(amount for _, amount in self.shares)

    @property
    def folded_amount(self) -> Decimal:
        return total(purchase.price_paid for purchase in self.folded)

    @property
    def to_pay(self) -> Decimal:
        """What leaves the wallet in the end; negative when the folded purchases cost more."""
        return self.price - self.folded_amount


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


def sessions_as_sold_to(user: User | UUID | None) -> CourseSessionQuerySet:
    """Sessions, each with the seats `taken` by singles, counted where seats are limited.

    `mine` says that the user has a live purchase of it, `enrolled` a live enrolment in its course.
    """
    mine = SessionPurchase.objects.live().filter(session=OuterRef("pk"), user=user)
    enrolled = CourseEnrollment.objects.live().filter(course=OuterRef("course"), user=user)
    limited = When(course__max_students__isnull=False, then=singles_seated())
    return CourseSession.objects.annotate(
        taken=Case(limited, default=Value(0)),
        mine=Exists(mine) if user is not None else NOBODYS,
        enrolled=Exists(enrolled) if user is not None else NOBODYS,
    )


def singles_seated() -> Subquery:
    """The seats of the outer session that its singles take beside the course's live enrolments.

    Only those of people without a live enrolment in the course: nobody fills two seats.
    """
    # By the session's course, not the purchase's: so no optimizer sets out to list who is enrolled.
    enrolled = CourseEnrollment.objects.live().filter(
        course=OuterRef(OuterRef("course")), user=OuterRef("user")
    )
    sold = SessionPurchase.objects.live().filter(~Exists(enrolled), session=OuterRef("pk"))
    # Not `Count`: it groups, by way of a temporary table.
    return Subquery(sold.order_by().values(n=Func("pk", function="COUNT")), IntegerField())


def quote_course(
    course: Course, sessions: Sequence[SoldSession], user: User | None, now: datetime
) -> CourseQuote:
    """Price the whole `course`; `sessions` are all of its, from `sessions_as_sold_to(user)`.

    Without an own enrolment: to its holder the numbers say nothing.
    """
    shares, count = _shares_to_come(course, sessions, now)
    folds = [session.pk for session, _ in shares if session.mine]
    folded = tuple(_singles_of(user, folds)) if folds else ()
    seats = course_seats_left(course, sessions, now)
    return CourseQuote(course, shares, seats, folded, count)


def quote_outlined(course: Any, now: datetime) -> CourseQuote:
    """The price of a course as `storefront.describe` leaves it, to somebody who has none of it."""
    shares, count = _shares_to_come(course, course.outlined, now)
    return CourseQuote(course, shares, course.seats_left, sessions_count=count)


def _shares_to_come(
    course: Course, sessions: Iterable[Any], now: datetime
) -> tuple[Sequence[tuple[Any, Decimal]], int]:
    """The shares of the sessions that have not begun, and how many share the price in all."""
    shares = course.shares_of(sessions)
    return [(session, amount) for session, amount in shares if session.is_open(now)], len(shares)


def _singles_of(user: User | None, sessions: Sequence[UUID]) -> QuerySet:
    mine = SessionPurchase.objects.live().filter(user=user, session__in=sessions)
    return mine.select_related("hold")


def course_seats_left(course: Course, sessions: Sequence[SoldSession], now: datetime) -> int | None:
    """Seats for the whole course: those of its fullest session, the buyer's own single left out.

    Negative when more are taken than there are, which a buyer sees who took a seat first.
    """
    singles = (s.taken - bool(s.mine and not s.enrolled) for s in sessions if s.is_open(now))
    return seats_left(course, max(singles, default=0))


def seats_left(course: Course, singles: int) -> int | None:
    """Seats beside the enrolments and so many singles; None without a limit."""
    if course.max_students is None:
        return None
    return course.max_students - course.current_students - singles


def singles_in_the_fullest(courses: Sequence[UUID], now: datetime) -> dict[UUID, int]:
    """The seats that singles take in the fullest session to come of each of these courses.

    Found by what was sold, not by the sessions; none where nothing is. One statement.
    """
    # What is settled is live as well, but of no session to come.
    waiting = SessionPurchase.objects.filter(course__in=courses, status=PurchaseStatus.ACTIVE)
    to_come = waiting.filter(session__on_offer=1, session__starts_at__gt=now)
    enrolled = CourseEnrollment.objects.live().filter(
        course=OuterRef("course"), user=OuterRef("user")
    )
    by_session = to_come.filter(~Exists(enrolled)).order_by().values("course", "session")
    taken: dict[UUID, int] = {}
    for row in by_session.annotate(seats=Count("pk")):
        taken[row["course"]] = max(row["seats"], taken.get(row["course"], 0))
    return taken


def session_seats_left(course: Course, session: SoldSession) -> int | None:
    """Seats for one session, `session` from `sessions_for_purchase`; None without a limit.

    A live enrolment keeps its owner's seat, also in a session that it does not pay for.
    """
    if course.max_students is None:
        return None
    kept = session.enrolled and not (session.mine or session.included)
    return course.max_students - course.current_students - session.taken + bool(kept)


def live_enrollment_part(user: User | UUID) -> QuerySet:
    """Parts of the user's live enrolments that still pay for the outer session."""
    return HoldPart.objects.filter(
        session=OuterRef("pk"),
        hold__enrollment__user=user,
        hold__enrollment__course=OuterRef("course"),
        hold__enrollment__live=1,
    ).exclude(status=HoldPart.Status.REFUNDED)


def has_live_enrollment(user: User, course_id: Any) -> bool:
    """Whether the user is enrolled in this course, and not cancelled."""
    return CourseEnrollment.objects.live().filter(user=user, course=course_id).exists()
