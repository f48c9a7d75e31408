"""Buy a full course, cancel it, return one session of it that was moved."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.transactions import operation
from common.writing import insert
from courses.locks import lock_course
from courses.models import CourseSession
from courses.services import find_course
from enrollments import queries, rules
from enrollments.errors import AlreadyEnrolled, PriceChanged
from enrollments.locks import free_seat_of, take_seat
from enrollments.messages.bookings import tell_booked, tell_cancelled, tell_returned
from enrollments.models import CourseEnrollment
from enrollments.quotes import CourseQuote, has_live_enrollment, quote_course
from enrollments.services import lifecycle
from enrollments.services.lifecycle import Cancellation
from payments.models import HoldPart
from payments.services.holds import place_hold


@operation
def enroll_full_course(
    *, student: User, course_id: UUID, expected_price: Decimal | None = None
) -> CourseEnrollment:
    """Buy what is still to come of a course; gives the enrolment with course, teacher and hold.

    The student's own single purchases of those sessions are folded in: refunded first, then the
    price is charged. A repeat raises `AlreadyEnrolled`. Raises `NotFound`, `OwnCourse`,
    `NotForSale`, `SoldOut`, `InsufficientCredit`, and `PriceChanged` if the price in credits is not
    the one expected. Locks the course by taking the seat, the folded purchases, then the wallet.
    """
    quote, wallet_id = _take_seat(student, course_id)
    if expected_price is not None and expected_price != quote.price:
        raise PriceChanged(expected=expected_price, price=quote.price)
    enrollment = _insert_enrollment(student, quote)
    now = enrollment.enrolled_at
    place_hold(
        student=student,
        course=quote.course,
        shares=quote.shares,
        now=now,
        wallet_id=wallet_id,
        folded=lifecycle.fold(quote.folded, now),
        enrollment=enrollment,
    )
    enrollment.folded_amount = quote.folded_amount
    tell_booked(enrollment, [session for session, _ in quote.shares])
    return enrollment


@operation
def cancel_enrollment(
    *,
    student: User,
    enrollment_id: UUID,
    reason: str = "",
    expected_refund: Decimal | None = None,
) -> Cancellation:
    """Give up the seat, and get back the credit for every session that hasn't started.

    What is released stays released; a running session waits for its settlement. A repeat raises
    `AlreadyCancelled`; `HoldSettled` once completed, `NotFound` if it is not the student's,
    `RefundLowered` if the refund is less than expected, in credits. Locks the course, the
    enrolment, its hold with parts, the wallet.
    """
    enrollment = free_seat_of(enrollment_id, student)
    if enrollment is None:
        raise NotFound
    locked = lifecycle.with_parts(enrollment)
    if refusal := rules.refuse_cancelling(enrollment):
        raise refusal
    due = [part for part in locked.pending if rules.comes_back(part, locked.now)]
    enrollment.end(locked.now)
    because = HoldPart.Reason.STUDENT_CANCELLED
    cancelled = lifecycle.give_back(
        locked, due, because, actor=student, note=reason, expected=expected_refund
    )
    refund, waiting = cancelled.refund_amount, len(locked.waiting)
    tell_cancelled(enrollment, student=student, refund=refund, waiting=waiting)
    return cancelled


@operation
def hand_back_session(
    *,
    student: User,
    enrollment_id: UUID,
    session_id: UUID,
    reason: str = "",
    expected_refund: Decimal | None = None,
) -> Cancellation:
    """Refund one session whose start or length changed after the sale, until it starts.

    The enrolment goes on, or ends if that was its last paid part. A repeat raises `HoldSettled`.
    Raises `SessionNotMoved`, `SessionStarted`, `AlreadyCancelled`, `NotFound`, and `RefundLowered`
    if the refund is less than expected, in credits. Locks the course, the enrolment, hold and
    parts, the wallet.
    """
    enrollment = find_enrollment(student, enrollment_id)
    lock_course(enrollment.course_id)
    locked = lifecycle.lock(enrollment)
    due = [part for part in locked.pending if part.session_id == session_id]
    part = due[0] if due else None
    parts = HoldPart.objects.filter(hold__enrollment=enrollment, session=session_id)
    sold = part is not None or parts.exists()
    if refusal := rules.refuse_hand_back(enrollment, part, locked.now, sold=sold):
        raise refusal
    because = HoldPart.Reason.SESSION_MOVED
    returned = lifecycle.give_back(
        locked, due, because, actor=student, note=reason, expected=expected_refund, may_end=True
    )
    tell_returned(enrollment, due[0], student=student, ended=locked.has_ended)
    return returned


def find_enrollment(user: User, enrollment_id: UUID) -> CourseEnrollment:
    """One of the user's own, with course, teacher and hold; anyone else's raises `NotFound`."""
    found = queries.own_enrollment(enrollment_id, user.pk)
    if not found:
        raise NotFound
    return found[0]


def _take_seat(student: User, course_id: UUID) -> tuple[CourseQuote[CourseSession], UUID]:
    """Lock the course with the update itself: a shared lock first would deadlock buyers.

    Gives the quote, and the key of the student's wallet.

    Buyers of a course queue for that lock, so what takes long is read before it: the seat is taken
    in the version of the course that was read, or it is read again. Singles are looked up once it
    is locked. The teacher is read but not locked: a purchase made while they are being deactivated
    stands.
    """
    while True:
        sessions = queries.sessions_on_offer(course_id)
        course = sessions[0].session.course if sessions else find_course(course_id)
        if not course.is_visible_to(student):
            raise NotFound
        if take_seat(course_id, course.terms_version):
            break
        _check(quote_course(course, sessions, student, timezone.now()), student)
    [(students, sold_singly, wallet_id)] = queries.seats_taken(course_id, student.pk)
    if sold_singly:
        sessions = queries.sessions_to_quote(course_id, student.pk)
        course = sessions[0].session.course
    # The seat that was just taken counts as free here.
    course.current_students = students - 1
    quote = quote_course(course, sessions, student, timezone.now())
    _check(quote, student)
    return quote, wallet_id


def _check(quote: CourseQuote[CourseSession], student: User) -> None:
    """Raise what the rule refuses.

    The insert finds out whether the student is already enrolled, unless it is refused before.
    """
    if rules.refuse_course(quote, student):
        enrolled = has_live_enrollment(student, quote.course.pk)
        if refusal := rules.refuse_course(replace(quote, enrolled=enrolled), student):
            raise refusal


def _insert_enrollment(student: User, quote: CourseQuote[CourseSession]) -> CourseEnrollment:
    enrollment = CourseEnrollment(
        user=student,
        course=quote.course,
        total_price_paid=quote.price,
        enrolled_at=timezone.now(),
    )
    try:
        insert([enrollment])
    except IntegrityError as error:
        raise AlreadyEnrolled from error
    return enrollment
