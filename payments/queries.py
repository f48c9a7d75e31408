"""What services read of accounts and parts, as SQL that is written once."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from common.prepared import Change, as_found, prepared, prepared_as, prepared_update
from courses.models import CourseSession, ending
from payments.models import HoldPart, Kind, LedgerAccount, PaymentHold

# What can change in a hold: it comes with a part as `held_status` and so on.
HOLD_FIELDS = [
    "status",
    "released_amount",
    "refunded_amount",
    "released_at",
    "release_percentage",
    "notes",
]
# A refund after the session does not undo having bought it; one before its end takes away the right
# to be there, no matter who made it.
STILL_BOUGHT = Q(status__in=[HoldPart.Status.PENDING, HoldPart.Status.RELEASED]) | Q(
    settled_at__gte=ending("session__")
)
# A session that is called off concerns those who had it by then; those who left it before know.
NOT_LEFT = STILL_BOUGHT | Q(reason=HoldPart.Reason.SESSION_CANCELLED)


@prepared
def accounts_of(owners: list[UUID]) -> QuerySet[LedgerAccount]:
    """All accounts of these users."""
    return LedgerAccount.objects.filter(owner__in=owners)


@prepared
def lock_account(kind: str, owner: UUID) -> QuerySet[LedgerAccount]:
    """The account of that kind of a user, locked."""
    return LedgerAccount.objects.filter(owner=owner, kind=kind).locked()


@prepared
def account(kind: str, owner: UUID) -> QuerySet[LedgerAccount]:
    """The account of that kind of a user."""
    return LedgerAccount.objects.filter(owner=owner, kind=kind)


@prepared_update
def change_balance(account: UUID, change: Decimal, least: Decimal) -> Change:
    """Change the balance of an account that has at `least` this much, if no debt stands on it."""
    enough = LedgerAccount.objects.filter(pk=account, owed=0, balance__gte=least)
    return enough, {"balance": F("balance") + change}


def wallet_of(owner: OuterRef | UUID) -> Subquery:
    """The key of a user's wallet, for a statement that reads something else."""
    return Subquery(LedgerAccount.objects.filter(owner=owner, kind=Kind.WALLET).values("pk"))


@prepared
def holds_with_course(keys: list[UUID]) -> QuerySet[PaymentHold]:
    """These holds, with what was booked, its course and teacher."""
    booked = ("enrollment__course__teacher", "session_purchase__course__teacher")
    return PaymentHold.objects.filter(pk__in=keys).select_related(*booked)


@prepared
def parts_with_session(holds: list[UUID]) -> QuerySet[HoldPart]:
    """All parts of these holds, with their sessions."""
    return HoldPart.objects.filter(hold__in=holds).select_related("session")


@prepared
def lock_accounts(keys: list[UUID]) -> QuerySet[LedgerAccount]:
    """These accounts, locked in the order of their keys."""
    return LedgerAccount.objects.filter(pk__in=keys).order_by("pk").locked()


def _with_session(
    part: HoldPart,
    *,
    starts_at: datetime,
    duration_minutes: int,
    session_status: str,
    **of_hold: object,
) -> tuple[HoldPart, dict[str, object]]:
    session = as_found(
        CourseSession,
        part._state.db,
        id=part.session_id,
        starts_at=starts_at,
        duration_minutes=duration_minutes,
        status=session_status,
    )
    part.session = session
    return part, of_hold


@prepared_as(_with_session)
def lock_pending_parts(holds: list[UUID]) -> QuerySet[HoldPart]:
    """The pending parts of these holds, locked with them, with the current state of each hold.

    Each has its session's time and status and the key of its student's wallet, read by subqueries,
    which lock nothing.
    """
    session = CourseSession.objects.filter(pk=OuterRef("session_id"))
    return (
        HoldPart.objects.filter(status=HoldPart.Status.PENDING, hold__in=holds)
        .annotate(
            starts_at=Subquery(session.values("starts_at")),
            duration_minutes=Subquery(session.values("duration_minutes")),
            session_status=Subquery(session.values("status")),
            held_wallet_id=wallet_of(OuterRef("hold__student")),
            **{f"held_{name}": F(f"hold__{name}") for name in HOLD_FIELDS},
        )
        .locked()
    )
