"""What settling asks of sessions, in SQL that is written once; and which holds wait for staff."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.prepared import prepared
from courses.models import CourseSession
from payments.models import HoldPart, HoldQuerySet, HoldStatus, PaymentHold
from rooms.models import WebhookEvent


@prepared
def decidable_sessions(keys: list[UUID], ended_by: datetime) -> QuerySet[CourseSession]:
    """Those of the sessions that attendance can decide: over, and no event of them waits.

    Half of the evidence decides nothing.
    """
    waiting = WebhookEvent.objects.filter(session=OuterRef("pk"), processed_at=None)
    over = CourseSession.objects.ended_by(ended_by)
    return over.filter(pk__in=keys, status__in=CourseSession.OPEN).exclude(Exists(waiting))


def holds_under_review() -> HoldQuerySet:
    """Those of which staff have to decide on a part: found by the few parts that say why."""
    return _with_pending(~Q(review_reason=""))


def holds_overdue(by: datetime) -> HoldQuerySet:
    """Those that settlement should have seen to by a time, and staff need not decide on.

    Found by their sessions: of one that is completed, nothing waits but for staff.
    """
    open_or_off = (*CourseSession.OPEN, CourseSession.Status.CANCELLED)
    sessions = CourseSession.objects.settling_at(by).filter(status__in=open_or_off)
    return _with_pending(Q(review_reason="", session__in=sessions))


def _with_pending(which: Q) -> HoldQuerySet:
    pending = HoldPart.objects.filter(which, status=HoldPart.Status.PENDING)
    return PaymentHold.objects.filter(pk__in=pending.values("hold"), status=HoldStatus.HELD)
