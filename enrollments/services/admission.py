"""The doors of the rooms: whoever has no right to be inside is put out, what is over is closed.

A pass lets in for minutes, LiveKit itself hands out new ones, and an old one lets in again whoever
was put out. So the right to be there is looked at when it ends, when somebody comes, and by each
pass of `poll_rooms`, which makes up for all that failed.
"""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from courses.models import CourseSession
from enrollments.access import admitted
from payments.models import HoldPart
from rooms import livekit
from rooms.doors import closes_at, is_shut, users_among
from rooms.livekit import Connection, VideoUnreachable
from rooms.services.events import Joined

logger = logging.getLogger(__name__)
# Whoever came longer ago than this was seen by `poll_rooms`.
JUST_NOW = timedelta(minutes=2)

_collected: ContextVar[set[UUID] | None] = ContextVar("rooms_to_check", default=None)


def keep_door(
    session: CourseSession, people: Sequence[Connection], *, within: float | None = None
) -> int:
    """Put out of a room whoever of these people may not be there, or close it where it is shut.

    Gives how many it put out; those who are no users of ours stay. A repeat finds nobody. Asks
    LiveKit, for `within` so many seconds. Raises `VideoUnreachable`.
    """
    if is_shut(session, timezone.now()):
        livekit.close_room(session.room_name, within=within)
        return 0
    ours = users_among({somebody.identity for somebody in people})
    may_stay = admitted(session, [user.pk for user in ours.values()])
    strangers = [identity for identity, user in ours.items() if user.pk not in may_stay]
    if strangers:
        livekit.put_out(session.room_name, strangers, within=within)
    return len(strangers)


def check_after_refund(parts: Iterable[HoldPart]) -> None:
    """Once it is committed that these parts came back, look into those rooms that are open.

    The room of a session that was called off is closed already; of one that is over, nobody is
    put out any more.
    """
    now, off = timezone.now(), CourseSession.Status.CANCELLED
    opened_by = now + timedelta(minutes=settings.JOIN_OPENS_MINUTES)
    due = [
        part.session_id
        for part in parts
        if part.session.starts_at <= opened_by
        and now < part.session.ends_at
        and part.session.status != off
    ]
    check_after_commit(set(due))


def check_joiner(joined: Joined) -> None:
    """Somebody came into a room: it is looked into, if need be."""
    session, user, now = joined.session, joined.user, timezone.now()
    if abs(now - joined.at) < JUST_NOW and (
        is_shut(session, now) or user.pk not in admitted(session, [user.pk])
    ):
        check_after_commit({session.pk})


def check_after_commit(sessions: Collection[UUID]) -> None:
    """Look into the rooms of these sessions once the transaction that runs is committed.

    For `LIVEKIT_TIMEOUT_SECONDS` at most, all together; what fails is logged, and left to
    `poll_rooms`.
    """
    if sessions and livekit.is_configured():
        transaction.on_commit(lambda: _check_or_collect(sessions), robust=True)


def close_after_commit(session: CourseSession) -> None:
    """Close the room of a session that the transaction deletes, once it is committed.

    What fails is logged, and left to LiveKit, which ends a room that is empty.
    """
    if livekit.is_configured():
        transaction.on_commit(partial(livekit.close_room, session.room_name), robust=True)


@contextmanager
def checked_together() -> Iterator[None]:
    """Look into rooms once at the end, whatever number of transactions asks for it."""
    collected: set[UUID] = set()
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
        if collected:
            _check(collected)


def _check_or_collect(sessions: Collection[UUID]) -> None:
    collected = _collected.get()
    if collected is None:
        _check(sessions)
    else:
        collected.update(sessions)


def _check(keys: Collection[UUID]) -> None:
    until = time.monotonic() + settings.LIVEKIT_TIMEOUT_SECONDS
    try:
        for session in CourseSession.objects.filter(pk__in=keys):
            if timezone.now() < closes_at(session):
                _look_into(session, until)
    except VideoUnreachable as error:
        logger.warning("left to poll_rooms: the rooms of %s (%s)", sorted(map(str, keys)), error)


def _look_into(session: CourseSession, until: float) -> None:
    people = []
    if not is_shut(session, timezone.now()):
        people = livekit.people_in(session.room_name, within=until - time.monotonic())
    keep_door(session, people, within=until - time.monotonic())
