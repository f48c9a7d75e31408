"""What pages with lists share."""

from collections.abc import Sequence
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
R = TypeVar("R")


def page_of(
    rows: QuerySet[M, R] | Sequence[R], size: int, request: HttpRequest, *, opens_at: int = 0
) -> Page[R]:
    """The page of `rows` given by the request's `page`, or else the one with row `opens_at`."""
    asked = request.GET.get("page", "")
    opens = opens_at // size + 1
    return Paginator(rows, size).get_page(asked if asked.isascii() and asked.isdigit() else opens)
