"""Staff put aside what late events say against a settlement, each note for a stated reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from common.admin import keys_of
from common.errors import DomainError
from common.transactions import operation
from payments.forms import ReasonForm
from payments.models import HoldPart
from settlement.admin.deciding import Deciding, name_of
from settlement.services.deciding import dismiss_note, parts_with_notes, refuse_party


@dataclass(frozen=True)
class Note:
    """A part with its note, and why this person cannot dismiss it, if so."""

    part: HoldPart
    refusal: DomainError | None


class Dismissing(Deciding):
    """An action of the list, and a button of each hold, that lead to a page of the notes."""

    actions = (*Deciding.actions, "dismiss")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dismiss_view)
        return [path("dismiss/", view, name="payments_paymenthold_dismiss"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["has_notes"] = parts_with_notes().filter(hold=context["original"]).exists()
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Dismiss notes of late events…", permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        if self.are_too_many(request, queryset):
            return None
        return self.notes_page(request, queryset.values("pk"), ReasonForm())

    def dismiss_view(self, request: Any) -> HttpResponse:
        """The notes; once sent with a reason, those that were ticked are dismissed."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else request.GET
        form = ReasonForm(request.POST or None)
        if not form.is_valid():
            return self.notes_page(request, keys_of(sent.getlist("hold")), form)
        for key in keys_of(sent.getlist("part")):
            self.put_aside(request, key, sent.get(f"note-{key}", ""), form.cleaned_data["reason"])
        return redirect("admin:payments_paymenthold_changelist")

    def notes_page(
        self, request: Any, holds: QuerySet | Iterable[UUID], form: ReasonForm
    ) -> HttpResponse:
        parts = parts_with_notes().filter(hold__in=holds).order_by("hold", "session__starts_at")
        parts = parts.select_related("hold__student", "hold__teacher", "session__course")
        notes = [Note(part, refuse_party(part.hold, request.user)) for part in parts]
        context = self.admin_site.each_context(request) | {
            "title": "Dismiss notes of late events",
            "action": reverse("admin:payments_paymenthold_dismiss"),
            "notes": notes,
            "can_dismiss": any(note.refusal is None for note in notes),
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/payments/paymenthold/dismiss.html", context)

    def put_aside(self, request: Any, key: UUID, note: str, reason: str) -> None:
        """Dismiss one note, and say what came of it."""
        try:
            part = self.dismiss_and_log(request, key, note, reason)
        except DomainError as error:
            self.message_user(request, f"{key}: {error}", messages.ERROR)
        else:
            said = f"{name_of(part.hold)}, {part.session}: the note is dismissed."
            self.message_user(request, said, messages.SUCCESS)

    @operation
    def dismiss_and_log(self, request: Any, key: UUID, note: str, reason: str) -> HoldPart:
        """The note goes into the history, with the reason, as it leaves the part: or neither."""
        part = dismiss_note(part_id=key, note=note, actor=request.user)
        said = f"dismissed the note of {part.session}, “{note}”: {reason}"
        self.log_change(request, part.hold, said)
        return part
