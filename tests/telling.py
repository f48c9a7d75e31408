"""What somebody is told: the notice in the product, and the letter of which its mail is made."""

from html import unescape
from itertools import chain
from typing import Any

from django.conf import settings

from common.formats import in_zone
from notices.kinds import Letter, kind_of
from notices.models import Notice
from notices.rendering import mail_of, text_of


def told(reader: Any, kind: str, **which: Any) -> Notice:
    """The one thing of a kind that a reader was told."""
    return Notice.objects.select_related("reader").get(reader=reader, kind=kind, **which)


def was_told(reader: Any, kind: str) -> int:
    """How often."""
    return Notice.objects.filter(reader=reader, kind=kind).count()


def letter_of(notice: Notice) -> Letter:
    """Its letter as it is made for its reader now; raises what keeps it from being sent."""
    kind = kind_of(notice)
    assert kind
    assert kind.letter
    with in_zone(notice.reader.time_zone):
        return kind.letter(notice)


def mailed(notice: Notice) -> list[str]:
    """The lines of its mail, which says in HTML what it says in text."""
    mail, letter = mail_of(notice), letter_of(notice)
    (html, _), *_ = mail.alternatives
    shown = unescape(str(html))
    for words in (letter.subject, *letter.lead.split("\n\n"), *chain(*letter.rows)):
        assert words in shown
    text = str(mail.body).partition("\n-- ")[0].replace("\u2060", "")
    return [str(mail.subject), *filter(None, text.replace(settings.SITE_URL, "").splitlines())]


def words_of(notice: Notice) -> str:
    """What the product says."""
    return text_of(notice).replace("\u2060", "")
