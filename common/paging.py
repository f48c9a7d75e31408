"""Lists that continue with a `Link`: each row once, in the database's own order."""

from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from common.shapes import Json

M = TypeVar("M", bound=Model)
R = TypeVar("R")
MAX_ROWS = 100
# What a first page is read by: of 20 rows or of 100, and one more.
LENGTHS = (21, MAX_ROWS + 1)


class FirstPage(Generic[R]):
    """Stands in for a queryset whose first page is requested often.

    `rows` gives the first in an order, that many: one of the `LENGTHS`, for each of which a process
    keeps a statement.
    """

    def __init__(self, rows: Callable[[Sequence[str], int], list[R]]) -> None:
        self._rows = rows
        self._order: Sequence[str] = ()

    def order_by(self, *order: str) -> Self:
        self._order = order
        return self

    def __getitem__(self, part: slice) -> list[R]:
        length = next(length for length in LENGTHS if part.stop <= length)
        return self._rows(self._order, length)[: part.stop]


class LinkPagination(CursorPagination):
    """A bare array of at most 100 rows; `Link: <…>; rel="next"` says where it continues.

    A cursor holds the values that the last row of a page is sorted by, with its key last, and the
    database compares them: only its collation knows what is equal. It is signed for one list in one
    order.
    """

    page_size = MAX_ROWS
    page_size_query_param = "limit"

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[M, R], request: Request, view: APIView
    ) -> list[R]:
        self.request = request
        order = _down_to_the_key(self.get_ordering(request, queryset, view))
        signer = Signer(salt=f"{request.path}?{','.join(order)}")
        limit = self.get_page_size(request)
        ordered = queryset.order_by(*order)
        if cursor := request.query_params.get(self.cursor_query_param):
            ordered = ordered.filter(_beyond(order, _opened(cursor, signer, queryset, order)))
        rows = list(ordered[: limit + 1])
        page, goes_on = rows[:limit], len(rows) > limit
        self.following = signer.sign_object(_values(page[-1], order)) if goes_on else None
        return page

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get(self.page_size_query_param, str(MAX_ROWS))
        if not (asked.isascii() and asked.isdigit() and int(asked[:9])):
            raise exceptions.ValidationError({"limit": ["Enter a whole number from 1 to 100."]})
        return min(int(asked[:9]), MAX_ROWS)

    def get_next_link(self) -> str | None:
        if self.following is None:
            return None
        here = self.request.build_absolute_uri()
        return replace_query_param(here, self.cursor_query_param, self.following)

    def get_paginated_response(self, data: object) -> Response:
        following = self.get_next_link()
        return Response(data, headers={"Link": f'<{following}>; rel="next"'} if following else None)

    def get_paginated_response_schema(self, schema: Json) -> Json:
        return schema


def _down_to_the_key(order: Sequence[str]) -> list[str]:
    """This order, with equal rows sorted by key, in the direction of the last field.

    Once sorted by a field, rows are not sorted by it again, however often it is requested.
    """
    fields: dict[str, str] = {}
    for name in order:
        fields.setdefault(name.lstrip("-"), name)
    *_, last = fields.values()
    fields.setdefault("id", "-id" if last.startswith("-") else "id")
    return [*fields.values()]


def _values(row: object, order: Sequence[str]) -> list[str | None]:
    """What the row is sorted by, as in a cursor."""
    found = (getattr(row, name.lstrip("-")) for name in order)
    return [None if value is None else str(value) for value in found]


def _opened(cursor: str, signer: Signer, queryset: QuerySet, order: Sequence[str]) -> list[object]:
    """The values in a cursor, converted by the fields of this order."""
    try:
        values = signer.unsign_object(cursor)
    except BadSignature as error:
        raise exceptions.ValidationError({"cursor": ["This cursor is not valid."]}) from error
    return [
        _field(queryset, name).to_python(value) for name, value in zip(order, values, strict=True)
    ]


def _field(queryset: QuerySet, name: str) -> Field:
    name = name.lstrip("-")
    added = queryset.query.annotations.get(name)
    return added.output_field if added else queryset.model._meta.get_field(name)


def _beyond(order: Sequence[str], values: Sequence[object]) -> Q:
    """The rows after these values in this order; NULL comes before everything else."""
    name, value, backwards = order[0].lstrip("-"), values[0], order[0].startswith("-")
    if value is None:
        further = Q(pk__in=[]) if backwards else Q((f"{name}__isnull", False))
    elif backwards:
        further = Q((f"{name}__lt", value)) | Q((f"{name}__isnull", True))
    else:
        further = Q((f"{name}__gt", value))
    if len(order) == 1:
        return further
    return further | Q((name, value)) & _beyond(order[1:], values[1:])
