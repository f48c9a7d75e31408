"""The words of a notice, in its reader's time zone: in the product and as an email."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from common.formats import in_zone
from notices.choices import way_out
from notices.kinds import CalendarPart, Kind, Letter, address_of, kind_of
from notices.models import Notice

logger = logging.getLogger(__name__)

# Used when a notice can't be put into words, so that one failure doesn't break a page.
SPEECHLESS = "Something changed. Please look at your bookings and your credit."

# Mail programs that ignore <style> use the inlined styles; those that don't have dark colours too.
_inliner = CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


class Unspeakable(Exception):
    """The code no longer has a letter for it."""


def text_of(notice: Notice) -> str:
    """What the product says: a sentence or two of plain text. Reads `notice.reader`."""
    kind = kind_of(notice)
    if kind is None or kind.text is None:
        return SPEECHLESS
    try:
        with in_zone(notice.reader.time_zone):
            return kind.text(notice)
    except Exception:
        logger.exception("no words for the notice %s", notice)
        return SPEECHLESS


def page_for(notice: Notice) -> str:
    """Where it leads, a path on this site; nothing where it leads nowhere."""
    kind = kind_of(notice)
    if kind is None or kind.page is None:
        return ""
    try:
        return kind.page(notice)
    except Exception:
        logger.exception("no page for the notice %s", notice)
        return ""


@dataclass(frozen=True)
class Said:
    """A notice as a page shows it: its words, and where it leads."""

    notice: Notice
    text: str
    page: str


def said_to(reader: Any, notices: Iterable[Notice]) -> list[Said]:
    """Notices of one reader for a page; asks nobody who that is."""
    said = []
    for notice in notices:
        notice.reader = reader
        said.append(Said(notice, text_of(notice), page_for(notice)))
    return said


def mail_of(notice: Notice) -> EmailMultiAlternatives:
    """Its email as it would be sent now; never stored, as it may have a link that gives access.

    Notes on the notice, unsaved, what it says to calendars this time. Raises `NoLongerTrue`, and
    any error in putting it into words.
    """
    kind = kind_of(notice)
    if kind is None or kind.letter is None:
        raise Unspeakable(notice.kind)
    with in_zone(notice.reader.time_zone):
        letter = kind.letter(notice)
        text, html = _bodies(notice, kind, letter)
    message = EmailMultiAlternatives(
        # What splits lines splits headers: a title with one in it would write headers of its own.
        subject=" ".join(letter.subject.split()),
        body=text,
        to=[address_of(notice)],
        headers=_headers(notice, kind),
    )
    message.attach_alternative(html, "text/html")
    for part in letter.calendar:
        _add_calendar(message, part)
    notice.calendar = {uid: part.method for part in letter.calendar for uid in part.uids} or None
    message.message().as_bytes()  # raises for anything that doesn't fit in a mail
    return message


def _bodies(notice: Notice, kind: Kind, letter: Letter) -> tuple[str, str]:
    """The letter as plain text and as HTML."""
    context = {
        "letter": letter,
        "notice": notice,
        "group": kind.group,
        "way_out": way_out(notice.reader_id, kind.group) if kind.group else "",
        "site": settings.SITE_URL,
        "host": urlsplit(settings.SITE_URL).netloc,
    }
    text = render_to_string("notices/letter.txt", context)
    return text, _inliner.inline(render_to_string("notices/letter.html", context))


def _add_calendar(message: EmailMultiAlternatives, part: CalendarPart) -> None:
    # By RFC 6047 the content type has to name the method too, or no calendar acts on it.
    kind, content = f"text/calendar; method={part.method}", part.content.decode()
    if part.file_name:
        message.attach(part.file_name, content, kind)
    else:
        message.attach_alternative(content, kind)


def _headers(notice: Notice, kind: Kind) -> dict[str, str]:
    """The same ID each time it is sent, so that a mail program needn't show it twice.

    Mail programs offer to turn off what can be, by one click as in RFC 8058.
    """
    host = urlsplit(settings.SITE_URL).hostname
    headers = {"Message-ID": f"<{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    if kind.group:
        link = f"{settings.SITE_URL}{way_out(notice.reader_id, kind.group)}"
        headers["List-Unsubscribe"] = f"<{link}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
