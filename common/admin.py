"""What staff screens share: rows that can only be looked at, search by id, people as a filter."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

admin.site.site_header = admin.site.site_title = "talkplatform"
admin.site.index_title = "Staff"


class PersonFilter(admin.FieldListFilter):
    """One person of a foreign key to users, found by autocomplete: a list would name everybody."""

    template = "admin/person_filter.html"

    def __init__(self, field: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.parameter = f"{field.name}__id__exact"
        super().__init__(field, request, *args, **kwargs)

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        used: dict[str, Any] = self.used_parameters
        chosen = used.get(self.parameter, [None])[-1]
        person = forms.ModelChoiceField(
            cast(Any, self.field.related_model).objects.all(),
            widget=AutocompleteSelect(
                self.field, admin.site, attrs={"data-width": "100%", "required": True}
            ),
        )
        others = changelist.get_filters_params() | {"q": [changelist.query]}
        others.pop(self.parameter, None)
        yield {
            "select": person.widget.render(self.parameter, chosen),
            "others": [(name, value) for name in others for value in others[name] if value],
            "chosen": chosen,
            "all": changelist.get_query_string(remove=[self.parameter]),
        }


class SearchedAdmin(admin.ModelAdmin):
    """A whole id finds its row by the index; any other words go to `search_fields`."""

    id_fields: tuple[str, ...] = ("pk",)
    ordering = ("-id",)
    show_full_result_count = False

    @property
    def media(self) -> forms.Media:
        rows: Any = self.list_filter
        people = [row[0] for row in rows if isinstance(row, tuple) and row[1] is PersonFilter]
        fields = (self.opts.get_field(name) for name in people)
        return sum((AutocompleteSelect(f, self.admin_site).media for f in fields), super().media)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        try:
            key = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(Q(*((name, key) for name in self.id_fields), _connector=Q.OR)), False


class ReadOnly:
    """Not to be added, changed or deleted by anybody, superusers included; only to be viewed."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, SearchedAdmin):
    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [field.name for field in self.opts.concrete_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return self.get_fields(request, obj)


class ReadOnlyTabularInline(ReadOnly, admin.TabularInline):
    extra = 0
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return tuple(self.fields or ())
