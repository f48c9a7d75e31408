"""Every kind of thing that people are told: how its facts become a mail and a notice.

Each app registers its own in its module `messages`, which is imported when the project starts:

    MOVED = register(Kind(name="session_moved", …))

and tells people at the end of the transaction that did it:

    put(MOVED.tell(student, about=…, facts={…}) for student in students)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models

from notices.facts import plain
from notices.models import Notice

LONGEST_NAME = Notice._meta.get_field("kind").max_length or 0
LONGEST_KEY = Notice._meta.get_field("dedupe_key").max_length or 0


class Group(models.TextChoices):
    """What readers can turn off, one by one."""

    REMINDERS = "reminders", "Reminders"
    ANNOUNCEMENTS = "announcements", "Announcements"
    DIGESTS = "digests", "Digests"


class NoLongerTrue(Exception):
    """What a mail would tell is not so any more: it is dropped, and the reason stays with it."""


@dataclass(frozen=True)
class Button:
    """What the reader can do: a path on this site, which may hold a token that is made now."""

    label: str
    path: str


@dataclass(frozen=True)
class Quote:
    """What somebody wrote, word by word, and who."""

    words: str
    by: str = ""


@dataclass(frozen=True)
class CalendarPart:
    """What a calendar makes of a mail: iCalendar in UTF-8, and the METHOD that stands in it.

    With a `file_name` it is a file to keep, else the same mail once more, to be acted on.
    """

    content: bytes
    method: str
    file_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """All that a mail says: text and HTML are made of it.

    An empty line in `lead` begins a new paragraph. `rows` are a label and a value each. `calendar`
    is what calendars read of it.
    """

    subject: str
    lead: str
    rows: tuple[tuple[str, str], ...] = ()
    quote: Quote | None = None
    button: Button | None = None
    calendar: CalendarPart | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind: its `name` is a promise, of the API too; `told` says `to` whom it tells what.

    `letter` makes the mail of a notice, or raises `NoLongerTrue`; `text` the words of the notice in
    the product. Both run in the reader's zone, and read what is not among the facts; one of them
    may be missing: then it is no mail, or nothing but a mail. `page` is where the notice leads, a
    path on this site.

    What is in a `group` can be turned off; what touches money, time or the account is in none. What
    the reader has to say that they know `must_acknowledge`. A mail goes to the reader's address,
    unless `address` names another one. One that `proves` an address goes to where no other may.
    """

    name: str
    to: str
    told: str
    letter: Callable[[Notice], Letter] | None = None
    text: Callable[[Notice], str] | None = None
    page: Callable[[Notice], str] | None = None
    group: Group | None = None
    must_acknowledge: bool = False
    address: Callable[[Notice], str] | None = None
    proves: bool = False

    def __post_init__(self) -> None:
        if not (self.letter or self.text):
            raise ValueError(f"{self.name} says nothing.")
        if not 0 < len(self.name) <= LONGEST_NAME:
            raise ValueError(f"{self.name!r}: a name has 1 to {LONGEST_NAME} characters.")
        if self.must_acknowledge and (self.group or not self.text):
            raise ValueError(f"{self.name}: what is to be acknowledged is always shown.")

    def tell(
        self,
        reader_id: UUID,
        *,
        about: object,
        facts: Mapping[str, object] | None = None,
        until: datetime | None = None,
        course_id: UUID | None = None,
        session_id: UUID | None = None,
    ) -> Notice:
        """What a reader is to be told, for `put`: once `about` one thing.

        Such as the key of a purchase, or that of a session with the count of its moves. The mail
        is dropped if it has not gone out by `until`. `facts` may hold what facts.py takes.
        """
        key = f"{self.name}:{about}:{reader_id}"
        if len(key) > LONGEST_KEY:
            raise ValueError(f"{key} is longer than {LONGEST_KEY} characters.")
        return Notice(
            reader_id=reader_id,
            kind=self.name,
            dedupe_key=key,
            facts=plain(facts or {}),
            course_id=course_id,
            session_id=session_id,
            is_notice=self.text is not None,
            must_acknowledge=self.must_acknowledge,
            mail=Notice.Mail.WAITING if self.letter else Notice.Mail.NONE,
            until=until,
        )


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known, once; gives it back."""
    if kind.name in _kinds:
        raise ValueError(f"There are two kinds called {kind.name}.")
    _kinds[kind.name] = kind
    return kind


def kind_of(notice: Notice) -> Kind | None:
    """What makes words of it; None where no code does any more."""
    return _kinds.get(notice.kind)


def address_of(notice: Notice) -> str:
    """Where its mail goes: to the reader's address as it is now, but for a few. Reads `reader`."""
    kind = kind_of(notice)
    return kind.address(notice) if kind and kind.address else notice.reader.email


def every_kind() -> Iterator[Kind]:
    """Every kind there is, in the order of their names."""
    return iter(sorted(_kinds.values(), key=lambda kind: kind.name))


def table() -> str:
    """Every kind as docs/notices.md lists it."""
    head = "| kind | to | tells of | mail | notice | to acknowledge | can be turned off |"
    rows = [_row(kind) for kind in every_kind()]
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def _row(kind: Kind) -> str:
    said = [kind.letter is not None, kind.text is not None, kind.must_acknowledge]
    words = ["yes" if so else "" for so in said]
    turned_off = f"as {kind.group.value}" if kind.group else "no"
    return f"| {' | '.join([f'`{kind.name}`', kind.to, kind.told, *words, turned_off])} |"
