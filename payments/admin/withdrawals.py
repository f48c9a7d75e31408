"""Staff decide on withdrawals: approve, record as paid, reject; never their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timesince import timesince

from accounts.models import User
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge
from common.admin.deciding import Answers, Deciding, Decision, Done, Prospect
from common.errors import DomainError
from common.formats import counted, moment, money
from payments.admin.books import TransferInline
from payments.errors import OwnWithdrawal, WithdrawalDecided, WithdrawalNotApproved
from payments.forms import ReferenceForm
from payments.models import Withdrawal
from payments.provenance import Payer, payers_of
from payments.services.withdrawals import (
    approve_withdrawal,
    complete_withdrawal,
    refuse_paying_alone,
    reject_withdrawal,
)

DECIDE = "payments.decide_withdrawal"
Status = Withdrawal.Status
# Nobody reads more of who paid.
PAYERS = 10
TONES = {"requested": "warn", "approved": "warn", "completed": "good", "rejected": "bad"}


@dataclass(frozen=True, kw_only=True)
class OnWithdrawals(Decision[Withdrawal]):
    """From which status, by which service, and what it is called afterwards."""

    statuses: tuple[str, ...]
    shows_payers: bool = False
    done: str
    service: Callable[..., Withdrawal]
    refuse: Callable[[Withdrawal, User], DomainError | None] = lambda *_: None
    rights: tuple[str, ...] = (DECIDE,)
    key: str = "withdrawal"
    each: bool = True

    def is_offered(self, withdrawal: Withdrawal) -> bool:
        return withdrawal.status in self.statuses

    def prospects(self, rows: Sequence[Withdrawal], actor: User) -> list[Prospect[Withdrawal]]:
        payers = payers_of({row.teacher_id for row in rows if self.shows_payers})
        return [
            Prospect(
                row=withdrawal,
                name=f"{money(withdrawal.amount)} of {withdrawal.teacher}",
                facts=[asked(withdrawal), *map(told_of, payers[withdrawal.teacher_id][:PAYERS])],
                refusal=self.refuse_deciding(withdrawal, actor),
            )
            for withdrawal in rows
        ]

    def deed(self, withdrawal: Withdrawal, actor: User, answers: Answers) -> Done:
        self.service(withdrawal_id=withdrawal.pk, actor=actor, **answers.fields)
        return Done(self.done)

    def refuse_deciding(self, withdrawal: Withdrawal, actor: User) -> DomainError | None:
        """Why this user can't take this decision; None if they can."""
        if withdrawal.teacher_id == actor.pk:
            return OwnWithdrawal()
        if withdrawal.status in self.statuses:
            return self.refuse(withdrawal, actor)
        waits = withdrawal.status == Status.REQUESTED
        return WithdrawalNotApproved() if waits else WithdrawalDecided(status=withdrawal.status)


DECISIONS = (
    OnWithdrawals(
        verb="approve",
        label="Approve",
        done="approved",
        statuses=(Status.REQUESTED,),
        form=forms.Form,
        shows_payers=True,
        service=approve_withdrawal,
    ),
    OnWithdrawals(
        verb="complete",
        label="Record as paid",
        done="paid",
        statuses=(Status.APPROVED,),
        form=ReferenceForm,
        service=complete_withdrawal,
        refuse=refuse_paying_alone,
    ),
    OnWithdrawals(
        verb="reject",
        label="Reject",
        done="rejected",
        statuses=(Status.REQUESTED, Status.APPROVED),
        service=reject_withdrawal,
    ),
)


@admin.register(Withdrawal)
class WithdrawalAdmin(Deciding, ReadOnlyAdmin):
    list_display = (
        "reference", "state", "amount", "teacher", "masked_details", "requested_at", "decided_by",
        "decided_at", "completed_at",
    )  # fmt: skip
    list_filter = ("status", ("requested_at", PeriodFilter), ("teacher", PersonFilter))
    joined = ("teacher", "decided_by")
    search_fields = ("^teacher__email", "^payout_reference")
    decisions = DECISIONS
    at_most = 50
    inlines = (TransferInline,)

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        details = "details" if request.user.has_perm(DECIDE) else "masked_details"
        return (
            ("state", "amount", "teacher"), details, "requested_at", ("decided_by", "decided_at"),
            ("completed_at", "payout_reference"), "notes",
        )  # fmt: skip

    @admin.display(ordering="pk")
    def reference(self, withdrawal: Withdrawal) -> str:
        return format_html('<span class="reference">{}</span>', withdrawal.pk)

    @admin.display(description="status", ordering="status")
    def state(self, withdrawal: Withdrawal) -> str:
        return badge(withdrawal.status, TONES.get(withdrawal.status, ""))

    @admin.display(description="paid to")
    def masked_details(self, withdrawal: Withdrawal) -> str:
        return withdrawal.masked_details

    @admin.display(description="paid to")
    def details(self, withdrawal: Withdrawal) -> str:
        return reveal(withdrawal)


def asked(withdrawal: Withdrawal) -> str:
    """When it was requested, its current status, and where to pay it."""
    when = moment(withdrawal.requested_at)
    return f"Requested on {when} ({withdrawal.status}). Pay to: {reveal(withdrawal)}"


def told_of(payer: Payer) -> str:
    """Who paid for what is withdrawn, how, how long ago, and whether their bank takes it back."""
    topped_up = (
        f"topped up {money(payer.topped_up)}, last {timesince(payer.topped_up_at)} ago"
        if payer.topped_up_at
        else "never topped up: granted credit"
    )
    disputes = f" Disputed: {counted(payer.disputes, 'top-up')}." if payer.disputes else ""
    return (
        f"{money(payer.amount)} from {payer.student}, who last bought"
        f" {timesince(payer.bought_at)} ago, and {topped_up}.{disputes}"
    )


def reveal(withdrawal: Withdrawal) -> str:
    """Where to pay it, in full."""
    try:
        return withdrawal.reveal_details()
    except InvalidToken:
        return "It cannot be read: the key that sealed it is not among PAYOUT_KEYS."
