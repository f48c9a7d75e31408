"""Staff's page of a dispute: the money, the bookings still to come, and what an answer needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from accounts.models import User
from common.admin import PeriodFilter, ReadOnlyAdmin, badge, link_to
from common.admin.deciding import LEFT, Answers, Deciding, Decision, Done, Item, Prospect
from common.errors import DomainError
from common.formats import counted, moment, money
from common.money import parse_sum, total
from payments.admin.books import TransferInline
from payments.models import Dispute, HoldPart, PaymentHold
from payments.statements import course_of
from payments.wallets import standing_of
from settlement.admin.answer import answer_to
from settlement.services.deciding import refuse_party
from settlement.services.disputes import cancel_unstarted, unstarted_of

TONES = {"needs_response": "bad", "warning_needs_response": "warn", "won": "good", "lost": "bad"}


@dataclass(frozen=True, kw_only=True)
class CancellingBookings(Decision[Dispute]):
    """What the payer has booked and not had, each booking as it was shown, or not at all."""

    rights: tuple[str, ...] = ("payments.decide_paymenthold",)
    key: str = "dispute"
    columns: tuple[str, ...] = ("Cancel", "Sessions to come", "Next one")
    steps: bool = True

    def is_offered(self, dispute: Dispute) -> bool:
        return bool(unstarted_of(dispute.top_up.user_id))

    def prospects(self, rows: Sequence[Dispute], actor: User) -> list[Prospect[Dispute]]:
        return [self.prospect(dispute, actor) for dispute in rows]

    def prospect(self, dispute: Dispute, actor: User) -> Prospect[Dispute]:
        payer = dispute.top_up.user
        items = [self.item(hold, parts, actor) for hold, parts in unstarted_of(payer.pk)]
        return Prospect(
            row=dispute,
            name=f"Dispute {dispute}",
            title=f"{payer} · {money(dispute.amount)} disputed",
            facts=[f"Of {money(dispute.taken)} taken, {money(dispute.given_back)} came back."],
            items=items,
            outcome=self.outcome(payer, items),
        )

    def item(self, hold: PaymentHold, parts: Sequence[HoldPart], actor: User) -> Item:
        refusal = refuse_party(hold, actor)
        booked = f"{course_of(hold)}: {counted(len(parts), 'session')}"
        refund = total(part.amount for part in parts)
        return Item(
            key=hold.pk,
            cells=(booked, str(refusal or moment(min(p.session.starts_at for p in parts)))),
            amount=refund,
            refused=refusal is not None,
            told=str(refund),
        )

    def outcome(self, payer: User, items: Sequence[Item]) -> str:
        """What comes back if all goes, and what of it pays the debt."""
        sum_ = total(item.amount for item in items if not item.refused)
        if not sum_:
            return "Nothing of theirs is still to come."
        owed = min(standing_of(payer).owed, sum_)
        return f"{money(sum_)} comes back: {money(owed)} pays what they owe, the rest is credit."

    def deed(self, dispute: Dispute, actor: User, answers: Answers) -> Done:
        chosen = [hold for hold, _ in unstarted_of(dispute.top_up.user_id)]
        said = [self.cancel(hold, actor, answers) for hold in chosen if hold.pk in answers.ticked]
        return Done("; ".join(said)) if said else LEFT

    def cancel(self, hold: PaymentHold, actor: User, answers: Answers) -> str:
        """Each booking by itself: what came of it."""
        try:
            expected = parse_sum(answers.told(hold.pk))
            made = cancel_unstarted(
                hold_id=hold.pk, expected=expected, actor=actor, **answers.fields
            )
        except DomainError as error:
            return f"left {course_of(hold)} as it is: {error}"
        return f"cancelled {course_of(hold)}, {money(made.amount)} back"


@admin.register(Dispute)
class DisputeAdmin(Deciding, ReadOnlyAdmin):
    list_display = (
        "processor_id", "kind", "state", "amount", "payer", "taken", "given_back", "due_by",
        "problem",
    )  # fmt: skip
    list_filter = ("status", "kind", ("opened_at", PeriodFilter))
    joined = ("top_up__user",)
    search_fields = ("=processor_id", "=top_up__reference", "^top_up__user__email")
    id_fields = ("pk", "top_up")
    decisions = (CancellingBookings(verb="cancel", label="Cancel bookings to come"),)
    at_most = 1
    inlines = (TransferInline,)

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        return (
            ("processor_id", "kind", "state"), ("amount", "reason"), "due_by", "problem",
            ("payer", "paid"), ("taken", "given_back", "fee"), "to_come", "answer",
            ("opened_at", "looks", "next_look_at"),
        )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.answer_view)
        name = self.name_of("answer").removeprefix("admin:")
        return [path("<uuid:dispute_id>/answer/", view, name=name), *super().get_urls()]

    def answer_view(self, request: HttpRequest, dispute_id: object) -> HttpResponse:
        """All that is known of the payment and its payer, as a text to be sent to Stripe."""
        found = get_object_or_404(self.get_queryset(request), pk=dispute_id)
        if not self.has_view_permission(request, found):
            return HttpResponse(status=403)
        named = {"Content-Disposition": f'attachment; filename="{found.processor_id}.txt"'}
        [dispute] = self.rows_of([found.pk])
        text = "\n".join(answer_to(dispute))
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=named)

    @admin.display(description="status", ordering="status")
    def state(self, dispute: Dispute) -> str:
        return badge(dispute.status, TONES.get(dispute.status, ""))

    @admin.display
    def payer(self, dispute: Dispute) -> str:
        return link_to(dispute.top_up.user, str(dispute.top_up.user))

    @admin.display
    def paid(self, dispute: Dispute) -> str:
        top_up = dispute.top_up
        words = f"{top_up.reference}: {money(top_up.amount)} on {moment(top_up.paid_at)}"
        return link_to(top_up, words)

    @admin.display(description="still to come")
    def to_come(self, dispute: Dispute) -> str:
        rows = (
            (link_to(hold, str(course_of(hold))), counted(len(parts), "session"),
             money(total(part.amount for part in parts)))
            for hold, parts in unstarted_of(dispute.top_up.user_id)
        )  # fmt: skip
        listed = format_html_join("", "<li>{}: {}, {}</li>", rows)
        return format_html("<ul>{}</ul>", listed) if listed else "Nothing"

    @admin.display(description="for an answer")
    def answer(self, dispute: Dispute) -> str:
        address = reverse(self.name_of("answer"), args=[dispute.pk])
        words = "Payment, bookings, rooms and ledger, as a text to send to Stripe"
        return format_html('<a href="{}">{}</a>', address, words)
