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
    writer = csv.writer(_Echo())
    cells = (writer.writerow([*map(safe_cell, row)]) for row in chain([header], rows))
    lines = chain([BYTE_ORDER_MARK], cells)
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def safe_cell(value: object) -> str:
    """The value as text that a spreadsheet displays and never computes."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def in_chunks(queryset: QuerySet, rows_of: Callable[[Iterable[UUID]], list[M]]) -> Iterator[M]:
    """All rows, newest first, with at most `CHUNK` of them in memory, as `rows_of` returns them.

    By key, because this driver's cursors fetch a whole result at once.
    """
    ordered = queryset.order_by("-pk").values_list("pk", flat=True)
    keys = list(ordered[:CHUNK])
    yield from rows_of(keys)
    while len(keys) == CHUNK:
        keys = list(ordered.filter(pk__lt=keys[-1])[:CHUNK])
        yield from rows_of(keys)
