"""What services ask of accounts and parts, in SQL that is written once."""

from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from common.prepared import prepared
from courses.models import CourseSession
from payments.models import HoldPart, LedgerAccount

# What changes of a hold: it comes with a part as `held_status` and so on.
HOLD_FIELDS = [
    "status",
    "released_amount",
    "refunded_amount",
    "released_at",
    "release_percentage",
    "notes",
]


@prepared
def accounts_of(owners: list[UUID]) -> QuerySet[LedgerAccount]:
    """All accounts of these users."""
    return LedgerAccount.objects.filter(owner__in=owners)


@prepared
def lock_account(kind: str, owner: UUID) -> QuerySet[LedgerAccount]:
    """The account of that kind of a user, locked."""
    return LedgerAccount.objects.filter(owner=owner, kind=kind).locked()


@prepared
def lock_accounts(keys: list[UUID]) -> QuerySet[LedgerAccount]:
    """These accounts, locked in the order of their keys."""
    return LedgerAccount.objects.filter(pk__in=keys).order_by("pk").locked()


@prepared
def lock_pending_parts(holds: list[UUID]) -> QuerySet[HoldPart]:
    """The pending parts of these holds, locked with them, and what each session is now."""
    session = CourseSession.objects.filter(pk=OuterRef("session_id"))
    return (
        HoldPart.objects.filter(status=HoldPart.Status.PENDING, hold__in=holds)
        .annotate(
            starts_at=Subquery(session.values("starts_at")),
            duration_minutes=Subquery(session.values("duration_minutes")),
            session_status=Subquery(session.values("status")),
            **{f"held_{name}": F(f"hold__{name}") for name in HOLD_FIELDS},
        )
        .locked()
    )
