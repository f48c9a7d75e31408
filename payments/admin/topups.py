"""Staff look at top-ups, and at what their processor told, and refund them; nobody edits them."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, ReadOnlyTabularInline, badge
from common.admin.deciding import Deciding
from payments.admin.books import TransferInline
from payments.admin.refunds import Refunding
from payments.models import ProcessorEvent, TopUp

TONES = {"created": "warn", "paid": "good", "failed": "bad"}


class EventInline(ReadOnlyTabularInline):
    model = ProcessorEvent
    fields = ("received_at", "type", "event_id", "processed_at", "note")
    ordering = ("id",)


@admin.register(TopUp)
class TopUpAdmin(Deciding, ReadOnlyAdmin):
    list_display = (
        "reference", "state", "amount", "user", "method", "live", "created_at", "paid_at",
        "problem",
    )  # fmt: skip
    list_filter = ("status", ("created_at", PeriodFilter), ("user", PersonFilter))
    joined = ("user",)
    search_fields = (
        "=reference", "^user__email", "=checkout_session", "=payment_intent", "=charge",
    )  # fmt: skip
    inlines = (TransferInline, EventInline)
    decisions = (Refunding(),)
    at_most = 50
    view_on_site = False  # its page is its user's alone

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        return (
            ("reference", "state", "live"), ("amount", "currency"), "user", "problem",
            ("created_at", "expires_at"), ("pending_since", "paid_at"), ("fee", "fee_booked_at"),
            ("refunded_amount", "disputed_amount"), ("method", "checkout_session"),
            ("payment_intent", "charge"), ("looks", "next_look_at"), ("return_path", "return_url"),
            "receipt", "parameters",
        )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def state(self, top_up: TopUp) -> str:
        return badge(top_up.status, TONES.get(top_up.status, ""))


@admin.register(ProcessorEvent)
class ProcessorEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "live", "top_up", "received_at", "processed_at", "note")
    list_filter = (("received_at", PeriodFilter),)
    joined = ("top_up",)
    search_fields = ("=event_id", "=object_id", "=top_up__reference")
    id_fields = ("pk", "top_up")
