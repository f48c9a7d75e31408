"""Rows that are no longer needed, deleted in small transactions."""

from functools import partial

from django.db import models

from common.passes import in_time
from common.transactions import operation

BATCH = 1000


def delete_in_batches(rows: models.QuerySet) -> int:
    """Delete these rows, `BATCH` of them per transaction; gives how many. A repeat gives 0.

    In the order of the queryset, which an index should support. A pass that has to end leaves the
    rest to the next one.
    """
    return sum(in_time(iter(partial(_delete_batch, rows), 0)))


@operation
def _delete_batch(rows: models.QuerySet) -> int:
    keys = sorted(rows.values_list("pk", flat=True)[:BATCH])
    if keys:
        rows.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
