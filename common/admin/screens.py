"""Rows only to be looked at, and search by id."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from common.admin.filters import PersonFilter
from common.admin.lists import BoundedList, BoundedPaginator, Search, in_words, sortable

admin.site.site_header = admin.site.site_title = "talkplatform administration"
admin.site.index_title = "Staff"
# Tables of money are wide.
admin.site.enable_nav_sidebar = False
CUT = "These words are about too many rows, so some are missing below: write more of them."


def badge(word: str, tone: str = "") -> str:
    """A status as a word in a badge; `tone` (good, warn, bad) only underlines it."""
    return format_html('<span class="badge {}">{}</span>', tone, word)


def link_to(row: Model, words: str) -> str:
    """A link to the screen of this row."""
    names = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(names, args=[row.pk]), words)


def keys_of(texts: Iterable[str]) -> set[UUID]:
    """The valid ids among these."""
    keys = set()
    for text in texts:
        with suppress(ValueError):
            keys.add(UUID(text))
    return keys


class SearchedAdmin(admin.ModelAdmin):
    """A whole id finds its row by the index; any other words go to `search_fields` (`Search`).

    `joined` are the relations that a row is shown with. What a list offers, it gives of any number
    of rows: columns to filter by have an index, unless their table is small.
    """

    id_fields: tuple[str, ...] = ("pk",)
    joined: tuple[str, ...] = ()
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    list_select_related: ClassVar[tuple[str, ...]] = ()  # or Django joins whatever the list shows

    @property
    def search_help_text(self) -> str:  # type: ignore[override]
        return in_words(self.search_fields) if self.search_fields else ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedList

    def get_sortable_by(self, request: HttpRequest) -> list[str | Callable]:
        columns, shown = sortable(self.model), map(str, self.get_list_display(request))
        return [column for column in shown if self._sorted_by(column) in columns]

    def _sorted_by(self, shown: str) -> str:
        method = getattr(type(self), shown, None)
        by = getattr(method, "admin_order_field", "") if method else shown
        return "pk" if by == self.opts.pk.name else str(by)

    @property
    def media(self) -> forms.Media:
        rows: Any = self.list_filter
        people = [row[0] for row in rows if isinstance(row, tuple) and row[1] is PersonFilter]
        fields = (self.opts.get_field(name) for name in people)
        return sum((AutocompleteSelect(f, self.admin_site).media for f in fields), super().media)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """The rows that these words find; staff are told if they mean too much."""
        found, is_cut = self.meant_by(search_term)
        if is_cut:
            self.message_user(request, CUT, messages.WARNING, fail_silently=True)
        return queryset.filter(found), False

    def meant_by(self, words: str) -> tuple[Q, bool]:
        """Which rows these words find, and whether that leaves some out; without words, all."""
        if not words.strip():
            return Q(), False
        try:
            key = UUID(words.strip())
        except ValueError:
            search = Search(words.strip())
            return search.condition(self.model, self.search_fields), search.is_cut
        return Q(*((name, key) for name in self.id_fields), _connector=Q.OR), False

    def rows_of(self, keys: Iterable[UUID]) -> list[Any]:
        """The rows of these keys, in this order, with all that is shown of them."""
        wanted = list(keys)
        found = self.join(self.model._default_manager.filter(pk__in=wanted))
        rows = {row.pk: row for row in found}
        return [rows[key] for key in wanted if key in rows]

    def join(self, rows: QuerySet) -> QuerySet:
        return rows.select_related(*self.joined)


class ReadOnly:
    """Only to be viewed: nobody, superusers included, can add, change or delete these rows."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, SearchedAdmin):
    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Model | None:
        found = super().get_object(request, *args, **kwargs)
        return self.rows_of([found.pk])[0] if found else None

    def get_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        declared: Any = self.fields
        return tuple(declared or (field.name for field in self.opts.concrete_fields))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return tuple(flatten(self.get_fields(request, obj)))


class ReadOnlyTabularInline(ReadOnly, admin.TabularInline):
    extra = 0
    show_change_link = True

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return tuple(flatten(self.fields or ()))
