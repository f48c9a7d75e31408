"""A wallet's history: each event in words, with the balance after it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Case, Count, F, Q, QuerySet, Sum, When, Window
from django.db.models.functions import RowNumber

from accounts.models import User
from common.money import exact
from courses.models import Course, CourseSession
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount, PaymentHold, Transfer
from payments.outcomes import story_of, summary_of

# The key of an event's last transfer, what the event changed, the balance afterwards, and how many
# transfers it made.
Event = tuple[UUID, Decimal, Decimal, int]
# What a refund belongs to: of which hold, when, and why.
Deed = tuple[UUID, datetime, str]
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
    """One event: the wallet's `change`, and its `balance` afterwards, in credits.

    What is owed counts as a balance below zero. Of an event of several transfers it has the last;
    `parts` are all of them, by the time of their sessions.
    """

    transfer: Transfer
    change: Decimal
    balance: Decimal
    parts: Sequence[Transfer] = ()

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
        if self.sessions_count > 1:
            return None
        if self.transfer.hold_part:
            return self.transfer.hold_part.session
        purchase = self.transfer.hold and self.transfer.hold.session_purchase
        return purchase.session if purchase else None

    @property
    def sessions_count(self) -> int:
        """How many sessions several transfers were for."""
        return len({part.hold_part_id for part in self.parts})

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
        if self.parts or not self.transfer.debtor_id:
            return ""  # each of the parts says it
        return "Paid what you owed" if self.change > 0 else "Added to what you owe"


def course_of(hold: PaymentHold) -> Course:
    """The course that a hold pays for, in full or in part."""
    booking = hold.enrollment or hold.session_purchase
    assert booking
    return booking.course


def events_of(user: User) -> QuerySet[Transfer, Event]:
    """Each event of the wallet, newest first: what refunds several parts of a hold at once is one.

    The sum runs over all of them in the same statement that gives a page of them, so no movement
    can come in between.
    """
    wallet = LedgerAccount.objects.get(owner=user, kind=LedgerAccount.Kind.WALLET)
    debts = SYSTEM_ACCOUNTS[LedgerAccount.Kind.DEBTS]
    taken = Q(debit_account__in=[wallet.pk, debts])
    change = Case(When(taken, then=-F("amount")), default=F("amount"))
    mine = Q(debit_account=wallet) | Q(credit_account=wallet) | Q(debtor=user)
    of_parts = Q(kind=Transfer.Kind.REFUND, hold_part__isnull=False)
    event: list[Case | F] = [
        Case(When(of_parts, then=F("hold_id")), default=F("pk")),
        F("hold_part__settled_at"),
        F("hold_part__reason"),
    ]
    newest_first = [F("created_at").desc(), F("pk").desc()]
    return (
        Transfer.objects.filter(mine)
        .annotate(
            moved=change,
            balance=Window(Sum("moved"), order_by=["created_at", "pk"]),
            change=Window(Sum("moved"), partition_by=event),
            transfers=Window(Count("pk"), partition_by=event),
            place=Window(RowNumber(), partition_by=event, order_by=newest_first),
        )
        .filter(place=1)
        .order_by(*newest_first)
        .values_list("pk", "change", "balance", "transfers")
    )


def lines_of(events: Sequence[Event]) -> list[Line]:
    """Lines of these events, from `events_of`; one additional statement, two if any has parts."""
    transfers = _with_names().in_bulk([key for key, *_ in events])
    parts = _parts_of([transfers[key] for key, _, _, number in events if number > 1])
    return [
        Line(
            transfers[key],
            exact(change),
            exact(balance),
            parts[_deed_of(transfers[key])] if number > 1 else (),
        )
        for key, change, balance, number in events
    ]


def _parts_of(refunds: Sequence[Transfer]) -> dict[Deed, list[Transfer]]:
    """All transfers of the deeds of these refunds."""
    found: dict[Deed, list[Transfer]] = defaultdict(list)
    if refunds:
        of_holds = _with_names().filter(
            kind=Transfer.Kind.REFUND, hold__in=[refund.hold_id for refund in refunds]
        )
        for transfer in of_holds.order_by("hold_part__session__starts_at", "created_at", "pk"):
            found[_deed_of(transfer)].append(transfer)
    return found


def _deed_of(refund: Transfer) -> Deed:
    part = refund.hold_part
    assert part
    assert part.settled_at
    return part.hold_id, part.settled_at, part.reason


def _with_names() -> QuerySet[Transfer]:
    return Transfer.objects.select_related(
        "hold__enrollment__course",
        "hold__session_purchase__course",
        "hold__session_purchase__session",
        "hold_part__session",
    )
