"""Rows of which a processor is asked again, each in its turn, until all is known of them."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet

from payments.errors import ProcessorSilent

logger = logging.getLogger(__name__)
# The first time after a minute; the pauses double then, up to six hours.
FIRST_LOOK, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
# How many of them one pass asks about.
AT_ONCE = 50


def settle_each(
    name: str, due: QuerySet, claim: Callable[[UUID], bool], settle: Callable[[UUID], object]
) -> Iterator[bool]:
    """Settle those that are due and not in the care of another pass; gives whether each worked.

    At most `AT_ONCE`. Two in a row without an answer end it: the processor is gone, and all are due
    again later.
    """
    silent = False
    for key in [*due.values_list("pk", flat=True)[:AT_ONCE]]:
        if not claim(key):
            continue
        try:
            settle(key)
            silent = False
            yield True
        except Exception as error:
            # The others are due all the same.
            logger.exception("the %s %s was not settled", name, key)
            yield False
            if silent and isinstance(error, ProcessorSilent):
                return
            silent = isinstance(error, ProcessorSilent)
