"""Words for a notice, in the zone of its reader."""

import logging

from common.formats import in_zone
from notices.kinds import kind_of
from notices.models import Notice

logger = logging.getLogger(__name__)

# Instead of what cannot be said: one notice that fails takes no page along.
SPEECHLESS = "Something changed. Please look at your bookings and your credit."


def text_of(notice: Notice) -> str:
    """What the product says: a sentence or two, plain text. Reads `notice.reader`."""
    kind = kind_of(notice)
    if kind is None or kind.text is None:
        return SPEECHLESS
    try:
        with in_zone(notice.reader.time_zone):
            return kind.text(notice)
    except Exception:
        logger.exception("no words for the notice %s", notice)
        return SPEECHLESS
