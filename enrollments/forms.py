"""What students send from pages."""

import django_filters
from django import forms
from django.db.models import F, Max, OrderBy, Q, QuerySet
from django.http import QueryDict
from django_filters.fields import ChoiceField

from common.caseless import Folded
from common.forms import LongTextField, SumField
from common.shapes import Json
from common.words import alike
from courses import lists
from courses.models import Course
from enrollments.filters import CourseFilter
from enrollments.quotes import with_seats
from enrollments.shop.times import DAYS, TIMES, Slots, Wish

MAX_PRICES = [("10", "Up to $10"), ("25", "Up to $25"), ("50", "Up to $50"), ("100", "Up to $100")]
BEST = ("best", "Best match first")
ORDERINGS = {
    "next": ("Next session first", F("next_session_starts_at").asc()),
    "newest": ("Newest first", F("created_at").desc()),
    "cheapest": ("Lowest price first", F("price").asc()),
    "title": ("Title", F("title").asc()),
}
# What stands behind "Filters" on a phone.
FOLDED = ("category", "language", "level", "price", "days", "times", "seats")

ANY: Json = {
    "empty_label": "Any",
    "error_messages": {"invalid_choice": "Choose one of the options."},
}


def _words_of(courses: QuerySet) -> tuple[list[str], list[str]]:
    """The categories and languages of these courses, one spelling of each; one statement."""
    folded = courses.order_by().values(topic=Folded("category"), tongue=Folded("language"))
    found = folded.annotate(Max("category"), Max("language"))
    categories = {row["topic"]: row["category__max"] for row in found}
    languages = {row["tongue"]: row["language__max"] for row in found}
    return sorted(categories.values()), sorted(languages.values())


class WordField(ChoiceField):
    """A choice among words, whatever their case."""

    def to_python(self, value: object) -> object:
        return self._as_offered(super().to_python(value))

    def prepare_value(self, value: object) -> object:
        return self._as_offered(super().prepare_value(value))

    def _as_offered(self, value: object) -> object:
        offered = {word.lower(): word for word, _ in self.choices}
        return offered.get(str(value).lower(), value)


class WordFilter(django_filters.ChoiceFilter):
    field_class = WordField


class CatalogueForm(CourseFilter):
    """The filters of the API as a form, plus those that only people need."""

    category = WordFilter(method="in_any_case", **ANY)
    language = WordFilter(method="in_any_case", **ANY)
    level = django_filters.ChoiceFilter(choices=Course.Level.choices, **ANY)
    price = django_filters.ChoiceFilter(choices=MAX_PRICES, method="up_to", label="Price", **ANY)
    days = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in DAYS.items()],
        method="at_times",
        label="Days",
        **ANY,
    )
    times = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in TIMES.items()],
        method="at_times",
        label="Time of day",
        **ANY,
    )
    order = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in ORDERINGS.items()],
        method="ordered_at_last",
        label="Order",
        **(ANY | {"empty_label": None}),
    )
    seats = django_filters.BooleanFilter(
        method="with_seats", label="With seats left", widget=forms.CheckboxInput
    )
    teacher = django_filters.UUIDFilter(field_name="teacher_id", widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, queryset: QuerySet) -> None:
        """What is written into the search of days and times counts as if it were chosen."""
        told = data.get("days") or data.get("times")
        self.wish = None if told else Wish.of(data.get("search", ""))
        if self.wish:
            data = data.copy()
            for name, value in self.wish._asdict().items():
                data[name] = value
        super().__init__(data, queryset=queryset)
        categories, languages = _words_of(queryset)
        listed = lists.categories()
        # A course that is over leads here by its category, which may have nothing to come.
        asked = lists.as_listed(data.get("category", ""), listed)
        offered = {alike(word) for word in [*categories, asked or ""]}
        in_order = [word for word in listed if alike(word) in offered]
        self._offer(category=in_order, language=languages)
        if data.get("search"):
            orders = self.filters["order"].extra
            orders["choices"] = [BEST, *orders["choices"]]
        elif data.get("order") == BEST[0]:
            self.data = data.copy()
            del self.data["order"]

    def _offer(self, **words: list[str]) -> None:
        for name, choices in words.items():
            self.filters[name].extra["choices"] = [(word, word) for word in choices]

    @property
    def narrows(self) -> bool:
        """Whether anything but an order is requested."""
        return any(self.data.get(name) for name in self.filters if name != "order")

    @property
    def chosen(self) -> int:
        """How many of the filters that fold away are in use."""
        return sum(bool(self.form.cleaned_data.get(name)) for name in FOLDED)

    def at_times(self, courses: QuerySet, name: str, value: str) -> QuerySet:
        """Courses on these days and at these times of day, which count together."""
        days, times = (self.form.cleaned_data.get(name) or "" for name in ("days", "times"))
        both_told = days and name == "times"
        return courses if both_told else Slots.of(days, times).narrow(courses)

    def with_seats(self, courses: QuerySet, name: str, only: bool) -> QuerySet:
        return with_seats(courses) if only else courses

    def up_to(self, courses: QuerySet, name: str, price: str) -> QuerySet:
        """Courses available for that many credits, in full or by the session."""
        return courses.filter(Q(price_full_course__lte=price) | Q(price_per_session__lte=price))

    def ordered_at_last(self, courses: QuerySet, name: str, order: str) -> QuerySet:
        """Once it is known what was searched for."""
        return courses

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Sorted as requested, or else by how well they match; equal courses come newest first."""
        courses = super().filter_queryset(queryset)
        asked = self.form.cleaned_data.get("order") or (BEST[0] if self.found else "next")
        by = [ORDERINGS[asked][1]] if asked in ORDERINGS else self._best()
        return courses.order_by(*by, "-created_at", "-id")

    def _best(self) -> list[OrderBy]:
        met = self.found.best() if self.found else []
        return [*met, ORDERINGS["next"][1]]


class PurchaseForm(forms.Form):
    expected_price = SumField()


class CancelForm(forms.Form):
    reason = LongTextField(
        rows=3,
        max_length=500,
        required=False,
        label="Why are you cancelling?",
        help_text="This won't affect your refund.",
    )
    expected_refund = SumField(widget=forms.HiddenInput, required=False)
