"""What students send from pages."""

from collections.abc import Sequence

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django_filters.fields import ChoiceField

from common.forms import LongTextField, PlainSelect, SumField
from common.shapes import Json
from courses import lists
from courses.models import Course, CourseQuerySet
from courses.search import Part, Search
from enrollments.filters import CourseFilter
from enrollments.quotes import with_seats
from enrollments.shop.found import NEWEST, Found, FoundCourses, Moment, best_first
from enrollments.shop.times import DAYS, TIMES, Slots, Wish

MAX_PRICES = [("10", "Up to $10"), ("25", "Up to $25"), ("50", "Up to $50"), ("100", "Up to $100")]
BEST = ("best", "Best match")
# In words, and as indexes give them; what comes next is kept elsewhere too.
ORDERINGS: dict[str, tuple[str, Sequence[str]]] = {
    "next": ("Soonest", ()),
    "newest": ("Newest", NEWEST),
    "cheapest": ("Cheapest", ("price", *NEWEST)),
    "title": ("Title", ("title", *NEWEST)),
}
ORDERS = [(key, words) for key, (words, _) in ORDERINGS.items()]
# What stands behind "Filters" on a phone.
FOLDED = ("category", "language", "level", "price", "days", "times", "seats")

ANY: Json = {
    "empty_label": "Any",
    "widget": PlainSelect,
    "error_messages": {"invalid_choice": "Choose one of the options."},
}


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

    search = django_filters.CharFilter(method="matching")
    category = WordFilter(method="in_any_case", **ANY)
    language = WordFilter(method="in_any_case", **ANY)
    level = django_filters.ChoiceFilter(choices=Course.Level.choices, **ANY)
    price = django_filters.ChoiceFilter(choices=MAX_PRICES, method="up_to", label="Price", **ANY)
    days = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in DAYS.items()],
        method="at_last",
        label="Days",
        **ANY,
    )
    times = django_filters.ChoiceFilter(
        choices=[(key, words) for key, (words, _) in TIMES.items()],
        method="at_last",
        label="Time of day",
        **ANY,
    )
    order = django_filters.ChoiceFilter(
        choices=ORDERS,
        method="at_last",
        label="Order",
        **(ANY | {"empty_label": None}),
    )
    seats = django_filters.BooleanFilter(
        method="with_seats", label="With seats left", widget=forms.CheckboxInput
    )
    teacher = django_filters.UUIDFilter(field_name="teacher_id", widget=forms.HiddenInput)

    # What was searched for, if anything.
    found: Search | None = None
    form_class: type[forms.Form] | None = None

    def __init__(self, data: QueryDict, *, moment: Moment) -> None:
        """What is written into the search of days and times counts as if it were chosen."""
        told = data.get("days") or data.get("times")
        self.wish = None if told else Wish.of(data.get("search", ""))
        if self.wish:
            data = data.copy()
            for name, value in self.wish._asdict().items():
                data[name] = value
        searched = data.get("search", "").strip()
        if data.get("order") == BEST[0] and not searched:
            data = data.copy()
            del data["order"]
        super().__init__(data, queryset=moment.to_come())
        self._moment = moment
        fields = self.form.fields
        chosen = {name: data.get(name, "") for name in ("category", "language")}
        for name, words in lists.offered(**chosen).items():
            fields[name].choices = [(word, word) for word in words]
        if searched:
            fields["order"].choices = [BEST, *ORDERS]

    def get_form_class(self) -> type[forms.Form]:
        """Made once: what depends on the request is set on a form's own fields."""
        form_class = CatalogueForm.form_class or super().get_form_class()
        CatalogueForm.form_class = form_class
        return form_class

    @property
    def narrowed_by(self) -> str:
        """What leaves courses out, in words; empty if nothing does."""
        said = {"search", *(self.wish._fields if self.wish else ())}
        filters = self.filters.keys() - said - {"order"}
        by = {
            "the search": self.wish or self.data.get("search"),
            "the filters": any(self.data.get(name) for name in filters),
        }
        return " and ".join(words for words, counts in by.items() if counts)

    @property
    def chosen(self) -> int:
        """How many of the filters that fold away are in use."""
        return sum(bool(self.form.cleaned_data.get(name)) for name in FOLDED)

    def matching(self, courses: CourseQuerySet, name: str, words: str) -> CourseQuerySet:
        """As in the API, at last; what was meant and found is kept."""
        self.found = Search.of(words)
        return courses

    def in_any_case(self, courses: CourseQuerySet, name: str, text: str) -> CourseQuerySet:
        return courses.filter(lists.in_any_case(name, text))

    def with_seats(self, courses: QuerySet, name: str, only: bool) -> QuerySet:
        return with_seats(courses) if only else courses

    def up_to(self, courses: QuerySet, name: str, price: str) -> QuerySet:
        """Courses available for that many credits, in full or by the session."""
        return courses.filter(price_from__lte=price)

    def at_last(self, courses: QuerySet, name: str, value: str) -> QuerySet:
        """Once it is known what else was asked for."""
        return courses

    def courses(self) -> Found:
        """Sorted as requested, or else by how well they match; equal courses come newest first."""
        courses, chosen = self.qs, dict(self.form.cleaned_data)
        days, times, order = (chosen.pop(name, "") or "" for name in ("days", "times", "order"))
        slots = Slots.of(days, times) if days or times else None
        words = tuple(one.term.between for one in self.found.met) if self.found else ()
        asked = (*(chosen | {"search": words}).items(), slots and slots.spans)
        part = self.found.part(courses) if self.found else Part(courses)
        if self.found and order not in ORDERINGS:
            return best_first(self.found, part, self._moment, slots, asked)
        _, by = ORDERINGS.get(order, ORDERINGS["next"])
        return FoundCourses(part, by, self._moment, slots, asked=asked)


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
