"""Buy a single session, cancel it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.transactions import operation
from common.writing import insert
from courses.locks import lock_course, lock_course_of
from courses.models import CourseSession
from enrollments import queries, rules
from enrollments.errors import AlreadyPurchased, PriceChanged
from enrollments.messages.bookings import tell_booked, tell_cancelled
from enrollments.models import SessionPurchase
from enrollments.rows import SessionOnSale
from enrollments.services import lifecycle
from enrollments.services.lifecycle import Cancellation
from payments.models import HoldPart
from payments.services.holds import place_hold


@operation
def purchase_session(
    *, student: User, session_id: UUID, expected_price: Decimal | None = None
) -> SessionPurchase:
    """Buy one session; gives the purchase with session, course, teacher and hold.

    A repeat raises `AlreadyPurchased`. Raises `NotFound`, `OwnCourse`, `IncludedInEnrollment`,
    `SessionStarted`, `NotForSale`, `SoldOut`, `InsufficientCredit`, and `PriceChanged` if the
    price in credits is not the one expected. Locks the course, then the wallet.
    """
    on_sale = _lock_course_of(student, session_id)
    session, now = on_sale.session, timezone.now()
    if refusal := rules.refuse_session(on_sale, student, now):
        raise refusal
    price = session.course.price_per_session
    assert price is not None
    assert on_sale.wallet_id
    if expected_price is not None and expected_price != price:
        raise PriceChanged(expected=expected_price, price=price)
    purchase = _insert_purchase(student, session, price, now)
    place_hold(
        student=student,
        course=session.course,
        shares=[(session, price)],
        now=now,
        wallet_id=on_sale.wallet_id,
        session_purchase=purchase,
    )
    tell_booked(purchase, [session])
    return purchase


@operation
def cancel_session_purchase(
    *, student: User, purchase_id: UUID, reason: str = "", expected_refund: Decimal | None = None
) -> Cancellation:
    """Cancel one session before it starts; its credit returns to the wallet.

    A repeat raises `AlreadyCancelled`. Raises `SessionStarted`, `HoldSettled` once settled,
    `NotFound` if it is not the student's, and `RefundLowered` if the refund is less than expected,
    in credits. Locks the course, the purchase, its hold, the wallet.
    """
    purchase = find_purchase(student, purchase_id)
    lock_course(purchase.course_id)
    locked = lifecycle.lock(purchase)
    part = locked.pending[0] if locked.pending else None
    if refusal := rules.refuse_cancelling_single(purchase, part, locked.now):
        raise refusal
    because = HoldPart.Reason.STUDENT_CANCELLED
    cancelled = lifecycle.give_back(
        locked, locked.pending, because, actor=student, note=reason, expected=expected_refund
    )
    tell_cancelled(purchase, student=student, refund=cancelled.refund_amount)
    return cancelled


def find_purchase(user: User, purchase_id: UUID) -> SessionPurchase:
    """One of the user's own, with session, course and hold; anyone else's raises `NotFound`."""
    found = queries.own_purchase(purchase_id, user.pk)
    if not found:
        raise NotFound
    return found[0]


def _lock_course_of(student: User, session_id: UUID) -> SessionOnSale:
    """The session as sold to the student; locks its course first, by a key read without a lock."""
    lock_course_of(session_id)
    found = queries.session_for_purchase(session_id, student.pk)
    if not (found and found[0].session.course.is_visible_to(student)):
        raise NotFound
    return found[0]


def _insert_purchase(
    student: User, session: CourseSession, price: Decimal, now: datetime
) -> SessionPurchase:
    purchase = SessionPurchase(
        user=student,
        course=session.course,
        session=session,
        price_paid=price,
        purchased_at=now,
    )
    try:
        insert([purchase])
    except IntegrityError as error:
        raise AlreadyPurchased from error
    return purchase
