"""What settling asks of sessions, in SQL that is written once."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from common.prepared import prepared
from courses.models import CourseSession
from rooms.models import WebhookEvent


@prepared
def decidable_sessions(keys: list[UUID], ended_by: datetime) -> QuerySet[CourseSession]:
    """Those of the sessions that attendance can decide: over, and no event of them waits.

    Half of the evidence decides nothing.
    """
    waiting = WebhookEvent.objects.filter(session=OuterRef("pk"), processed_at=None)
    over = CourseSession.objects.ended_by(ended_by)
    return over.filter(pk__in=keys, status__in=CourseSession.OPEN).exclude(Exists(waiting))
