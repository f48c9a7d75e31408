"""Words for a notice, in the zone of its reader: in the product, and as a mail."""

import logging
from urllib.parse import urlsplit

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from common.formats import in_zone
from notices.kinds import CalendarPart, Kind, address_of, kind_of
from notices.models import Notice

logger = logging.getLogger(__name__)

# Instead of what cannot be said: one notice that fails takes no page along.
SPEECHLESS = "Something changed. Please look at your bookings and your credit."

# Mail programs that know no <style> show what is inlined, those that do have dark colours as well.
_inliner = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


class Unspeakable(Exception):
    """No code makes a mail of it any more."""


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


def mail_of(notice: Notice) -> EmailMultiAlternatives:
    """Its mail as it would go out now, which may hold a link that lets in: it is kept nowhere.

    Raises `NoLongerTrue`, and whatever is the matter with what cannot be said.
    """
    kind = kind_of(notice)
    if kind is None or kind.letter is None:
        raise Unspeakable(notice.kind)
    with in_zone(notice.reader.time_zone):
        letter = kind.letter(notice)
        context = {
            "letter": letter,
            "notice": notice,
            "site": settings.SITE_URL,
            "host": urlsplit(settings.SITE_URL).netloc,
        }
        text = render_to_string("notices/letter.txt", context)
        html = _inliner.inline(render_to_string("notices/letter.html", context))
    message = EmailMultiAlternatives(
        subject=letter.subject, body=text, to=[address_of(notice)], headers=_headers(notice, kind)
    )
    message.attach_alternative(html, "text/html")
    if letter.calendar:
        _add_calendar(message, letter.calendar)
    message.message()  # raises for what no header can hold
    return message


def _add_calendar(message: EmailMultiAlternatives, part: CalendarPart) -> None:
    # As RFC 6047 has it: the method stands in the type as well, or no calendar acts on it.
    kind, content = f"text/calendar; method={part.method}", part.content.decode()
    if part.file_name:
        message.attach(part.file_name, content, kind)
    else:
        message.attach_alternative(content, kind)


def _headers(notice: Notice, kind: Kind) -> dict[str, str]:
    """The same name each time it goes out: whoever got it already need not show it twice."""
    host = urlsplit(settings.SITE_URL).hostname
    return {"Message-ID": f"<{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
