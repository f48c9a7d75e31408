"""Filters of staff's lists: by person, and by date."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from common.shapes import Json


class PersonFilter(admin.FieldListFilter):
    """One user of a foreign key, found by autocomplete: a list would name everyone."""

    template = "admin/person_filter.html"

    def __init__(self, field: Field, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.parameter = f"{field.name}__id__exact"
        super().__init__(field, request, *args, **kwargs)

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]

    def choices(self, changelist: ChangeList) -> Iterator[Json]:  # type: ignore[override]
        used = cast(dict[str, list[str]], self.used_parameters)
        chosen = used.get(self.parameter, [""])[-1]
        person = forms.ModelChoiceField(
            cast(type[Model], self.field.related_model)._default_manager.all(),
            widget=AutocompleteSelect(
                self.field, admin.site, attrs={"data-width": "100%", "required": True}
            ),
        )
        yield {
            "select": person.widget.render(self.parameter, chosen),
            "others": other_parameters(changelist, self.parameter),
            "chosen": chosen,
            "all": changelist.get_query_string(remove=[self.parameter]),
        }


class PeriodFilter(admin.FieldListFilter):
    """From one day to another, both included, in the reader's time zone; sorted by that time."""

    template = "admin/period_filter.html"

    def __init__(self, field: Field, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.first, self.last = f"{field.name}__from", f"{field.name}__to"
        super().__init__(field, request, *args, **kwargs)

    def expected_parameters(self) -> list[str | None]:
        return [self.first, self.last]

    def day(self, parameter: str) -> date | None:
        used = cast(dict[str, list[str]], self.used_parameters)
        try:
            found = parse_date(used.get(parameter, [""])[-1])
        except ValueError:
            return None
        # When the first year begins, or the last one ends, in UTC: no date says that.
        return found if found and date.min.year < found.year < date.max.year else None

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if first := self.day(self.first):
            queryset = queryset.filter(**{f"{self.field_path}__gte": midnight(first)})
        if last := self.day(self.last):
            after = midnight(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.field_path}__lt": after})
        return queryset.order_by(f"-{self.field_path}") if first or last else queryset

    def choices(self, changelist: ChangeList) -> Iterator[Json]:  # type: ignore[override]
        names = (self.first, self.last)
        yield {
            "days": [(name, self.day(name)) for name in names],
            "others": other_parameters(changelist, *names),
            "chosen": any(self.day(name) for name in names),
            "all": changelist.get_query_string(remove=[*names]),
        }


def midnight(day: date) -> datetime:
    """When this day begins in the reader's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def other_parameters(changelist: ChangeList, *names: str) -> list[tuple[str, str]]:
    """What else the list is filtered by, for the form of one filter to carry along."""
    others = changelist.get_filters_params() | {"q": [changelist.query]}
    return [(name, v) for name in others if name not in names for v in others[name] if v]
