"""Staff decide on holds: a preview of what will move, a reason, then a result for each hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.models import User
from common.admin import ReadOnlyAdmin, keys_of
from common.errors import DomainError
from common.formats import money
from common.transactions import operation
from enrollments.services.admission import checked_together
from payments.forms import ReasonForm
from payments.models import PaymentHold
from rooms.attendance import Attended
from settlement.admin.prospects import (
    Prospect,
    attendance_for,
    preview_refund,
    preview_release,
)
from settlement.services.deciding import Decision, refund_hold, release_hold

# Nobody reads a longer preview, and each hold is a transaction of its own.
AT_MOST = 100


@dataclass(frozen=True)
class Verb:
    """One way to decide: how it is announced, what it would do, and what does it."""

    title: str
    warning: str
    done: str
    preview: Callable[[PaymentHold, User, Attended], Prospect]
    service: Callable[..., Decision]


VERBS = {
    "release": Verb(
        title="Release to the teacher",
        warning="What is paid out stays so: a mistake can only be made good by a grant.",
        done="released",
        preview=preview_release,
        service=release_hold,
    ),
    "refund": Verb(
        title="Refund to the student",
        warning="Once nothing of it is pending, the booking ends, and its seat is free again.",
        done="refunded",
        preview=preview_refund,
        service=refund_hold,
    ),
}


class Deciding(ReadOnlyAdmin):
    """Actions of the list, and buttons of each hold, that lead to one page per verb."""

    actions = tuple(VERBS)

    def has_decide_permission(self, request: Any) -> bool:
        return request.user.has_perm("payments.decide_paymenthold")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        name = "payments_paymenthold_decide"
        return [path("decide/<slug:verb>/", view, name=name), *super().get_urls()]

    @admin.action(description="Release to the teacher…", permissions=["decide"])
    def release(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask(request, "release", queryset)

    @admin.action(description="Refund to the student…", permissions=["decide"])
    def refund(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask(request, "refund", queryset)

    def decide_view(self, request: Any, verb: str) -> HttpResponse:
        """The preview; once sent with a reason, the deed."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if verb not in VERBS:
            raise Http404
        sent = request.POST if request.method == "POST" else request.GET
        holds = self.get_queryset(request).filter(pk__in=keys_of(sent.getlist("hold")))
        if self.are_too_many(request, holds):
            return redirect("admin:payments_paymenthold_changelist")
        form = ReasonForm(request.POST or None)
        if not form.is_valid():
            return self.page(request, verb, holds, form)
        parts = keys_of(sent.getlist("part"))
        with checked_together():
            for hold in self.rows_of(holds.values_list("pk", flat=True)):
                chosen = {part.pk for part in hold.parts.all()} & parts
                self.decide(request, VERBS[verb], hold, chosen, form.cleaned_data["reason"])
        return redirect("admin:payments_paymenthold_changelist")

    def ask(self, request: HttpRequest, verb: str, holds: QuerySet) -> HttpResponse | None:
        if self.are_too_many(request, holds):
            return None
        return self.page(request, verb, holds, ReasonForm())

    def are_too_many(self, request: HttpRequest, holds: QuerySet) -> bool:
        if holds.count() <= AT_MOST:
            return False
        self.message_user(request, f"Choose at most {AT_MOST} at a time.", messages.ERROR)
        return True

    def page(self, request: Any, verb: str, holds: QuerySet, form: ReasonForm) -> HttpResponse:
        rows = self.rows_of(holds.values_list("pk", flat=True))
        attended = attendance_for(rows)
        prospects = [VERBS[verb].preview(hold, request.user, attended) for hold in rows]
        context = self.admin_site.each_context(request) | {
            "title": VERBS[verb].title,
            "verb": VERBS[verb],
            "action": reverse("admin:payments_paymenthold_decide", args=[verb]),
            "prospects": prospects,
            "can_decide": any(prospect.can_move for prospect in prospects),
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/payments/paymenthold/decide.html", context)

    def decide(
        self, request: Any, verb: Verb, hold: PaymentHold, parts: set[UUID], reason: str
    ) -> None:
        """Decide on one hold, and say what came of it."""
        try:
            said = self.carry_out(request, verb, hold, parts, reason)
        except DomainError as error:
            self.message_user(request, f"{name_of(hold)}: {error}", messages.ERROR)
        else:
            self.message_user(request, f"{name_of(hold)}: {said}.", messages.SUCCESS)

    @operation
    def carry_out(
        self, request: Any, verb: Verb, hold: PaymentHold, parts: set[UUID], reason: str
    ) -> str:
        """The money and the line in the history, both or neither."""
        decision = verb.service(hold_id=hold.pk, actor=request.user, reason=reason, part_ids=parts)
        said = f"{verb.done} {money(decision.amount)} ({len(decision.parts)} of its parts)"
        self.log_change(request, hold, f"{said}: {reason}")
        return said


def name_of(hold: PaymentHold) -> str:
    """The hold as staff know it."""
    return f"{hold} of {hold.student}"
