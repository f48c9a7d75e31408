"""Staff give credit and take it back, each once, for a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from common.errors import DomainError
from common.transactions import operation
from payments.forms import CreditForm
from payments.models import LedgerAccount, Transfer
from payments.services.ledger import grant_credit, revoke_credit


@dataclass(frozen=True)
class Way:
    """One way that credit goes: the service, and what is said of it before and after."""

    title: str
    done: str
    service: Callable[..., Transfer]

    def wallet_of(self, transfer: Transfer) -> LedgerAccount:
        return transfer.credit_account if self is GRANT else transfer.debit_account


GRANT = Way("Grant credit", "Granted {} credits to {}", grant_credit)
REVOKE = Way("Revoke credit", "Took {} credits back from {}", revoke_credit)


class GivingCredit(admin.ModelAdmin):
    """A page for each way, with a form that moves credit once however often it is sent."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.credit_view)
        return [
            path("grant/", view, {"way": GRANT}, name="payments_grant_credit"),
            path("revoke/", view, {"way": REVOKE}, name="payments_revoke_credit"),
            *super().get_urls(),
        ]

    def credit_view(self, request: Any, way: Way) -> HttpResponse:
        """Ask for who, how much and why; then do it: sent twice it is done once."""
        if not request.user.has_perm("payments.grant_credit"):
            raise PermissionDenied
        first = {"email": request.GET.get("email", "")}
        form = CreditForm(request.POST or None, initial=first)
        if form.is_valid() and self.move(request, way, form):
            return redirect(request.path)
        context = self.admin_site.each_context(request)
        context |= {"title": way.title, "form": form, "opts": self.opts}
        return TemplateResponse(request, "admin/payments/credit.html", context)

    def move(self, request: HttpRequest, way: Way, form: CreditForm) -> bool:
        """Whether the credit has moved; a refusal is an error of the form."""
        user, amount = form.cleaned_data["email"], form.cleaned_data["amount"]
        said = way.done.format(amount, user)
        try:
            moved = move_and_log(request, way, said, form.service_input())
        except DomainError as error:
            form.add_error(None, str(error))
            return False
        if (way.wallet_of(moved).owner_id, moved.amount) != (user.pk, amount):
            form.add_error(None, "This form moved something else before. Open it anew.")
            return False
        messages.success(request, f"{said}.")
        return True


@operation
def move_and_log(request: Any, way: Way, said: str, wanted: dict[str, Any]) -> Transfer:
    """The credit and its line in the history, both or neither; a repeat changes nothing."""
    moved = way.service(actor=request.user, **wanted)
    LogEntry.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(Transfer),
        object_id=str(moved.pk),
        action_flag=ADDITION,
        defaults={
            "user": request.user,
            "object_repr": str(moved)[:200],
            "change_message": f"{said}: {moved.note}",
        },
    )
    return moved
