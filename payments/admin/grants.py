"""Staff decide on what another clerk wants to give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.utils.html import format_html

from accounts.models import User
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge
from common.admin.deciding import Answers, Deciding, Decision, Done, Prospect
from common.formats import moment, money
from payments.admin.books import TransferInline
from payments.models import Grant
from payments.services.grants import approve_grant, refuse_deciding, refuse_grant

Status = Grant.Status
TONES = {"asked": "warn", "granted": "good", "refused": "bad"}


@dataclass(frozen=True, kw_only=True)
class OnGrants(Decision[Grant]):
    """What another clerk asked for."""

    done: str
    service: Callable[..., Grant]
    rights: tuple[str, ...] = ("payments.grant_credit",)
    key: str = "grant"

    def is_offered(self, grant: Grant) -> bool:
        return grant.status == Status.ASKED

    def prospects(self, rows: Sequence[Grant], actor: User) -> list[Prospect[Grant]]:
        return [
            Prospect(
                row=grant,
                name=f"{money(grant.amount)} for {grant.user}",
                facts=[f"{grant.asked_by} asked on {moment(grant.asked_at)}: “{grant.reason}”"],
                refusal=refuse_deciding(grant, actor),
            )
            for grant in rows
        ]

    def deed(self, grant: Grant, actor: User, answers: Answers) -> Done:
        self.service(grant_id=grant.pk, actor=actor, **answers.fields)
        return Done(self.done)


@admin.register(Grant)
class GrantAdmin(Deciding, ReadOnlyAdmin):
    list_display = (
        "reference", "state", "amount", "user", "reason", "asked_by", "asked_at", "decided_by",
        "decided_at",
    )  # fmt: skip
    list_filter = (
        "status", ("asked_at", PeriodFilter), ("user", PersonFilter), ("asked_by", PersonFilter),
    )  # fmt: skip
    joined = ("user", "asked_by", "decided_by")
    search_fields = ("^user__email", "^asked_by__email")
    decisions = (
        OnGrants(verb="approve", label="Grant", done="granted", service=approve_grant),
        OnGrants(verb="refuse", label="Refuse", done="refused", service=refuse_grant),
    )
    at_most = 50
    inlines = (TransferInline,)
    fields = (
        ("state", "amount", "user"), "reason", ("asked_by", "asked_at"),
        ("decided_by", "decided_at"), "notes",
    )  # fmt: skip

    @admin.display(ordering="pk")
    def reference(self, grant: Grant) -> str:
        return format_html('<span class="reference">{}</span>', grant.pk)

    @admin.display(description="status", ordering="status")
    def state(self, grant: Grant) -> str:
        return badge(grant.status, TONES.get(grant.status, ""))
