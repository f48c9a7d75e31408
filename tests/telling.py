"""What somebody is told: the notice in the product, and the letter of which its mail is made."""

from typing import Any

from common.formats import in_zone
from notices.kinds import Letter, kind_of
from notices.models import Notice
from notices.rendering import text_of


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


def lines_of(letter: Letter) -> list[str]:
    """All that a letter says, a line each."""
    quote = [f"{letter.quote.by}: {letter.quote.words}"] if letter.quote else []
    button = [f"[{letter.button.label}] {letter.button.path}"] if letter.button else []
    rows = [f"{label}: {value}" for label, value in letter.rows]
    text = "\n".join([letter.subject, letter.lead, *rows, *quote, *button])
    return text.replace("\u2060", "").splitlines()


def words_of(notice: Notice) -> str:
    """What the product says."""
    return text_of(notice).replace("\u2060", "")
