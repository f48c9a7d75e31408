"""Staff ask for a debt to be written off, and others of them decide; never on their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.models import User
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge
from common.admin.deciding import Answers, Deciding, Decision, Done, Prospect
from common.errors import DomainError
from common.formats import moment, money
from payments.errors import LessOwed, OwnDebt, WriteOffDecided
from payments.forms import CreditForm
from payments.models import DebtWriteOff
from payments.services.debts import DECIDE, ask_write_off, refuse_write_off, write_off
from payments.wallets import owed_by

Status = DebtWriteOff.Status
TONES = {"asked": "warn", "written_off": "bad"}


@dataclass(frozen=True, kw_only=True)
class AskingWriteOff(Decision[None]):
    """Nothing moves: somebody else decides."""

    form: type[forms.Form] = CreditForm
    prefilled: tuple[str, ...] = ("email",)

    def deed(self, row: None, actor: User, answers: Answers) -> Done:
        wanted = dict(answers.fields)
        made = ask_write_off(user=wanted.pop("email"), actor=actor, **wanted)
        return Done(f"Asked to write off {money(made.amount)} of {made.debtor}", made=made)


@dataclass(frozen=True, kw_only=True)
class OnWriteOffs(Decision[DebtWriteOff]):
    """By which service, and what it is called afterwards."""

    moves: bool
    done: str
    service: Callable[..., DebtWriteOff]
    form: type[forms.Form] = forms.Form
    key: str = "write_off"

    def is_offered(self, row: DebtWriteOff) -> bool:
        return row.status == Status.ASKED

    def prospects(self, rows: Sequence[DebtWriteOff], actor: User) -> list[Prospect[DebtWriteOff]]:
        owed = owed_by({row.debtor_id for row in rows})
        return [self.prospect(row, actor, owed[row.debtor_id]) for row in rows]

    def prospect(self, row: DebtWriteOff, actor: User, owed: Decimal) -> Prospect[DebtWriteOff]:
        too_much = LessOwed(owed=owed) if self.moves and row.amount > owed else None
        return Prospect(
            row=row,
            name=f"{money(row.amount)} of {row.debtor}",
            facts=[
                f"{row.asked_by} asked on {moment(row.asked_at)}: “{row.reason}”",
                f"{row.debtor} owes {money(owed)} now.",
            ],
            refusal=_refusal(row, actor) or too_much,
        )

    def deed(self, row: DebtWriteOff, actor: User, answers: Answers) -> Done:
        self.service(write_off_id=row.pk, actor=actor)
        return Done(self.done)


def _refusal(row: DebtWriteOff, actor: User) -> DomainError | None:
    if actor.pk in (row.debtor_id, row.asked_by_id):
        return OwnDebt()
    if row.status != Status.ASKED:
        return WriteOffDecided(status=row.get_status_display().lower())
    return None


@admin.register(DebtWriteOff)
class DebtWriteOffAdmin(Deciding, ReadOnlyAdmin):
    list_display = ("id", "state", "amount", "debtor", "asked_by", "asked_at", "decided_by")
    list_filter = ("status", ("asked_at", PeriodFilter), ("debtor", PersonFilter))
    joined = ("debtor", "asked_by", "decided_by")
    search_fields = ("^debtor__email",)
    id_fields = ("pk", "debtor")
    decisions = (
        AskingWriteOff(
            verb="ask",
            label="Ask to write off a debt",
            rights=(DECIDE,),
            warning="Nothing moves yet: someone else on the staff decides.",
        ),
        OnWriteOffs(
            verb="approve",
            moves=True,
            label="Write off",
            rights=(DECIDE,),
            done="written off",
            service=write_off,
        ),
        OnWriteOffs(
            verb="refuse",
            moves=False,
            label="Refuse",
            rights=(DECIDE,),
            done="refused",
            service=refuse_write_off,
        ),
    )

    def get_fields(
        self, request: HttpRequest, obj: object | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        return (
            ("state", "amount", "debtor"), "reason", ("asked_by", "asked_at"),
            ("decided_by", "decided_at"),
        )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def state(self, row: DebtWriteOff) -> str:
        return badge(row.get_status_display().lower(), TONES.get(row.status, ""))
