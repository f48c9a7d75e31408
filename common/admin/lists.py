"""Lists that stay quick however many rows there are.

What a list's filters and words leave is found first, in whatever order the database finds it, and
counted no further than `MOST`. If it is less, it is sorted by key; if it is more, there is an index
that gives the newest. So a list is sorted by its key, or by a column that has an index to itself.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Protocol, cast
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import InvalidPage, Paginator
from django.db.models import CharField, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest

from common.fields import ExactCharField

# How far the rows of a list are counted, and how many one step of a search leads to.
MOST = 1_000
# How many rows of one table may be meant by the words of a search.
MEANT = 100
LAST_CHARACTER = "\U0010ffff"


class Screen(Protocol):
    """What has such a list."""

    def rows_of(self, keys: Iterable[UUID]) -> list[Model]: ...


class BoundedPaginator(Paginator):
    """Counts no further than `MOST`."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        return len(rows.values_list("pk", flat=True)[:MOST])


class BoundedList(ChangeList):
    """Finds keys in one table, then joins only the rows of the page.

    In a single statement with joins, MariaDB may read every row to sort them by key.
    """

    has_more: bool

    @property
    def counted(self) -> str:
        """How many rows there are, in words."""
        return f"{self.result_count:,}{'+' * self.has_more}"

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[str | Combinable]:
        """One column, and the key in the same direction, as an index gives them.

        Without a wish that of a filter: what a period leaves is sorted by its time.
        """
        if ORDER_VAR in self.params:
            self.params[ORDER_VAR] = self.params[ORDER_VAR].split(".")[0]
        asked = super().get_ordering(request, queryset)
        given = () if self.params.get(ORDER_VAR) else queryset.query.order_by
        first = str([*given, *asked][0])
        unique = first.lstrip("-") in unique_columns(self.model)
        return [first] if unique else [first, "-pk" if first.startswith("-") else "pk"]

    def get_results(self, request: HttpRequest) -> None:
        found = list(self.queryset.order_by().values_list("pk", flat=True)[: MOST + 1])
        self.has_more = len(found) > MOST
        self.result_count = min(len(found), MOST)
        self.full_result_count, self.show_full_result_count = None, False
        self.show_admin_actions = True
        self.paginator = Paginator(range(self.result_count), self.list_per_page)
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        ordered = self.queryset if self.has_more else self._among(found)
        keys = ordered.values_list("pk", flat=True)[self._place()]
        self.result_list = cast(Screen, self.model_admin).rows_of(keys)

    def _among(self, keys: Sequence[UUID]) -> QuerySet:
        """These rows, which are few, in the order of the list."""
        order = self.queryset.query.order_by
        return self.model._default_manager.filter(pk__in=keys).order_by(*order)

    def _place(self) -> slice:
        """Where the page is in the list."""
        if self.can_show_all and (self.show_all or not self.multi_page):
            return slice(self.result_count)
        try:
            page = self.paginator.page(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters from error
        return slice(max(page.start_index() - 1, 0), page.end_index())


class Search:
    """What the words of a search mean: the rows of one table first, then those that refer to them.

    A field is `title` for rows with these words in it, of a small table, all of which are read,
    unless the words are an address, which no title has; `^name` for those that
    begin with them, `=code` for those that are the same, of a column with an index; each may be
    some way off, as in `^account__owner__email`.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self.is_cut = False
        self._meant: dict[tuple[type[Model], str], list[object]] = {}

    @property
    def is_address(self) -> bool:
        """Whether the words are an email address, at least up to a dot behind its @."""
        name, _, host = self.words.partition("@")
        return " " not in self.words and bool(name) and "." in host

    def condition(self, model: type[Model], fields: Sequence[str]) -> Q:
        """Which rows of the model are found by any of the fields."""
        some = Q(pk__in=[])
        for field in fields:
            path = field.lstrip("^=")
            name, keys = self._next(model, path, field[: -len(path)])
            if keys:
                some |= Q(**{f"{name}__in": keys})
        return some

    def _next(self, model: type[Model], path: str, how: str) -> tuple[str, list[object]]:
        """The first step of the way, and the keys that it leads to."""
        name, _, rest = path.partition("__")
        if not rest:
            return "pk", self._with_words(model, name, how)
        related = cast(type[Model], model._meta.get_field(name).related_model)
        further, keys = self._next(related, rest, how)
        if further != "pk" and keys:
            rows = related._default_manager.filter(**{f"{further}__in": keys})
            keys = self._limited(rows, MOST)
        return name, keys

    def _with_words(self, model: type[Model], name: str, how: str) -> list[object]:
        if not how and self.is_address:
            return []
        key = (model, f"{how}{name}")
        if key not in self._meant:
            condition = meaning(cast(CharField, model._meta.get_field(name)), how, self.words)
            self._meant[key] = self._limited(model._default_manager.filter(condition), MEANT)
        return self._meant[key]

    def _limited(self, rows: QuerySet, most: int) -> list[object]:
        keys = list(rows.order_by().values_list("pk", flat=True)[: most + 1])
        self.is_cut |= len(keys) > most
        return keys[:most]


def meaning(field: CharField, how: str, words: str) -> Q:
    """Where the field is, begins with or has these words, by an index if it has one."""
    normal = field.to_python(words)
    if how == "=":
        return Q((f"{field.name}__in", {normal, normal.upper(), normal.lower()}))
    if how == "^" and isinstance(field, ExactCharField):
        # A LIKE that regards case reads the whole index.
        return Q((f"{field.name}__range", (normal, f"{normal}{LAST_CHARACTER}")))
    return Q((f"{field.name}__{'istartswith' if how == '^' else 'icontains'}", words))


def in_words(fields: Sequence[str]) -> str:
    """What such fields search, as staff are told."""
    ways = ["a whole id", *dict.fromkeys(map(_in_words, fields))]
    return f"Type {', '.join(ways[:-1])} or {ways[-1]}."


def _in_words(field: str) -> str:
    path = field.lstrip("^=")
    what = "'s ".join(path.split("__")[-2:]).replace("_", " ")
    how = {"^": "the beginning of the", "=": "the whole"}.get(field[0], "a part of the")
    return f"{how} {what}"


def sortable(model: type[Model]) -> set[str]:
    """The key and the columns that have an index to themselves, which ends with the key."""
    fields = model._meta.concrete_fields
    alone = {i.fields[0].lstrip("-") for i in model._meta.indexes if len(i.fields) == 1}
    own = {
        f.name
        for f in fields
        if not f.is_relation and (getattr(f, "db_index", False) or f.name in alone)
    }
    return unique_columns(model) | own


def unique_columns(model: type[Model]) -> set[str]:
    """The key, and what else no two rows have in common."""
    fields = model._meta.concrete_fields
    return {"pk"} | {f.name for f in fields if f.unique and not (f.null or f.is_relation)}
