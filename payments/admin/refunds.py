"""Staff refund top-ups, whenever they were paid, and look at what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from uuid_utils.compat import uuid7

from accounts.models import User
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge
from common.admin.deciding import Answers, Decision, Done, Prospect, ReasonForm
from common.errors import DomainError
from common.formats import money
from common.forms import AmountField
from payments.admin.books import TransferInline
from payments.errors import InDispute, NotRefundable, OwnCredit
from payments.models import TopUp, TopUpRefund
from payments.services.refunds import REFUND, request_refund, settle_request
from payments.wallets import credit_of

Status = TopUpRefund.Status
TONES = {"requested": "warn", "sent": "warn", "succeeded": "good", "failed": "bad"}


class RefundReasonForm(ReasonForm):
    field_order = ("amount", "reason")
    amount = AmountField(help_text="Credits, such as 12.50.")
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)


@dataclass(frozen=True, kw_only=True)
class Refunding(Decision[TopUp]):
    """Of each top-up an amount, reserved first, then sent by the processor: hence in steps."""

    verb: str = "refund"
    label: str = "Refund"
    rights: tuple[str, ...] = (REFUND,)
    form: type[forms.Form] = RefundReasonForm
    key: str = "top_up"
    each: bool = True
    steps: bool = True

    def is_offered(self, row: TopUp) -> bool:
        return row.is_paid and row.rest > 0

    def prospects(self, rows: Sequence[TopUp], actor: User) -> list[Prospect[TopUp]]:
        return [
            Prospect(
                row=row,
                name=f"{row.reference} of {row.user}",
                facts=_facts(row),
                refusal=_refusal(row, actor),
            )
            for row in rows
        ]

    def deed(self, row: TopUp, actor: User, answers: Answers) -> Done:
        wanted = answers.fields
        asked = request_refund(user=row.user, actor=actor, top_up_id=row.pk, **wanted)
        made = settle_request(asked)
        word = Status(made.status_of_all).label.lower()
        return Done(f"refund of {money(made.total)} {word}")


def _refundable(top_up: TopUp) -> Decimal:
    return min(top_up.rest, credit_of(top_up.user))


def _facts(top_up: TopUp) -> list[str]:
    facts = [f"{money(_refundable(top_up))} of {money(top_up.amount)} can go back."]
    if top_up.fee:
        facts.append(f"The payment provider keeps its fee of {money(top_up.fee)}.")
    return facts


def _refusal(top_up: TopUp, actor: User) -> DomainError | None:
    if top_up.user_id == actor.pk:
        return OwnCredit()
    if top_up.is_in_dispute:
        return InDispute(refundable=Decimal(0))
    refundable = _refundable(top_up)
    return None if top_up.is_paid and refundable else NotRefundable(refundable=Decimal(0))


@admin.register(TopUpRefund)
class TopUpRefundAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "state", "amount", "user", "top_up", "asked_by", "requested_at", "failure", "problem",
    )  # fmt: skip
    list_filter = ("status", ("requested_at", PeriodFilter), ("user", PersonFilter))
    joined = ("user", "top_up", "asked_by")
    search_fields = ("^user__email", "=top_up__reference", "=processor_id")
    id_fields = ("pk", "top_up", "request")
    inlines = (TransferInline,)

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        return (
            ("state", "amount", "user"), "top_up", "reason", ("asked_by", "requested_at"),
            ("sent_at", "succeeded_at", "failed_at"), ("failure", "problem"), "processor_id",
            ("looks", "next_look_at"), "request",
        )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def state(self, row: TopUpRefund) -> str:
        return badge(row.status, TONES.get(row.status, ""))
