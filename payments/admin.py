"""Staff screens of the bank: everything can be looked at, nothing edited; credit can be granted."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.models import User
from common.admin import PersonFilter, ReadOnlyAdmin, ReadOnlyTabularInline
from common.errors import DomainError
from payments import audit
from payments.forms import GrantForm
from payments.models import (
    HoldPart,
    IdempotencyRecord,
    LedgerAccount,
    Transfer,
    Withdrawal,
)
from payments.services.ledger import grant_credit


class TransferInline(ReadOnlyTabularInline):
    model = Transfer
    fields = ("created_at", "kind", "amount", "debit", "credit", "actor", "note")
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        together = ("debit_account__owner", "credit_account__owner", "actor")
        return super().get_queryset(request).select_related(*together)

    @admin.display(description="from")
    def debit(self, transfer: Transfer) -> str:
        return name_of(transfer.debit_account)

    @admin.display(description="to")
    def credit(self, transfer: Transfer) -> str:
        return name_of(transfer.credit_account)


@admin.register(HoldPart)
class HoldPartAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "status", "reason", "amount", "student", "session", "sold_starts_at", "settled_at",
    )  # fmt: skip
    list_filter = ("status", "reason", "sold_starts_at")
    list_select_related = ("hold__student", "session")
    search_fields = ("hold__student__email", "session__title")
    id_fields = ("pk", "hold", "session")

    @admin.display(ordering="hold__student")
    def student(self, part: HoldPart) -> User:
        return part.hold.student


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "kind", "amount", "debit", "credit", "actor", "note", "dedupe_key",
    )  # fmt: skip
    list_filter = ("kind", "created_at")
    list_select_related = ("debit_account__owner", "credit_account__owner", "actor")
    search_fields = (
        "debit_account__owner__email", "credit_account__owner__email", "^dedupe_key",
    )  # fmt: skip
    id_fields = ("pk", "hold", "hold_part", "withdrawal", "debit_account", "credit_account")

    @admin.display(description="from")
    def debit(self, transfer: Transfer) -> str:
        return name_of(transfer.debit_account)

    @admin.display(description="to")
    def credit(self, transfer: Transfer) -> str:
        return name_of(transfer.credit_account)


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "amount", "teacher", "requested_at", "decided_by", "decided_at")
    list_filter = ("status", "requested_at", ("teacher", PersonFilter))
    list_select_related = ("teacher", "decided_by")
    search_fields = ("teacher__email",)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "status", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "owner", "balance")
    list_filter = ("kind", ("owner", PersonFilter))
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    id_fields = ("pk", "owner")

    def get_urls(self) -> list[URLPattern]:
        views = {
            "grant": ("payments_grant_credit", self.grant_view),
            "audit": ("payments_audit", self.audit_view),
        }
        added = [
            path(f"{where}/", self.admin_site.admin_view(view), name=name)
            for where, (name, view) in views.items()
        ]
        return [*added, *super().get_urls()]

    def audit_view(self, request: Any) -> HttpResponse:
        """Every invariant with its result; reads only, so it may be looked at again."""
        if not request.user.has_perm("payments.audit_money"):
            raise PermissionDenied
        findings = audit.run()
        context = self.admin_site.each_context(request) | {
            "title": "Money audit",
            "findings": findings,
            "broken": sum(not finding.ok for finding in findings),
            "at": timezone.now(),
        }
        return TemplateResponse(request, "admin/payments/audit.html", context)

    def grant_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the grant, then make it: sent twice it is made once."""
        if not request.user.has_perm("payments.grant_credit"):
            raise PermissionDenied
        first = {"email": request.GET.get("email", "")}
        form = GrantForm(request.POST or None, initial=first)
        if form.is_valid() and self.grant(request, form):
            return redirect("admin:payments_grant_credit")
        context = self.admin_site.each_context(request)
        context |= {"title": "Grant credit", "form": form, "opts": self.opts}
        return TemplateResponse(request, "admin/payments/grant_credit.html", context)

    def grant(self, request: Any, form: GrantForm) -> bool:
        """Whether the grant is made; a refusal is an error of the form."""
        user, amount = form.cleaned_data["email"], form.cleaned_data["amount"]
        reason, request_id = form.cleaned_data["reason"], form.cleaned_data["request_id"]
        try:
            transfer = grant_credit(
                user=user, amount=amount, reason=reason, request_id=request_id, actor=request.user
            )
        except DomainError as error:
            form.add_error(None, str(error))
            return False
        if not is_grant_of(transfer, user, amount):
            form.add_error(None, "This form granted something else before. Open it anew.")
            return False
        log_once(request, transfer, f"Granted {amount} to {user}: {transfer.note}")
        messages.success(request, f"Granted {amount} credits to {user}.")
        return True


def name_of(account: LedgerAccount) -> str:
    """The account as staff know it: its kind, and whose it is."""
    return f"{account.kind} of {account.owner}" if account.owner else account.kind


def is_grant_of(transfer: Transfer, user: User, amount: Decimal) -> bool:
    """Whether `transfer` gave `amount` credits to `user`, and not what an older form asked for."""
    return transfer.credit_account.owner_id == user.pk and transfer.amount == amount


def log_once(request: Any, transfer: Transfer, message: str) -> None:
    """Put the grant into the admin's history; a repeat changes nothing."""
    LogEntry.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(Transfer),
        object_id=str(transfer.pk),
        action_flag=ADDITION,
        defaults={
            "user": request.user,
            "object_repr": str(transfer)[:200],
            "change_message": message,
        },
    )
