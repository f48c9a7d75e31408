"""Staff screens of holds. They belong to the bank, but what staff decide on them ends bookings."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from accounts.exporting import ExportingAdmin
from common.admin import (
    PeriodFilter,
    PersonFilter,
    ReadOnlyAdmin,
    ReadOnlyTabularInline,
    badge,
    link_to,
)
from common.admin.deciding import Deciding
from common.formats import moment, money
from courses.models import CourseSession
from payments.admin.books import TransferInline
from payments.models import HoldEvent, HoldPart, PaymentHold
from settlement.admin.attendance import attendance_for, pending_parts, presence
from settlement.admin.deciding import DECISIONS
from settlement.queries import holds_overdue, holds_under_review
from settlement.services.deciding import parts_with_notes

TONES = {"held": "warn", "released": "good", "pending": "warn"}


class PartInline(ReadOnlyTabularInline):
    model = HoldPart
    verbose_name_plural = "parts, one for each session"
    fields = (
        "session", "starts", "amount", "state", "why", "settled_at", "teacher_amount",
        "referrer_amount", "platform_amount", "refunded_amount",
    )  # fmt: skip
    ordering = ("session__session_number", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("session")

    @admin.display
    def starts(self, part: HoldPart) -> str:
        session = part.session
        words = [
            moment(session.starts_at),
            "" if part.is_as_sold(session) else "(changed since the sale)",
            "(running now)" if session.runs(timezone.now()) else "",
        ]
        return " ".join(filter(None, words))

    @admin.display(description="status")
    def state(self, part: HoldPart) -> str:
        return badge(part.status, TONES.get(part.status, ""))

    @admin.display
    def why(self, part: HoldPart) -> str:
        return "; ".join(filter(None, (part.get_reason_display(), part.review_reason))) or "–"


class AttentionFilter(admin.SimpleListFilter):
    """What waits for somebody: a decision of staff, a settlement that should have been, a look."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("review", "Under review"), ("late", "Late events")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "late":
            return queryset.filter(pk__in=parts_with_notes().values("hold"))
        if self.value() == "review":
            return queryset & holds_under_review()
        return queryset & holds_overdue(timezone.now()) if self.value() == "overdue" else queryset


def due_at(hold: PaymentHold) -> datetime | None:
    """When the next pending part settles by itself; None where none does."""
    waiting = (part for part in pending_parts(hold) if not part.review_reason)
    return min((part.session.settles_at for part in waiting), default=None)


@admin.register(PaymentHold)
class PaymentHoldAdmin(Deciding, ExportingAdmin, ReadOnlyAdmin):
    decisions = DECISIONS
    export_name, export_permission = "holds", "payments.export_paymenthold"
    exported = (
        "reference", "status", "amount", "released", "refunded", "student", "teacher",
        "course or session", "held since", "release due", "attendance",
    )  # fmt: skip
    list_display = (
        "reference", "state", "amount", "student", "teacher", "bought", "held_since", "release_due",
        "attendance",
    )  # fmt: skip
    list_filter = (
        AttentionFilter, "status", ("held_at", PeriodFilter), ("teacher", PersonFilter),
        ("student", PersonFilter),
    )  # fmt: skip
    joined = (
        "student", "teacher", "enrollment__course", "session_purchase__course",
        "session_purchase__session",
    )  # fmt: skip
    search_fields = (
        "^student__email", "^teacher__email", "enrollment__course__title",
        "session_purchase__course__title",
    )  # fmt: skip
    ordering = ("-held_at",)
    id_fields = ("pk", "enrollment", "session_purchase")
    fieldsets = (
        (None, {"fields": (("booking", "state"), ("student", "teacher", "referrer"))}),
        (
            "Money",
            {"fields": (("amount", "released_amount", "refunded_amount"), "rates", "notes")},
        ),
        ("Time", {"fields": (("held_since", "release_due"), "attended", "timeline")}),
    )
    inlines = (PartInline, TransferInline)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return tuple(flatten_fieldsets(self.fieldsets))

    def join(self, rows: QuerySet) -> QuerySet:
        holds: Any = super().join(rows)
        return holds.with_parts()

    @admin.display(ordering="pk")
    def reference(self, hold: PaymentHold) -> str:
        return format_html('<span class="reference">{}</span>', hold.pk)

    @admin.display(description="status", ordering="status")
    def state(self, hold: PaymentHold) -> str:
        return badge(hold.status, TONES.get(hold.status, ""))

    @admin.display(description="course or session")
    def bought(self, hold: PaymentHold) -> str:
        if hold.enrollment:
            return str(hold.enrollment.course)
        assert hold.session_purchase
        return f"{hold.session_purchase.course}: {hold.session_purchase.session}"

    @admin.display(description="course or session")
    def booking(self, hold: PaymentHold) -> str:
        booking = hold.enrollment or hold.session_purchase
        assert booking
        return link_to(booking, self.bought(hold))

    @admin.display(ordering="held_at")
    def held_since(self, hold: PaymentHold) -> str:
        return moment(hold.held_at)

    @admin.display
    def release_due(self, hold: PaymentHold) -> str:
        due = due_at(hold)
        late = " (overdue)" if due and due < timezone.now() else ""
        words = [f"{moment(due)}{late}"] if due else []
        if any(part.review_reason for part in pending_parts(hold)):
            words.append("under review")
        return "; ".join(words) or "–"

    @admin.display
    def attendance(self, hold: PaymentHold) -> str:
        counts = Counter(
            part.reason for part in hold.parts.all() if part.reason in HoldPart.Reason.BY_ATTENDANCE
        )
        said = [f"{n} {HoldPart.Reason(reason).label.lower()}" for reason, n in counts.items()]
        return ", ".join(said) or "–"

    @admin.display(description="attendance")
    def attended(self, hold: PaymentHold) -> str:
        known = attendance_for([hold])
        said = ((part.session, presence(part, known)) for part in hold.parts.all())
        rows = format_html_join("", "<li>{}: {}</li>", (row for row in said if row[1]))
        return format_html("<ul>{}</ul>", rows) if rows else "–"

    @admin.display(description="commission")
    def rates(self, hold: PaymentHold) -> str:
        commission = f"{hold.commission_bp / 100:g}% of what is released"
        if hold.referrer is None:
            return commission
        return f"{commission}, and {hold.referral_bp / 100:g}% of that to the referrer"

    @admin.display
    def timeline(self, hold: PaymentHold) -> str:
        numbers = {part.session_id: part.session for part in hold.parts.all()}
        rows = (
            (moment(event.at), event.event, money(event.amount), why(event, numbers))
            for event in hold.timeline
        )
        row = "<li><time>{}</time> <strong>{}</strong> {} {}</li>"
        return format_html('<ol class="timeline">{}</ol>', format_html_join("", row, rows))

    def as_row(self, hold: PaymentHold) -> tuple[object, ...]:
        due = due_at(hold)
        return (
            hold.pk, hold.status, hold.amount, hold.released_amount, hold.refunded_amount,
            hold.student, hold.teacher, self.bought(hold), hold.held_at.isoformat(),
            due.isoformat() if due else "", self.attendance(hold),
        )  # fmt: skip


def why(event: HoldEvent, sessions: dict[UUID, CourseSession]) -> str:
    """Which session an event of a timeline is about, and its reason."""
    session = sessions.get(event.session_id) if event.session_id else None
    reason = HoldPart.Reason(event.reason).label.lower() if event.reason else ""
    return " – ".join(filter(None, (str(session) if session else "", reason)))
