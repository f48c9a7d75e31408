"""What cancelling now would give back, by the functions that cancelling itself uses."""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from enrollments.quotes import CancellationPreview, outlook
from enrollments.services import enrolling, purchasing
from payments.models import HoldPart


def preview_enrollment(*, user: User, enrollment_id: UUID) -> CancellationPreview:
    """For one's own enrolment; anybody else's raises `NotFound`."""
    enrollment = enrolling.find_enrollment(user, enrollment_id)
    return _preview(_parts(hold__enrollment=enrollment), enrolling.refuse_cancelling(enrollment))


def preview_purchase(*, user: User, purchase_id: UUID) -> CancellationPreview:
    """For one's own single purchase; anybody else's raises `NotFound`."""
    purchase = purchasing.find_purchase(user, purchase_id)
    parts = _parts(hold__session_purchase=purchase)
    pending = [part for part in parts if part.status == HoldPart.Status.PENDING]
    return _preview(parts, purchasing.refuse_cancelling(purchase, pending, timezone.now()))


def preview_hand_back(*, user: User, enrollment_id: UUID, session_id: UUID) -> CancellationPreview:
    """For one session of one's own enrolment; raises `NotFound` where there is none."""
    enrollment = enrolling.find_enrollment(user, enrollment_id)
    parts = _parts(hold__enrollment=enrollment, session=session_id)
    pending = [part for part in parts if part.status == HoldPart.Status.PENDING]
    refusal = enrolling.refuse_hand_back(enrollment, session_id, pending, timezone.now())
    if isinstance(refusal, NotFound):
        raise refusal
    return _preview(parts, refusal)


def _parts(**where: Any) -> list[HoldPart]:
    parts = HoldPart.objects.filter(**where).order_by("session__session_number")
    return list(
        parts.annotate(
            starts_at=F("session__starts_at"),
            duration_minutes=F("session__duration_minutes"),
            session_status=F("session__status"),
        )
    )


def _preview(parts: list[HoldPart], refusal: DomainError | None) -> CancellationPreview:
    now = timezone.now()
    outlooks = [outlook(part, now) for part in parts]
    return CancellationPreview(outlooks, refusal.code if refusal else None)
