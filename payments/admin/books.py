"""The books: everything can be looked at, nothing edited."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.models import StaffRequest, User
from accounts.people import signed_in
from accounts.staff_requests import RELOADED_AFTER, ask
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, ReadOnlyTabularInline
from payments import audit
from payments.admin.credit import GivingCredit
from payments.models import SYSTEM_ACCOUNTS, HoldPart, IdempotencyRecord, LedgerAccount, Transfer

AUDITORS = "payments.audit_money"


class WithBothSides:
    """Columns of a transfer: whose money moved, and to whom."""

    @admin.display(description="from")
    def debit(self, transfer: Transfer) -> str:
        return name_of(transfer.debit_account)

    @admin.display(description="to")
    def credit(self, transfer: Transfer) -> str:
        return name_of(transfer.credit_account)


class TransferInline(WithBothSides, ReadOnlyTabularInline):
    model = Transfer
    fields = ("created_at", "kind", "amount", "debit", "credit", "actor", "note")
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        together = ("debit_account__owner", "credit_account__owner", "actor")
        return super().get_queryset(request).select_related(*together)


@admin.register(HoldPart)
class HoldPartAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "status", "reason", "amount", "student", "session", "sold_starts_at",
        "sold_duration_minutes", "settled_at",
    )  # fmt: skip
    list_filter = ("reason",)
    joined = ("hold__student", "session")
    search_fields = ("^hold__student__email", "session__title")
    id_fields = ("pk", "hold", "session")

    @admin.display
    def student(self, part: HoldPart) -> User:
        return part.hold.student


class GrantFilter(admin.SimpleListFilter):
    """Whose credit it was to give: the operator's, who has a command, or a clerk's."""

    title = "grants"
    parameter_name = "grants"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("operator", "By the operator"), ("staff", "By staff")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        by_nobody = self.value() == "operator"
        return queryset.filter(kind=Transfer.Kind.GRANT, actor__isnull=by_nobody)


@admin.register(Transfer)
class TransferAdmin(WithBothSides, ReadOnlyAdmin):
    list_display = (
        "created_at", "kind", "amount", "debit", "credit", "actor", "note", "dedupe_key",
    )  # fmt: skip
    list_filter = ("kind", GrantFilter, ("created_at", PeriodFilter))
    joined = ("debit_account__owner", "credit_account__owner", "actor")
    search_fields = (
        "^debit_account__owner__email", "^credit_account__owner__email", "^debtor__email",
        "^dedupe_key",
    )  # fmt: skip
    id_fields = (
        "pk",
        "hold",
        "hold_part",
        "withdrawal",
        "top_up",
        "grant",
        "refund",
        "debit_account",
        "credit_account",
        "debtor",
    )


class SystemFilter(admin.SimpleListFilter):
    """The accounts of the system; those of users are found by their owner."""

    title, parameter_name = "system account", "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(kind.value, str(kind.label)) for kind in SYSTEM_ACCOUNTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        key = SYSTEM_ACCOUNTS.get(self.value())  # type: ignore[call-overload]
        return queryset.filter(pk=key) if key else queryset


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "status", "created_at")
    list_filter = (("created_at", PeriodFilter), ("user", PersonFilter))
    joined = ("user",)
    search_fields = ("^user__email",)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(GivingCredit, ReadOnlyAdmin):
    list_display = ("id", "kind", "owner", "balance", "owed")
    list_filter = (SystemFilter, ("owner", PersonFilter))
    joined = ("owner",)
    search_fields = ("^owner__email",)
    id_fields = ("pk", "owner")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.audit_view)
        return [path("audit/", view, name="payments_audit"), *super().get_urls()]

    def audit_view(self, request: HttpRequest) -> HttpResponse:
        """What the last audit found, in the night or because staff asked; POST asks for another."""
        if not request.user.has_perm(AUDITORS):
            raise PermissionDenied
        if request.method == "POST":
            ask(user=signed_in(request), what=audit.NAME, permission=AUDITORS, for_everybody=True)
            return redirect("admin:payments_audit")
        asked = StaffRequest.objects.filter(what=audit.NAME)
        last, running = asked.done().first(), asked.waiting().first()
        findings = last.result["findings"] if last and last.result else []
        context = self.admin_site.each_context(request) | {
            "title": "Money audit",
            "last": last,
            "running": running,
            "failed": asked.failed_after(last).first(),
            "findings": findings,
            "broken": sum(not finding["ok"] for finding in findings),
        }
        headers = {"Refresh": str(RELOADED_AFTER)} if running else {}
        return TemplateResponse(request, "admin/payments/audit.html", context, headers=headers)


def name_of(account: LedgerAccount) -> str:
    """The account as staff know it: its kind and its owner."""
    return f"{account.kind} of {account.owner}" if account.owner else account.kind
