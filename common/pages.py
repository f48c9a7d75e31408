"""What pages with lists share."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest


def page_of(rows: Any, size: int, request: HttpRequest, *, opens_at: int = 0) -> Page:
    """The page of `rows` that the request's `page` names; without it, that of row `opens_at`."""
    asked = request.GET.get("page", "")
    opens = opens_at // size + 1
    return Paginator(rows, size).get_page(asked if asked.isascii() and asked.isdigit() else opens)
