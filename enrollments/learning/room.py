"""A session's room as those who may be there see it: who is who, who is here, since when."""

from datetime import datetime
from operator import itemgetter
from uuid import UUID

from accounts.models import User
from common.shapes import Json
from courses.models import CourseSession
from enrollments.access import Access, AccessReason, members_of
from rooms import queries
from rooms.doors import Orders


def state_of(session: CourseSession, user: User, access: Access, *, now: datetime) -> Json:
    """What the page of a room asks for now and then; three statements.

    Names, and who teaches, are ours, by LiveKit's identities. Until the room opens the user sees
    the teacher and themselves.
    """
    orders, teacher = Orders.of(session), session.course.teacher_id
    names = members_of(session)
    if now < access.opens_at and access.reason != AccessReason.TEACHER:
        names = {key: name for key, name in names.items() if key in (teacher, user.pk)}

    def person(key: UUID, name: str) -> Json:
        return {
            "identity": str(key),
            "name": name,
            "teacher": key == teacher,
            "may_share": key == teacher or key in orders.sharing,
            "removed": key in orders.removed,
        }

    return {
        "now": now,
        "opens_at": access.opens_at,
        "starts_at": session.starts_at,
        "closes_at": access.closes_at,
        "ended_at": orders.ended_at,
        "me": person(user.pk, user.display_name),
        "people": [person(key, name) for key, name in names.items()],
        "present": [{"identity": str(key), "since": since} for key, since in _here_since(session)],
    }


def _here_since(session: CourseSession) -> list[tuple[UUID, datetime]]:
    """Who is in the room, and since when; who has been there longest comes first."""
    since: dict[UUID, datetime] = {}
    for key, joined_at in queries.people_here(session.pk):
        since[key] = min(joined_at, since.get(key, joined_at))
    return sorted(since.items(), key=itemgetter(1))
