"""What our logs leave out: tokens in paths and passes to rooms, which let in who reads them."""

import logging
import re

# What is longer than a key lets somebody in: it is in the path of a calendar, or of a link in a
# mail. Enough of it is kept to tell one from another. haproxy.cfg has the same rule.
_TOKEN = re.compile(r"/([^/\s]{6})[^/\s]{31,}")
# A pass to a room, which LiveKit's errors quote whole; and any other signed token.
_SIGNED = re.compile(r"\b(eyJ[\w-]{3})[\w-]*\.[\w-]+\.[\w-]*")


class Discreet(logging.Filter):
    """Cuts them short."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        cut = _SIGNED.sub(r"\1...", _TOKEN.sub(r"/\1...", said))
        if cut != said:
            record.msg, record.args = cut, ()
        return True
