"""Every kind of notice: how its facts become an email and a notice on the site.

Each app registers its own in its module `messages`, which is imported when the project starts:

    MOVED = register(Kind(name="session_moved", …))

and tells people at the end of the transaction that it is about:

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
    """Emails that readers can turn off, one by one."""

    REMINDERS = "reminders", "Reminders"
    ANNOUNCEMENTS = "announcements", "Announcements"
    DIGESTS = "digests", "Digests"


class NoLongerTrue(Exception):
    """What an email would say is no longer true: it is dropped, and the reason is kept with it."""


@dataclass(frozen=True)
class Button:
    """What the reader can do: a path on this site, which may contain a token made just now."""

    label: str
    path: str


@dataclass(frozen=True)
class Quote:
    """What someone wrote, word for word, and who."""

    words: str
    by: str = ""


@dataclass(frozen=True)
class CalendarPart:
    """The part of an email for calendars: iCalendar in UTF-8, its METHOD, the `uids` in it.

    With a `file_name` it is a file to keep; otherwise an alternative part, to be acted on.
    """

    content: bytes
    method: str
    uids: tuple[str, ...]
    file_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """All that an email says: its text and HTML are made from it.

    An empty line in `lead` starts a new paragraph. `rows` are pairs of label and value. `calendar`
    are the parts for calendars, which understand one session a part.
    """

    subject: str
    lead: str
    rows: tuple[tuple[str, str], ...] = ()
    quote: Quote | None = None
    button: Button | None = None
    calendar: tuple[CalendarPart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind: its `name` is a promise, in the API too; `told` and `to` say who is told what.

    `letter` makes the email of a notice, or raises `NoLongerTrue`; `text` makes the words of the
    notice on the site. Both run in the reader's zone and query what isn't among the facts. Either
    may be missing: then there is no email, or only an email. `page` is where the notice leads, a
    path on this site.

    Kinds in a `group` can be turned off; those about money, time or the account are in none.
    `must_acknowledge` means that the reader has to confirm it. An email goes to the reader's
    address, unless `address` gives another one. One that `proves` an address is sent even where no
    other email may go.
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
        """What to tell a reader, for `put`: once `about` one thing.

        That is the key of a purchase, say, or of a session with the number of its moves. The email
        is dropped if it hasn't been sent by `until`. `facts` may contain what facts.py accepts.
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
    """Register a kind, once; returns it."""
    if kind.name in _kinds:
        raise ValueError(f"There are two kinds called {kind.name}.")
    _kinds[kind.name] = kind
    return kind


def kind_of(notice: Notice) -> Kind | None:
    """The kind of a notice; None if the code no longer has it."""
    return _kinds.get(notice.kind)


def address_of(notice: Notice) -> str:
    """Where its email goes: usually the reader's current address. Reads `reader`."""
    kind = kind_of(notice)
    return kind.address(notice) if kind and kind.address else notice.reader.email


def every_kind() -> Iterator[Kind]:
    """Every kind, sorted by name."""
    return iter(sorted(_kinds.values(), key=lambda kind: kind.name))


def kinds_of(group: Group) -> list[Kind]:
    """The kinds whose emails are turned off together."""
    return [kind for kind in every_kind() if kind.group is group]


def table() -> str:
    """Every kind, as the table in docs/notices.md."""
    head = "| kind | to | tells of | mail | notice | to acknowledge | can be turned off |"
    rows = [_row(kind) for kind in every_kind()]
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def _row(kind: Kind) -> str:
    said = [kind.letter is not None, kind.text is not None, kind.must_acknowledge]
    words = ["yes" if so else "" for so in said]
    turned_off = f"as {kind.group.value}" if kind.group else "no"
    return f"| {' | '.join([f'`{kind.name}`', kind.to, kind.told, *words, turned_off])} |"
