"""Staff decide on withdrawals: approve, record as paid, reject; never their own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge, keys_of
from common.errors import DomainError
from common.formats import money
from common.transactions import operation
from payments.admin.books import TransferInline
from payments.errors import OwnWithdrawal, WithdrawalDecided, WithdrawalNotApproved
from payments.forms import NothingForm, ReasonForm, ReferenceForm
from payments.models import Withdrawal
from payments.services.withdrawals import (
    approve_withdrawal,
    complete_withdrawal,
    refuse_paying_alone,
    reject_withdrawal,
)

AT_MOST = 50
Status = Withdrawal.Status
TONES = {"requested": "warn", "approved": "warn", "completed": "good", "rejected": "bad"}


@dataclass(frozen=True)
class Verb:
    """One way to decide: from which status, what it asks for, what does it."""

    title: str
    done: str
    statuses: tuple[str, ...]
    form: type[forms.Form]
    service: Callable[..., Withdrawal]
    refuse: Callable[[Withdrawal, User], DomainError | None] = lambda *_: None


VERBS = {
    "approve": Verb("Approve", "approved", (Status.REQUESTED,), NothingForm, approve_withdrawal),
    "complete": Verb(
        "Record as paid",
        "paid",
        (Status.APPROVED,),
        ReferenceForm,
        complete_withdrawal,
        refuse_paying_alone,
    ),
    "reject": Verb(
        "Reject", "rejected", (Status.REQUESTED, Status.APPROVED), ReasonForm, reject_withdrawal
    ),
}


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    list_display = (
        "reference", "state", "amount", "teacher", "masked_details", "requested_at", "decided_by",
        "decided_at", "completed_at",
    )  # fmt: skip
    list_filter = ("status", ("requested_at", PeriodFilter), ("teacher", PersonFilter))
    joined = ("teacher", "decided_by")
    search_fields = ("teacher__email", "^payout_reference")
    actions = tuple(VERBS)
    inlines = (TransferInline,)

    def get_fields(self, request: Any, obj: Any = None) -> list[Any]:
        details = "details" if self.has_decide_permission(request) else "masked_details"
        return [
            ("state", "amount", "teacher"), details, "requested_at", ("decided_by", "decided_at"),
            ("completed_at", "payout_reference"), "notes",
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return flatten(self.get_fields(request, obj))

    def has_decide_permission(self, request: Any) -> bool:
        return request.user.has_perm("payments.decide_withdrawal")

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

    @admin.action(description="Approve…", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask(request, "approve", queryset)

    @admin.action(description="Record as paid…", permissions=["decide"])
    def complete(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask(request, "complete", queryset)

    @admin.action(description="Reject…", permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask(request, "reject", queryset)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        name = "payments_withdrawal_decide"
        return [path("decide/<slug:verb>/", view, name=name), *super().get_urls()]

    def decide_view(self, request: Any, verb: str) -> HttpResponse:
        """What would be done; once sent with what it asks for, the deed."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if verb not in VERBS:
            raise Http404
        sent = request.POST if request.method == "POST" else request.GET
        found = self.get_queryset(request).filter(pk__in=keys_of(sent.getlist("withdrawal")))
        return self.ask(request, verb, found) or redirect("admin:payments_withdrawal_changelist")

    def ask(self, request: Any, verb: str, found: QuerySet) -> HttpResponse | None:
        """The page that asks, or once it is answered nothing: then all is done."""
        if found.count() > AT_MOST:
            self.message_user(request, f"Choose at most {AT_MOST} at a time.", messages.ERROR)
            return None
        answers = request.POST if "confirmed" in request.POST else None
        rows = [
            row_of(VERBS[verb], withdrawal, request.user, answers)
            for withdrawal in self.rows_of(found.values_list("pk", flat=True))
        ]
        if answers is None or any(row.is_unanswered for row in rows):
            return self.page(request, verb, rows)
        for row in rows:
            self.decide(request, VERBS[verb], row)
        return None

    def page(self, request: HttpRequest, verb: str, rows: list["Row"]) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": VERBS[verb].title,
            "action": reverse("admin:payments_withdrawal_decide", args=[verb]),
            "rows": rows,
            "can_decide": any(row.refusal is None for row in rows),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/payments/withdrawal/decide.html", context)

    def decide(self, request: HttpRequest, verb: Verb, row: "Row") -> None:
        """Decide on one withdrawal, and say what came of it."""
        name = f"{money(row.withdrawal.amount)} of {row.withdrawal.teacher}"
        try:
            if row.refusal:
                raise row.refusal
            self.carry_out(request, verb, row)
        except DomainError as error:
            self.message_user(request, f"{name}: {error}", messages.ERROR)
        else:
            self.message_user(request, f"{name}: {verb.done}.", messages.SUCCESS)

    @operation
    def carry_out(self, request: Any, verb: Verb, row: "Row") -> None:
        """The decision and its line in the history, both or neither."""
        answers = row.form.cleaned_data
        verb.service(withdrawal_id=row.withdrawal.pk, actor=request.user, **answers)
        said = ": ".join([verb.done.capitalize(), *answers.values()])
        self.log_change(request, row.withdrawal, said)


@dataclass(frozen=True)
class Row:
    """A withdrawal with what its decision asks for, or why there is nothing to decide."""

    withdrawal: Withdrawal
    form: forms.Form
    refusal: DomainError | None

    @property
    def is_unanswered(self) -> bool:
        return self.refusal is None and not self.form.is_valid()

    @property
    def details(self) -> str:
        return reveal(self.withdrawal)


def row_of(verb: Verb, withdrawal: Withdrawal, actor: User, answers: Any) -> Row:
    """The row for one withdrawal; its fields carry its key, for each has its own."""
    form = verb.form(answers, prefix=str(withdrawal.pk))
    return Row(withdrawal, form, refuse(verb, withdrawal, actor))


def refuse(verb: Verb, withdrawal: Withdrawal, actor: User) -> DomainError | None:
    """Why this person cannot decide so, if so."""
    if withdrawal.teacher_id == actor.pk:
        return OwnWithdrawal()
    if withdrawal.status in verb.statuses:
        return verb.refuse(withdrawal, actor)
    waits = withdrawal.status == Status.REQUESTED
    return WithdrawalNotApproved() if waits else WithdrawalDecided(status=withdrawal.status)


def reveal(withdrawal: Withdrawal) -> str:
    """Where to pay it, in full."""
    try:
        return withdrawal.reveal_details()
    except InvalidToken:
        return "It cannot be read: the key that sealed it is not among PAYOUT_KEYS."
