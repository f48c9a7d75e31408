"""Into a room: who gets a pass and is let in, why others aren't; what its teacher does there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from courses.models import CourseSession
from enrollments.access import Access, AccessReason, find_access, members_of
from rooms import livekit
from rooms.errors import (
    EndedEarly,
    RemovedFromRoom,
    RoomClosed,
    RoomNotOpen,
    VideoAway,
    VideoNotConfigured,
)
from rooms.livekit import SEEN, SHARING, Join, VideoUnreachable, sources_of
from rooms.models import RoomDeed
from rooms.services import deeds

Kind = RoomDeed.Kind


def refuse_entry(access: Access, now: datetime) -> DomainError | None:
    """Why no pass can be had now, if so."""
    if not access.has_access:
        return NotFound()
    if access.removed:
        return RemovedFromRoom()
    if now < access.opens_at:
        return RoomNotOpen()
    if now >= access.closes_at:
        return RoomClosed()
    if access.ended_early:
        return EndedEarly()
    return None if livekit.is_configured() else VideoNotConfigured()


def join_of(session: CourseSession, user: User, access: Access, *, now: datetime) -> Join | None:
    """A pass to the session's room that works for some minutes; None if `refuse_entry` says why.

    To ask at the door of a session that its teacher ended early is written down: who comes in vain
    has not missed it.
    """
    if refusal := refuse_entry(access, now):
        if isinstance(refusal, EndedEarly) and access.reason != AccessReason.TEACHER:
            deeds.do(session, Kind.KNOCKED, actor=user, user_id=user.pk)
        return None
    lives = min(session.ends_at - now, timedelta(minutes=settings.JOIN_PASS_MINUTES))
    return livekit.pass_into(session.room_name, user, sources_of(access.may_share), lives=lives)


def enter(*, user: User, session_id: UUID) -> Join:
    """A pass to a session's room, which is made if it isn't there.

    Raises what `refuse_entry` gives, `VideoAway`, and `NotFound`. Asks LiveKit.
    """
    session, access = find_access(user=user, session_id=session_id)
    now = timezone.now()
    join = join_of(session, user, access, now=now)
    if join is None:
        raise refuse_entry(access, now) or NotFound
    with _answering():
        livekit.make_room(session.room_name, empty_for=session.ends_at - now)
    return join


def let_in(*, user: User, session_id: UUID) -> None:
    """Let a user who has come into a session's room see and hear the others.

    At once, because their page asks: LiveKit's word of it may be late or lost. A repeat changes
    nothing. Raises what `enter` does. Asks LiveKit.
    """
    session, access = find_access(user=user, session_id=session_id)
    if refusal := refuse_entry(access, timezone.now()):
        raise refusal
    with _answering():
        livekit.let_in(session.room_name, {str(user.pk): sources_of(access.may_share)})


def remove(session: CourseSession, teacher: User, student: UUID) -> None:
    """Keep a student out of the room until let in again. A repeat changes nothing."""
    deeds.do(session, Kind.REMOVED, actor=teacher, user_id=student)
    livekit.put_out(session.room_name, [str(student)])


def admit(session: CourseSession, teacher: User, student: UUID) -> None:
    """Let a student in again who was removed. A repeat changes nothing."""
    deeds.undo(session, Kind.REMOVED, actor=teacher, user_id=student)


def mute(session: CourseSession, teacher: User, student: UUID) -> None:
    """Mute a student, who can turn the microphone on again."""
    deeds.do(session, Kind.MUTED, actor=teacher, user_id=student)
    livekit.mute(session.room_name, str(student))


def share(session: CourseSession, teacher: User, student: UUID) -> None:
    """Let a student share the screen. A repeat changes nothing."""
    deeds.do(session, Kind.SHARING, actor=teacher, user_id=student)
    livekit.let_in(session.room_name, {str(student): SHARING})


def unshare(session: CourseSession, teacher: User, student: UUID) -> None:
    """Let a student no longer share the screen. A repeat changes nothing."""
    deeds.undo(session, Kind.SHARING, actor=teacher, user_id=student)
    livekit.let_in(session.room_name, {str(student): SEEN})


VERBS: dict[str, Callable[[CourseSession, User, UUID], None]] = {
    "remove": remove,
    "admit": admit,
    "mute": mute,
    "share": share,
    "unshare": unshare,
}


def order(verb: str, *, teacher: User, session_id: UUID, student_id: UUID) -> None:
    """Do one of `VERBS` to a student, on behalf of the session's teacher, while its room is open.

    It is written down first. Raises `NotFound` for anybody else's session or student,
    `RoomNotOpen`, `RoomClosed`, and `VideoAway`, after which a repeat asks LiveKit again. Locks the
    session.
    """
    session = _taught(teacher, session_id)
    if verb not in VERBS or student_id == teacher.pk or student_id not in members_of(session):
        raise NotFound
    with _answering():
        VERBS[verb](session, teacher, student_id)


def end_for_all(*, teacher: User, session_id: UUID) -> None:
    """End a session before its time: nobody may be in its room until `resume`.

    A repeat closes the room again. Raises and locks what `order` does.
    """
    session = _taught(teacher, session_id)
    deeds.do(session, Kind.ENDED, actor=teacher)
    with _answering():
        livekit.close_room(session.room_name)


def resume(*, teacher: User, session_id: UUID) -> None:
    """Undo `end_for_all`, until the session's scheduled end. A repeat changes nothing.

    Raises and locks what `order` does.
    """
    session = _taught(teacher, session_id)
    deeds.undo(session, Kind.ENDED, actor=teacher)
    with _answering():
        livekit.make_room(session.room_name, empty_for=session.ends_at - timezone.now())


def _taught(teacher: User, session_id: UUID) -> CourseSession:
    """The user's own session, while its room is open."""
    session, access = find_access(user=teacher, session_id=session_id)
    if access.reason != AccessReason.TEACHER:
        raise NotFound
    refusal = refuse_entry(access, timezone.now())
    if refusal and not isinstance(refusal, EndedEarly):
        raise refusal
    return session


@contextmanager
def _answering() -> Iterator[None]:
    """Our own words where LiveKit doesn't answer: its errors quote what it was sent."""
    try:
        yield
    except VideoUnreachable as error:
        raise VideoAway from error
