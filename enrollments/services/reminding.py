"""Remind people of what they booked or teach, before it starts."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from common.transactions import operation
from courses.locks import claim_session
from courses.models import CourseSession
from enrollments.messages.reminders import DAY, HOUR, tell_soon
from enrollments.models import Reminder

NONE = timedelta()


def remind_all() -> Iterator[int]:
    """Remind people of sessions that are a day or an hour ahead; gives how many for each session.

    Each is a transaction of its own. A repeat finds nobody to remind; any number may run at once.
    """
    now = timezone.now()
    for ahead, nearer in ((DAY, HOUR), (HOUR, NONE)):
        told = Reminder.objects.filter(
            session=OuterRef("pk"), starts_at=OuterRef("starts_at"), hours=ahead // HOUR
        )
        soon = CourseSession.objects.filter(
            ~Exists(told), starts_at__gt=now + nearer, starts_at__lte=now + ahead
        )
        for key in soon.filter(status__in=CourseSession.OPEN).values_list("pk", flat=True):
            yield remind(key, ahead=ahead)


@operation
def remind(session_id: UUID, *, ahead: timedelta) -> int:
    """Remind people of one session, so much `ahead`; gives how many. Once for each of its starts.

    Nobody is reminded of a session that they heard about later than that, because it was added or
    moved. A session that is being changed is left to the next pass. Locks the session.
    """
    session, now = claim_session(session_id), timezone.now()
    if session is None or not (session.is_open(now) and session.starts_at <= now + ahead):
        return 0
    row = {"session": session, "hours": ahead // HOUR, "starts_at": session.starts_at}
    if Reminder.objects.filter(**row).exists():
        return 0
    Reminder.objects.create(**row)
    known_at = max(session.created_at, session.rescheduled_at or session.created_at)
    return tell_soon(session, ahead=ahead) if known_at <= session.starts_at - ahead else 0
