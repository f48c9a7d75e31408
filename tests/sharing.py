"""What several tests begin with, made once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction


@contextmanager
def kept(blocker: Any) -> Iterator[None]:
    """Rows made within stay for as long; they are for tests none of which commits."""
    undo = transaction.atomic()
    undo._from_testcase = True  # so that operations may begin in it
    with blocker.unblock(), undo:
        yield
        transaction.set_rollback(True)
