"""A wallet's history: each movement in words, with the balance after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Sum, When, Window

from accounts.models import User
from common.money import exact
from courses.models import Course, CourseSession
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount, PaymentHold, Transfer
from payments.outcomes import story_of, summary_of

# The key of a transfer, what it changed, and the balance afterwards.
Movement = tuple[UUID, Decimal, Decimal]
_TITLES = {
    Transfer.Kind.GRANT: "Credit added",
    Transfer.Kind.REVOKE: "Credit revoked",
    Transfer.Kind.REFUND: "Refund",
    Transfer.Kind.TOP_UP: "Top-up",
    Transfer.Kind.PAYBACK: "Refunded to you",
    Transfer.Kind.PAYBACK_RETURNED: "Refund that failed",
    Transfer.Kind.DISPUTE: "Top-up taken back",
    Transfer.Kind.DISPUTE_WON: "Top-up returned",
    Transfer.Kind.WRITE_OFF: "Written off",
}


@dataclass(frozen=True)
class Line:
    """One movement: the wallet's `change`, and its `balance` afterwards, in credits.

    What is owed counts as a balance below zero.
    """

    transfer: Transfer
    change: Decimal
    balance: Decimal

    @property
    def title(self) -> str:
        if self.transfer.kind == Transfer.Kind.HOLD:
            assert self.transfer.hold
            return "Full course" if self.transfer.hold.enrollment_id else "Single session"
        return _TITLES.get(Transfer.Kind(self.transfer.kind), self.transfer.get_kind_display())

    @property
    def course(self) -> Course | None:
        return course_of(self.transfer.hold) if self.transfer.hold else None

    @property
    def session(self) -> CourseSession | None:
        """The session that it was for, if it was for only one."""
        if self.transfer.hold_part:
            return self.transfer.hold_part.session
        purchase = self.transfer.hold and self.transfer.hold.session_purchase
        return purchase.session if purchase else None

    @property
    def detail(self) -> str:
        """Why it was returned, where it is now, or what staff said."""
        if self.transfer.hold_part:
            story = story_of(self.transfer.hold_part)
            return f"{story}: {self.transfer.note}" if self.transfer.note else story
        if self.transfer.hold:
            return f"Now {summary_of(self.transfer.hold)}"
        return self.transfer.note

    @property
    def about_debt(self) -> str:
        """What it did to what the user owes, if anything."""
        if not self.transfer.debtor_id:
            return ""
        return "Paid what you owed" if self.change > 0 else "Added to what you owe"


def course_of(hold: PaymentHold) -> Course:
    """The course that a hold pays for, in full or in part."""
    booking = hold.enrollment or hold.session_purchase
    assert booking
    return booking.course


def movements_of(user: User) -> QuerySet[Transfer, Movement]:
    """Key, `change` and `balance` afterwards of each movement of the wallet, newest first.

    The sum runs over all of them in the same statement that gives a page of them, so no movement
    can come in between.
    """
    wallet = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.WALLET)
    debts = SYSTEM_ACCOUNTS[LedgerAccount.Kind.DEBTS]
    taken = Q(debit_account__in=[wallet.pk, debts])
    change = Case(When(taken, then=-F("amount")), default=F("amount"))
    mine = Q(debit_account=wallet) | Q(credit_account=wallet) | Q(debtor=user)
    return (
        Transfer.objects.filter(mine)
        .annotate(change=change)
        .annotate(balance=Window(Sum("change"), order_by=["created_at", "id"]))
        .order_by("-created_at", "-id")
        .values_list("pk", "change", "balance")
    )


def lines_of(movements: Sequence[Movement]) -> list[Line]:
    """Lines of these movements, from `movements_of`, in one additional statement."""
    transfers = Transfer.objects.select_related(
        "hold__enrollment__course",
        "hold__session_purchase__course",
        "hold__session_purchase__session",
        "hold_part__session",
    ).in_bulk([key for key, _, _ in movements])
    return [
        Line(transfers[key], exact(change), exact(balance)) for key, change, balance in movements
    ]
