"""Who was in a room, and for how long, according to its signs. Arithmetic, no database.

Signs are LiveKit events and answered polls. They may come late, twice, out of order, or never, and
add up to the same in any order. Each belongs to a *stay* (a person's connection to a room), to a
*watch* (one LiveKit room, or a run of polls), or to both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol
from uuid import UUID

NONE = timedelta(0)
Span = tuple[datetime, datetime]

ROOM_STARTED = "room_started"
ROOM_FINISHED = "room_finished"


@dataclass(slots=True)
class Stay:
    """A connection to a room: since when, and until when, if known.

    `seen_at` is its own last sign, `gone_at` the first later poll that did not find it. Without
    `joined_at` it never became active, as far as is known. A person who was `removed` did not
    choose to leave, and one who was `shut_out` did not choose to stay away.
    """

    room_sid: str
    joined_at: datetime | None
    left_at: datetime | None
    seen_at: datetime
    gone_at: datetime | None
    removed: bool = False
    shut_out: bool = False


@dataclass(slots=True)
class Watch:
    """A LiveKit room, which has an id; or, without one, a run of answered polls.

    From when until when it was watched, if both are known; `seen_at` is its last sign. It was not
    if news of it was dropped.
    """

    room_sid: str
    started_at: datetime | None
    finished_at: datetime | None
    seen_at: datetime
    num_dropped: int = 0


class Signs(Protocol):
    """A stay, or a row that keeps one."""

    joined_at: datetime | None
    left_at: datetime | None
    seen_at: datetime
    gone_at: datetime | None


class Watched(Protocol):
    """A watch, or a row that keeps one."""

    started_at: datetime | None
    finished_at: datetime | None
    seen_at: datetime


def add_sign(
    stay: Signs, at: datetime, *, since: datetime | None = None, ends: bool = False
) -> None:
    """Add to a stay that it gave a sign `at` a time.

    It has been active `since` then, if the sign says so; or it `ends`.
    """
    stay.seen_at = max(stay.seen_at, at)
    stay.joined_at = _earlier(stay.joined_at, since)
    if ends:
        stay.left_at = _earlier(stay.left_at, at)
    if stay.gone_at is not None and stay.gone_at <= stay.seen_at:
        stay.gone_at = None


def add_event(watch: Watched, kind: str, at: datetime) -> None:
    """Add to a watch what happened in its room `at` a time."""
    watch.seen_at = max(watch.seen_at, at)
    if kind == ROOM_STARTED:
        watch.started_at = _earlier(watch.started_at, at)
    elif kind == ROOM_FINISHED:
        watch.finished_at = _earlier(watch.finished_at, at)


class Evidence:
    """What is known about a session between `start` and `end`: who was there, and what is unknown.

    After a change of its start or length, at `changed_at`, only stays with a later sign count.
    Polls at most `apart` from each other also watch the time between them.
    """

    def __init__(
        self,
        stays: Iterable[tuple[UUID, Stay]],
        watches: Iterable[Watch],
        *,
        start: datetime,
        end: datetime,
        changed_at: datetime | None = None,
        apart: timedelta,
    ) -> None:
        watches = [*watches]
        self._window = (start, end)
        self._unwatched = gaps(_watched(watches, apart), start, end)
        self._removed: set[UUID] = set()
        self._shut_out: set[UUID] = set()
        spans: defaultdict[UUID, list[Span]] = defaultdict(list)
        for user, stay in stays:
            if changed_at is not None and stay.seen_at <= changed_at:
                continue
            if stay.joined_at:
                spans[user].append((stay.joined_at, _end_of(stay, watches, apart)))
            if stay.left_at and stay.left_at < end:
                if stay.removed:
                    self._removed.add(user)
                if stay.shut_out:
                    self._shut_out.add(user)
        self._there = {user: within(times, start, end) for user, times in spans.items()}

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self._window[1] - self._window[0]

    @property
    def unwatched(self) -> timedelta:
        """For how much of it we wouldn't know who came."""
        return length(self._unwatched)

    def people(self) -> set[UUID]:
        """Those who were connected at any time, or kept out."""
        return set(self._there) | self._removed | self._shut_out

    def was_removed(self, user: UUID) -> bool:
        """Whether a person was removed before it was over, even while waiting for it to start."""
        return user in self._removed

    def was_shut_out(self, user: UUID) -> bool:
        """Whether a person came in vain, because it had been ended before its time."""
        return user in self._shut_out

    def least(self, user: UUID) -> timedelta:
        """How long a person is known to have been there."""
        return length(self._there.get(user, []))

    def most(self, user: UUID) -> timedelta:
        """How long a person may have been there, with all of the unknown time."""
        return length(union([*self._there.get(user, []), *self._unwatched]))


def union(spans: Iterable[Span], apart: timedelta = NONE) -> list[Span]:
    """These spans in order, merging those that meet or are at most `apart`."""
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] <= span[1]):
        if joined and start - joined[-1][1] <= apart:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def within(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """The pieces of these spans between `start` and `end`, merged where they meet."""
    return union((max(since, start), min(until, end)) for since, until in spans)


def gaps(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """The time between `start` and `end` that is in none of these spans."""
    edges = [start, *(edge for span in within(spans, start, end) for edge in span), end]
    return [span for n, span in enumerate(pairwise(edges)) if n % 2 == 0]


def length(spans: Sequence[Span]) -> timedelta:
    """The total length of spans that don't overlap."""
    return sum((end - start for start, end in spans), NONE)


def _watched(watches: Iterable[Watch], apart: timedelta) -> list[Span]:
    rooms: list[Span] = []
    polls: list[Span] = []
    for watch in watches:
        if watch.started_at and watch.finished_at and not watch.num_dropped:
            spans = rooms if watch.room_sid else polls
            spans.append((watch.started_at, watch.finished_at))
    return [*rooms, *union(polls, apart)]


def _end_of(stay: Stay, watches: Sequence[Watch], apart: timedelta) -> datetime:
    """When a stay ended, as far as there is evidence.

    If its end was lost: with its room; otherwise at its own last sign or that of its room, because
    leaving would have been reported. Not after a poll did not find it, nor after another room has
    started.
    """
    if stay.left_at is not None:
        return stay.left_at
    end = stay.seen_at
    for room in watches:
        if room.room_sid == stay.room_sid:
            last = room.finished_at or room.seen_at
            if not _is_succeeded(stay, watches, by=last):
                end = max(end, last)
    missed = (_missed_by(run, stay.seen_at, apart) for run in watches if not run.room_sid)
    return min(filter(None, (end, stay.gone_at, *missed)))


def _missed_by(run: Watch, seen_at: datetime, apart: timedelta) -> datetime | None:
    """The latest time at which a run of polls missed a stay that was last seen before its end.

    We may hear of a stay only later, so that no poll noted it.
    """
    if run.started_at is None or run.seen_at <= seen_at:
        return None
    return max(run.started_at, min(run.seen_at, seen_at + apart))


def _is_succeeded(stay: Stay, watches: Iterable[Watch], *, by: datetime) -> bool:
    """Whether another room had started `by` a time, after this stay began."""
    assert stay.joined_at
    return any(
        other.room_sid not in ("", stay.room_sid)
        and other.started_at is not None
        and stay.joined_at < other.started_at < by
        for other in watches
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)
