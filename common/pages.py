"""What pages with lists share."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest


def page_of(rows: Any, size: int, request: HttpRequest) -> Page:
    """The page of `rows` that the request's `page` names: the first one where it names none."""
    asked = request.GET.get("page", "")
    return Paginator(rows, size).get_page(asked if asked.isascii() and asked.isdigit() else 1)
