"""What is done about a room is written down: by whom, when, and whether it stands."""

from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.transactions import operation
from courses.locks import lock_session
from courses.models import CourseSession
from rooms.models import RoomDeed

Kind = RoomDeed.Kind


@operation
def do(
    session: CourseSession, kind: RoomDeed.Kind, *, actor: User, user_id: UUID | None = None
) -> None:
    """Write down that somebody did something in a session's room.

    A repeat changes nothing while the first stands. Locks the session.
    """
    lock_session(session.pk)
    deeds = RoomDeed.objects.standing().filter(session=session, kind=kind, user=user_id)
    if not deeds.exists():
        RoomDeed.objects.create(session=session, kind=kind, user_id=user_id, actor=actor)


@operation
def undo(
    session: CourseSession, kind: RoomDeed.Kind, *, actor: User, user_id: UUID | None = None
) -> None:
    """Write down that what was done no longer stands.

    A repeat changes nothing. Locks the session.
    """
    lock_session(session.pk)
    deeds = RoomDeed.objects.standing().filter(session=session, kind=kind, user=user_id)
    deeds.update(undone_at=timezone.now(), undone_by=actor)
