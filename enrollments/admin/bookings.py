"""Staff screens of who bought what. Nobody edits these rows: students and payments change them."""

from django.contrib import admin

from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin
from enrollments.models import CourseEnrollment, SessionPurchase


@admin.register(CourseEnrollment)
class CourseEnrollmentAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "user", "course", "status", "payment_status", "total_price_paid", "refund_amount",
        "enrolled_at",
    )  # fmt: skip
    list_filter = (
        "status", "payment_status", ("enrolled_at", PeriodFilter), ("user", PersonFilter),
    )  # fmt: skip
    joined = ("user", "course")
    search_fields = ("^user__email", "course__title", "^course__teacher__email")
    id_fields = ("pk", "course")


@admin.register(SessionPurchase)
class SessionPurchaseAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "user", "course", "session", "status", "payment_status", "price_paid",
        "refund_amount", "purchased_at",
    )  # fmt: skip
    list_filter = (
        "status", "payment_status", ("purchased_at", PeriodFilter), ("user", PersonFilter),
    )  # fmt: skip
    joined = ("user", "course", "session")
    search_fields = ("^user__email", "course__title", "session__title", "^course__teacher__email")
    id_fields = ("pk", "course", "session")
