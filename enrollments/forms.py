"""What students send from pages."""

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from courses.models import Course, CourseSession
from enrollments.filters import CourseFilter

MAX_PRICES = [("10", "Up to $10"), ("25", "Up to $25"), ("50", "Up to $50"), ("100", "Up to $100")]
ORDERINGS = {
    "next": ("Next session first", F("next_start").asc(nulls_last=True)),
    "newest": ("Newest first", F("created_at").desc()),
    "cheapest": ("Lowest price first", F("price").asc()),
    "title": ("Title", F("title").asc()),
}


ANY: dict[str, Any] = {
    "empty_label": "Any",
    "error_messages": {"invalid_choice": "This is none of the choices."},
}


def _published(field: str) -> Any:
    def choices() -> list[tuple[str, str]]:
        values = Course.objects.published().order_by(field).values_list(field, flat=True)
        return [(value, value) for value in values.distinct()]

    return choices


class CatalogueForm(CourseFilter):
    """The filters of the API as a form, and those that only people need."""

    category = django_filters.ChoiceFilter(choices=_published("category"), **ANY)
    language = django_filters.ChoiceFilter(choices=_published("language"), **ANY)
    level = django_filters.ChoiceFilter(choices=Course.Level.choices, **ANY)
    price = django_filters.ChoiceFilter(choices=MAX_PRICES, method="up_to", label="Price", **ANY)
    order = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in ORDERINGS.items()],
        method="ordered",
        label="Order",
        **(ANY | {"empty_label": None}),
    )
    teacher = django_filters.UUIDFilter(field_name="teacher_id", widget=forms.HiddenInput)

    def up_to(self, courses: QuerySet, name: str, price: str) -> QuerySet:
        """Courses that one can enter for that many credits, as a whole or by a session."""
        return courses.filter(Q(price_full_course__lte=price) | Q(price_per_session__lte=price))

    def ordered(self, courses: QuerySet, name: str, order: str) -> QuerySet:
        """Sorted as asked; what is equal comes newest first."""
        return courses.order_by(ORDERINGS[order][1], "-created_at", "-id")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        to_come = CourseSession.objects.open_at(timezone.now()).filter(course=OuterRef("pk"))
        first = to_come.order_by().values("course").annotate(first=Min("starts_at")).values("first")
        courses = queryset.annotate(next_start=Subquery(first))
        return super().filter_queryset(self.ordered(courses, "order", "next"))


class PurchaseForm(forms.Form):
    expected_price = forms.DecimalField(max_digits=12, decimal_places=2)


class CancelForm(forms.Form):
    reason = forms.CharField(
        max_length=500,
        required=False,
        label="Why do you cancel?",
        help_text="It changes nothing about your refund.",
        widget=forms.Textarea({"rows": 3}),
    )
    expected_refund = forms.DecimalField(
        max_digits=12, decimal_places=2, widget=forms.HiddenInput, required=False
    )
