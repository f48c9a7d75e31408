"""The staff screen of a user, with the money, which accounts knows nothing about."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from accounts.admin import UserAdmin
from accounts.models import User
from common.formats import money
from payments.models import LedgerAccount
from payments.wallets import standing_of

admin.site.unregister(User)


@admin.register(User)
class UserWithMoneyAdmin(UserAdmin):
    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.list_display, *(["credit"] * may_see_money(request)))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), "balances")

    def join(self, rows: QuerySet) -> QuerySet:
        wallet = LedgerAccount.objects.filter(owner=OuterRef("pk"), kind=LedgerAccount.Kind.WALLET)
        return super().join(rows).annotate(credit=Subquery(wallet.values("balance")))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not may_see_money(request):
            return fieldsets
        return (fieldsets[0], ("Money", {"fields": ("balances",)}), *fieldsets[1:])

    @admin.display
    def credit(self, user: Any) -> str:
        return money(user.credit)

    @admin.display
    def balances(self, user: User) -> str:
        _, held, owed = standing_of(user)
        kept = user.ledger_accounts.order_by("id").values_list("kind", "balance")
        more = (("held in escrow", held), ("owed", owed))
        rows = ((kind, money(amount)) for kind, amount in (*kept, *more))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))


def may_see_money(request: HttpRequest) -> bool:
    """Whether this user may see balances."""
    return bool(request.user.has_perm("payments.view_ledgeraccount"))
