"""Tables as files for spreadsheets: streamed, and without formulas in their cells."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

M = TypeVar("M", bound=Model)
# A spreadsheet takes text that begins like this for a formula, or skips the first character to find
# one.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 500
# Without it, Excel reads UTF-8 in its local code page.
BYTE_ORDER_MARK = "\ufeff"


class _Echo:
    """What the csv module writes to comes straight back."""

    def write(self, line: str) -> str:
        return line


def stream_csv(
    filename: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A download of these rows, written as they are read."""
    return download(filename, chain([first_line(header)], map(line_of, rows)))


def download(filename: str, content: Iterable[str | bytes]) -> StreamingHttpResponse:
    """This table, as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def first_line(header: Sequence[str]) -> str:
    """The names of the columns, and what tells a spreadsheet how to read the file."""
    return BYTE_ORDER_MARK + line_of(header)


def line_of(row: Sequence[object]) -> str:
    """The row as a line of the file."""
    line: str = csv.writer(_Echo()).writerow([*map(safe_cell, row)])
    return line


def safe_cell(value: object) -> str:
    """The value as text that a spreadsheet displays and never computes."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def in_chunks(queryset: QuerySet, rows_of: Callable[[Iterable[UUID]], list[M]]) -> Iterator[M]:
    """All rows, newest first, with at most `CHUNK` of them in memory, as `rows_of` returns them.

    By key, because this driver's cursors fetch a whole result at once.
    """
    keys = keys_after(queryset, None)
    yield from rows_of(keys)
    while len(keys) == CHUNK:
        keys = keys_after(queryset, keys[-1])
        yield from rows_of(keys)


def keys_after(queryset: QuerySet, last: UUID | None) -> list[UUID]:
    """The next `CHUNK` keys, newest first; the first of all after none."""
    rest = queryset if last is None else queryset.filter(pk__lt=last)
    return list(rest.order_by("-pk").values_list("pk", flat=True)[:CHUNK])
