"""The doors of the rooms: people without the right to be inside are removed, and rooms closed.

A pass works for minutes, LiveKit renews it, and with an old one a removed person can come back. So
the right to be there is checked when it ends, whenever LiveKit names somebody, and in each pass of
`poll_rooms`, which makes up for every failure. Nobody sees or hears the others before that.
"""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from courses.models import CourseSession
from enrollments.access import admitted
from payments.models import HoldPart
from rooms import livekit
from rooms.doors import Orders, closes_at, is_shut, users_among
from rooms.livekit import Connection, RoomEvent, VideoUnreachable, sources_of
from rooms.services.signs import ENDINGS

logger = logging.getLogger(__name__)
# `poll_rooms` has seen people whom LiveKit named longer ago than this.
JUST_NOW = timedelta(minutes=2)

_collected: ContextVar[set[UUID] | None] = ContextVar("rooms_to_check", default=None)


def keep_door(
    session: CourseSession, people: Sequence[Connection], *, within: float | None = None
) -> int:
    """Remove those of these people who may not be in the room, or close it if it is shut.

    Those who may, and receive nothing yet, are let in. Gives how many were removed; people who
    aren't our users stay. A repeat finds nobody. Asks LiveKit, for at most `within` seconds each
    time. Raises `VideoUnreachable`.
    """
    if is_shut(session, timezone.now()):
        livekit.close_room(session.room_name, within=within)
        return 0
    ours = users_among({somebody.identity for somebody in people})
    may_stay = admitted(session, [user.pk for user in ours.values()])
    strangers = [identity for identity, user in ours.items() if user.pk not in may_stay]
    if strangers:
        livekit.put_out(session.room_name, strangers, within=within)
    waiting = [one.identity for one in people if one.identity in ours and not one.let_in]
    if honest := [identity for identity in waiting if identity not in strangers]:
        sharing = {session.course.teacher_id, *Orders.of(session).sharing}
        sources = {key: sources_of(ours[key].pk in sharing) for key in honest}
        livekit.let_in(session.room_name, sources, within=within)
    return len(strangers)


def check_after_refund(parts: Iterable[HoldPart]) -> None:
    """Once the refund of these parts is committed, check those of their rooms that are open.

    The room of a session that was called off is already closed; nobody is removed from one that is
    over.
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


def look_at(event: RoomEvent) -> None:
    """LiveKit names somebody in a room: they are let in, or out before they see it.

    Asks LiveKit; a failure is logged and left to `poll_rooms`. Not for what happened long ago.
    """
    somebody, now = event.connection, timezone.now()
    if somebody is None or event.kind in ENDINGS or event.occurred_at is None:
        return
    session = CourseSession.objects.filter(room_name=event.room_name).first()
    if session is None or abs(now - event.occurred_at) > JUST_NOW:
        return
    try:
        if livekit.is_configured() and users_among({somebody.identity}):
            keep_door(session, [somebody])
    except VideoUnreachable as error:
        logger.warning("left to poll_rooms: the room of %s (%s)", session.pk, error)


def check_after_commit(sessions: Collection[UUID]) -> None:
    """Check the rooms of these sessions once the running transaction is committed.

    It takes at most `LIVEKIT_TIMEOUT_SECONDS` in total; failures are logged and left to
    `poll_rooms`.
    """
    if sessions and livekit.is_configured():
        transaction.on_commit(lambda: _check_or_collect(sessions), robust=True)


def close_after_commit(session: CourseSession) -> None:
    """Close the room of a deleted session once the transaction is committed.

    A failure is logged and left to LiveKit, which ends empty rooms.
    """
    if livekit.is_configured():
        room = session.room_name
        transaction.on_commit(lambda: _close(room), robust=True)


@contextmanager
def checked_together() -> Iterator[None]:
    """Check rooms once at the end, however many transactions ask for it."""
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


def _close(room: str) -> None:
    try:
        livekit.close_room(room)
    except VideoUnreachable as error:
        logger.warning("left to LiveKit: the room %s (%s)", room, error)


def _look_into(session: CourseSession, until: float) -> None:
    people = []
    if not is_shut(session, timezone.now()):
        people = livekit.people_in(session.room_name, within=until - time.monotonic())
    keep_door(session, people, within=until - time.monotonic())
