"""What is still to come of a payer's bookings, cancelled because their payment is disputed."""

from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.money import total
from common.transactions import operation
from courses.locks import lock_course
from enrollments.services import lifecycle
from payments.models import HoldPart, HoldStatus, PaymentHold
from settlement.errors import RefundChanged
from settlement.services.deciding import Decision, refund_hold


def unstarted_of(student_id: UUID) -> list[tuple[PaymentHold, list[HoldPart]]]:
    """The bookings of a student of which something is still to come, with those parts."""
    holds = PaymentHold.objects.filter(student=student_id, status=HoldStatus.HELD).order_by("pk")
    shown = holds.select_related(
        "student", "teacher", "enrollment__course", "session_purchase__course",
        "session_purchase__session",
    ).with_parts()  # fmt: skip
    found = ((hold, unstarted_parts(hold)) for hold in shown)
    return [(hold, parts) for hold, parts in found if parts]


def unstarted_parts(hold: PaymentHold) -> list[HoldPart]:
    """The pending parts of sessions that have not started, of a hold that comes with its parts."""
    now = timezone.now()
    return [
        part
        for part in hold.parts.all()
        if part.status == HoldPart.Status.PENDING and not part.session.has_started(now)
    ]


@operation
def cancel_unstarted(*, hold_id: UUID, expected: Decimal, actor: User, reason: str) -> Decision:
    """Give back what of a booking has not started, if it is as much as the clerk `expected`.

    What they owe is paid by it first. Student and teacher are told, with the `reason`. A repeat
    raises `RefundChanged`, and so does anything that happened since. Otherwise as `refund_hold`,
    with its locks.
    """
    booking = lifecycle.find_booking(hold_id)
    # No session is moved or called off while the course is locked.
    lock_course(booking.course_id)
    due = unstarted_parts(PaymentHold.objects.with_parts().get(pk=hold_id))
    refund = total(part.amount for part in due)
    if not due or refund != expected:
        raise RefundChanged(expected=expected, refund=refund)
    keys = [part.pk for part in due]
    return refund_hold(hold_id=hold_id, actor=actor, reason=reason, part_ids=keys)
