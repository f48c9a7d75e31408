"""What pages with lists share, and pages with scripts."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar, cast

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

M = TypeVar("M", bound=Model)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Rows(Protocol[R_co]):
    """What a list shows a page at a time, if it is no queryset."""

    def count(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Sequence[R_co]: ...


def page_of(
    rows: QuerySet[M, R] | Sequence[R] | Rows[R],
    size: int,
    request: HttpRequest,
    *,
    opens_at: int = 0,
) -> Page[R]:
    """The page of `rows` given by the request's `page`, or else the one with row `opens_at`."""
    asked = request.GET.get("page", "")
    opens = opens_at // size + 1
    return Paginator(cast(Sequence[R], rows), size).get_page(
        asked if asked.isascii() and asked.isdigit() else opens
    )


def load_also(page: HttpResponse, more: Mapping[str, Sequence[str]]) -> HttpResponse:
    """Let a page load from elsewhere too, by the directives of its Content-Security-Policy.

    The attribute is that of Django 6 (`csp_override`); `talkplatform.headers` reads it.
    """
    rules = dict(settings.SECURE_CSP)
    for name, sources in more.items():
        rules[name] = [*rules.get(name, ()), *sources]
    page._csp_config = rules  # type: ignore[attr-defined]
    return page
