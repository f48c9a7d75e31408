"""What a teacher or referrer has earned, is about to earn, and has withdrawn."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.models import User
from common.money import ZERO, exact
from courses.models import CourseSession
from payments.commission import shares_of_next
from payments.models import HoldPart, HoldStatus, LedgerAccount, Withdrawal
from payments.reasons import Reason

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Sums(TypedDict):
        students: int
        attended: int
        pending: int
        reviewed: int
        released: int
        gross: Decimal | None
        earned: Decimal | None
        paid_at: datetime | None

    EarningSession = WithAnnotations[CourseSession, _Sums]
else:
    EarningSession = CourseSession

Status = HoldPart.Status
# The keys of hold, session and course; amount, and what is released before it; teacher, referrer,
# and their rates.
Pending = tuple[UUID, UUID, UUID, Decimal, Decimal, UUID, UUID | None, int, int]
# Students who were, or are, expected there; the others left before it started.
_EXPECTED = Q(hold_parts__status=Status.PENDING) | Q(
    hold_parts__reason__in=[*Reason.BY_ATTENDANCE, Reason.STAFF_DECISION]
)


Counted = defaultdict[UUID, Decimal]


@dataclass
class Forecast:
    """What pending parts will pay if each of them is released, in credits: cancelling lowers it.

    By session and by course for a teacher, in total for a referrer, since what a student does is
    private.
    """

    by_session: Counted = field(default_factory=lambda: defaultdict(lambda: ZERO))
    by_course: Counted = field(default_factory=lambda: defaultdict(lambda: ZERO))
    referrals: Decimal = ZERO

    @property
    def held(self) -> Decimal:
        return sum(self.by_session.values(), self.referrals)


@dataclass(frozen=True)
class Figures:
    """Where a user's earnings are, in credits; `released` is everything they ever received."""

    held: Decimal
    available: Decimal
    withdrawing: Decimal
    paid: Decimal
    held_referrals: Decimal
    released_referrals: Decimal

    @property
    def released(self) -> Decimal:
        return self.available + self.withdrawing + self.paid


@dataclass(frozen=True, slots=True)
class SessionEarnings:
    """A teacher's session: `gross` is what students pay for it, `net` the teacher's part.

    `students` were expected, `attended` came. `status` is `under_review` or `held` while anything
    is pending, then `released` or `refunded`.
    """

    session: CourseSession
    students: int
    attended: int
    gross: Decimal
    net: Decimal
    status: str
    paid_at: datetime | None

    @property
    def commission(self) -> Decimal:
        return self.gross - self.net

    @property
    def settled(self) -> bool:
        return self.status in (HoldStatus.RELEASED, HoldStatus.REFUNDED)

    @property
    def payable_at(self) -> datetime | None:
        """When it will be paid: unknown while staff look at it, past once it is paid."""
        if self.status != HoldStatus.HELD:
            return None
        return self.session.settles_at


def forecast_of(user: User) -> Forecast:
    """What is held for a user's sessions and referrals, by current bookings; one statement."""
    return _forecast(user.pk, Q(hold__teacher=user) | Q(hold__referrer=user))


def forecast_of_courses(teacher: UUID, courses: Collection[UUID]) -> Forecast:
    """The same for some courses of a teacher."""
    return _forecast(teacher, Q(session__course__in=courses, hold__teacher=teacher))


def _forecast(user: UUID, mine: Q) -> Forecast:
    forecast = Forecast()
    released: dict[UUID, Decimal] = {}
    for key, session_id, course_id, amount, before, teacher_id, referrer_id, *bp in _pending(mine):
        so_far = released.get(key, before)
        shares = shares_of_next(
            amount,
            released=so_far,
            commission_bp=bp[0],
            referral_bp=bp[1] if referrer_id else 0,
        )
        released[key] = so_far + amount
        if teacher_id == user:
            forecast.by_session[session_id] += shares.teacher
            forecast.by_course[course_id] += shares.teacher
        if referrer_id == user:
            forecast.referrals += shares.referrer
    return forecast


def figures_of(user: User, forecast: Forecast) -> Figures:
    """The figures of a user, given their `forecast`; three statements."""
    accounts = LedgerAccount.objects.filter(owner=user).values_list("kind", "balance")
    balances = dict(accounts)
    paid = Withdrawal.objects.of(user).filter(status=Withdrawal.Status.COMPLETED)
    referred = HoldPart.objects.filter(hold__referrer=user, status=Status.RELEASED)
    return Figures(
        held=forecast.held,
        available=balances[LedgerAccount.Kind.EARNINGS] or ZERO,
        withdrawing=balances[LedgerAccount.Kind.WITHDRAWING] or ZERO,
        paid=exact(paid.aggregate(sum=Sum("amount"))["sum"]),
        held_referrals=forecast.referrals,
        released_referrals=exact(referred.aggregate(sum=Sum("referrer_amount"))["sum"]),
    )


def available_to(user: User) -> Decimal:
    """What a user can withdraw, in credits; one statement."""
    account = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.EARNINGS)
    return account.balance or ZERO


def sessions_of(user: User) -> QuerySet[EarningSession]:
    """The sessions that a teacher earns with, latest first, with the sums of their bookings.

    `gross` is what is held for it or was released, `earned` what the teacher got.
    """
    pending, released = Q(hold_parts__status=Status.PENDING), Q(hold_parts__status=Status.RELEASED)
    return (
        CourseSession.objects.filter(_EXPECTED, hold_parts__hold__teacher=user)
        .select_related("course")
        .annotate(
            students=Count("hold_parts"),
            attended=Count("hold_parts", filter=Q(hold_parts__reason=Reason.ATTENDED)),
            pending=Count("hold_parts", filter=pending),
            reviewed=Count("hold_parts", filter=pending & Q(hold_parts__review_reason__gt="")),
            released=Count("hold_parts", filter=released),
            gross=Sum("hold_parts__amount", filter=pending | released),
            earned=Sum("hold_parts__teacher_amount"),
            paid_at=Max("hold_parts__settled_at", filter=released),
        )
        .order_by("-starts_at", "-pk")
    )


def earnings_of(session: EarningSession, forecast: Forecast) -> SessionEarnings:
    """The earnings of a session from `sessions_of`: received and still to come."""
    return SessionEarnings(
        session=session,
        students=session.students,
        attended=session.attended,
        gross=exact(session.gross),
        net=exact(session.earned) + forecast.by_session[session.pk],
        status=_status_of(session),
        paid_at=session.paid_at,
    )


def _status_of(session: EarningSession) -> str:
    if session.pending:
        return "under_review" if session.reviewed else HoldStatus.HELD
    return "released" if session.released else "refunded"


def _pending(mine: Q) -> QuerySet[HoldPart, Pending]:
    """The pending parts that will pay a user, in the order in which they will be settled."""
    parts = HoldPart.objects.filter(mine, status=Status.PENDING)
    return parts.order_by("session__starts_at", "pk").values_list(
        "hold_id",
        "session_id",
        "session__course_id",
        "amount",
        "hold__released_amount",
        "hold__teacher_id",
        "hold__referrer_id",
        "hold__commission_bp",
        "hold__referral_bp",
    )
