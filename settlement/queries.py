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
    """Those of which staff have to decide on a part."""
    return _with_pending(~Q(review_reason=""))


def holds_overdue(by: datetime) -> HoldQuerySet:
    """Those that settlement should have seen to by a time, and staff need not decide on."""
    return _with_pending(Q(review_reason="", session__in=CourseSession.objects.settling_at(by)))


def _with_pending(which: Q) -> HoldQuerySet:
    pending = HoldPart.objects.filter(hold=OuterRef("pk"), status=HoldPart.Status.PENDING)
    return PaymentHold.objects.filter(Exists(pending.filter(which)), status=HoldStatus.HELD)
