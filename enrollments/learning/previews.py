"""What cancelling now would refund, by the same rules as cancelling itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from common.money import ZERO
from enrollments import rules
from enrollments.quotes import CancellationPreview, Outlook
from enrollments.rules import Fate
from enrollments.services import enrolling, purchasing
from payments.models import HoldPart


def preview_enrollment(*, user: User, enrollment_id: UUID) -> CancellationPreview:
    """For the user's own enrolment; anyone else's raises `NotFound`."""
    enrollment = enrolling.find_enrollment(user, enrollment_id)
    return _preview(_parts(hold__enrollment=enrollment), rules.refuse_cancelling(enrollment))


def preview_purchase(*, user: User, purchase_id: UUID) -> CancellationPreview:
    """For the user's own single purchase; anyone else's raises `NotFound`."""
    purchase = purchasing.find_purchase(user, purchase_id)
    parts = _parts(hold__session_purchase=purchase)
    refusal = rules.refuse_cancelling_single(purchase, _pending(parts), timezone.now())
    return _preview(parts, refusal)


def preview_hand_back(*, user: User, enrollment_id: UUID, session_id: UUID) -> CancellationPreview:
    """For one session of the user's own enrolment; raises `NotFound` if there is none."""
    enrollment = enrolling.find_enrollment(user, enrollment_id)
    parts = _parts(hold__enrollment=enrollment, session=session_id)
    refusal = rules.refuse_hand_back(enrollment, _pending(parts), timezone.now(), sold=bool(parts))
    if isinstance(refusal, NotFound):
        raise refusal
    return _preview(parts, refusal)


def _parts(**where: Any) -> list[HoldPart]:
    parts = HoldPart.objects.filter(**where).order_by("session__session_number")
    return list(parts.select_related("session"))


def _pending(parts: list[HoldPart]) -> HoldPart | None:
    """The part that still pays for the session, if there is one."""
    return next((part for part in parts if part.status == HoldPart.Status.PENDING), None)


def _preview(parts: list[HoldPart], refusal: DomainError | None) -> CancellationPreview:
    now = timezone.now()
    outlooks = [_outlook(part, now) for part in parts]
    return CancellationPreview(outlooks, refusal)


def _outlook(part: HoldPart, now: datetime) -> Outlook:
    fate = rules.fate_of(part, now)
    refund = part.amount if fate == Fate.BACK else ZERO
    return Outlook(part.session_id, part.amount, refund, fate)
