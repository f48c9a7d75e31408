"""Buy a full course, cancel it, hand back one moved session of it."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import F, Q, QuerySet, Value
from django.utils import timezone

from accounts.models import User
from common.errors import DomainError, NotFound
from common.locks import Rank, take
from common.prepared import prepared, prepared_update
from common.transactions import operation
from common.writing import insert
from courses.locks import lock_course
from courses.models import Course, CourseSession
from enrollments import quotes, rules
from enrollments.errors import (
    AlreadyEnrolled,
    NotForSale,
    OwnCourse,
    PriceChanged,
    SoldOut,
)
from enrollments.locks import give_seat_back
from enrollments.models import (
    CourseEnrollment,
    SessionPurchase,
)
from enrollments.services import lifecycle
from enrollments.services.lifecycle import Cancellation
from payments.models import HoldPart
from payments.services.holds import (
    place_hold,
)


@operation
def enroll_full_course(
    *, student: User, course_id: UUID, expected_price: Decimal | None = None
) -> CourseEnrollment:
    """Buy what is still to come of a course; gives the enrolment with course, teacher and hold.

    Own single purchases of those sessions are folded in: refunded first, then the price is
    charged. A repeat raises `AlreadyEnrolled`. Raises `NotFound`, `OwnCourse`, `NotForSale`,
    `SoldOut`, `InsufficientCredit`, and `PriceChanged` if the price in credits is not the one
    expected. Locks the course by taking the seat, the folded purchases, then the wallet.
    """
    quote = _take_seat(student, course_id)
    _check(quote, student, expected_price)
    enrollment = _insert_enrollment(student, quote)
    now = enrollment.enrolled_at
    place_hold(
        student=student,
        course=quote.course,
        shares=quote.shares,
        now=now,
        folded=lifecycle.fold(quote.folded, now),
        enrollment=enrollment,
    )
    enrollment.folded_amount = quote.folded_amount
    return enrollment


@operation
def cancel_enrollment(
    *,
    student: User,
    enrollment_id: UUID,
    reason: str = "",
    expected_refund: Decimal | None = None,
) -> Cancellation:
    """Give the seat back, and the credit of every session that has not started.

    What is released stays so; a running session waits for its settlement. A repeat raises
    `AlreadyCancelled`; `HoldSettled` once completed, `NotFound` if it is not the student's,
    `RefundLowered` if less comes back than expected, in credits. Locks the course, the
    enrolment, its hold with parts, the wallet.
    """
    enrollment = find_enrollment(student, enrollment_id)
    give_seat_back(enrollment)
    held = lifecycle.lock(enrollment)
    if refusal := rules.refuse_cancelling(enrollment):
        raise refusal
    due = [part for part in held.pending if rules.comes_back(part, held.now)]
    enrollment.end(held.now)
    because = HoldPart.Reason.STUDENT_CANCELLED
    return lifecycle.give_back(
        held, due, because, actor=student, note=reason, expected=expected_refund
    )


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

    The enrolment goes on, but ends where that was the last paid part of it.
    A repeat raises `HoldSettled`. Raises `SessionNotMoved`, `SessionStarted`,
    `AlreadyCancelled`, `NotFound`, and `RefundLowered` if less comes back than expected, in
    credits. Locks the course, the enrolment, hold and parts, the wallet.
    """
    enrollment = find_enrollment(student, enrollment_id)
    lock_course(enrollment.course_id)
    held = lifecycle.lock(enrollment)
    due = [part for part in held.pending if part.session_id == session_id]
    part = due[0] if due else None
    parts = HoldPart.objects.filter(hold__enrollment=enrollment, session=session_id)
    sold = part is not None or parts.exists()
    if refusal := rules.refuse_hand_back(enrollment, part, held.now, sold=sold):
        raise refusal
    because = HoldPart.Reason.SESSION_MOVED
    return lifecycle.give_back(
        held, due, because, actor=student, note=reason, expected=expected_refund, may_end=True
    )


def newest_enrollments(user: User, limit: int) -> list[CourseEnrollment]:
    """The user's enrolments, newest first, so many, with course, teacher and hold."""
    return _newest_of(limit)(user.pk)


@cache
def _newest_of(limit: int) -> Callable[[UUID], list[Any]]:
    @prepared
    def newest(user: UUID) -> QuerySet:
        return CourseEnrollment.objects.of(user).with_course().newest_first()[:limit]

    return newest


def find_enrollment(user: User, enrollment_id: UUID) -> CourseEnrollment:
    """One of the user's own, with course, teacher and hold; anybody else's raises `NotFound`."""
    found = _enrollments(enrollment_id, user.pk)
    if not found:
        raise NotFound
    return found[0]


@prepared
def _enrollments(key: UUID, user: UUID) -> QuerySet:
    return CourseEnrollment.objects.of(user).with_course().filter(pk=key)


def _take_seat(student: User, course_id: UUID) -> quotes.CourseQuote:
    """Lock the course by the update itself: a shared lock first would deadlock buyers.

    Buyers of a course queue for that lock, so what takes long is read before it: the seat is had
    only while nobody has changed the course since. Singles are looked for once it is locked.
    Its teacher is read and not locked: what is bought as they are deactivated stays bought.
    """
    sessions = _sessions_on_offer(course_id)
    course = sessions[0].course if sessions else None
    seen = course.terms_version if course and course.teacher.is_active_teacher else None
    take(Rank.COURSE, course_id)
    if not (seen and _add_student(course_id, student.pk, seen)):
        if refusal := _why_no_seat(student, course_id, seen):
            raise refusal
        return _take_seat(student, course_id)
    if _any_single(course_id):
        sessions = _sessions_to_quote(course_id, student.pk)
    return quotes.quote_course(sessions[0].course, sessions, student, timezone.now())


@prepared_update
def _add_student(course: UUID, student: UUID, seen: int) -> tuple[QuerySet, dict[str, Any]]:
    free = Q(max_students=None) | Q(current_students__lt=F("max_students"))
    for_sale = Course.objects.published().filter(free, pk=course, terms_version=seen)
    bought = for_sale.exclude(Q(price_full_course=None) | Q(teacher=student))
    return bought, {"current_students": F("current_students") + 1}


def _why_no_seat(student: User, course_id: UUID, seen: int | None) -> DomainError | None:
    """None where the course is another version than was `seen`; without that nobody teaches it."""
    course = Course.objects.visible_to(student).filter(pk=course_id).first()
    if course is None:
        return NotFound()
    if course.teacher_id == student.pk:
        return OwnCourse()
    if seen and course.terms_version != seen:
        return None
    if quotes.has_live_enrollment(student, course_id):
        return AlreadyEnrolled()
    for_sale = course.status == Course.Status.PUBLISHED and course.price_full_course and seen
    return SoldOut() if for_sale else NotForSale()


@prepared
def _sessions_on_offer(course: UUID) -> QuerySet:
    of_nobody = {"taken": Value(0), "mine": quotes.NOBODYS, "enrolled": quotes.NOBODYS}
    sessions = CourseSession.objects.annotate(**of_nobody)
    on_offer = sessions.filter(course=course).select_related("course__teacher")
    return on_offer.order_by("session_number")


@prepared
def _any_single(course: UUID) -> QuerySet:
    return SessionPurchase.objects.live().filter(session__course=course).values_list("pk")[:1]


@prepared
def _sessions_to_quote(course: UUID, student: UUID) -> QuerySet:
    return (
        quotes.sessions_as_sold_to(student)
        .filter(course=course)
        .select_related("course__teacher")
        .order_by("session_number")
    )


def _check(quote: quotes.CourseQuote, student: User, expected: Decimal | None) -> None:
    overbooked = quote.seats_left is not None and quote.seats_left < 0
    if overbooked or not quote.shares:
        if quotes.has_live_enrollment(student, quote.course.pk):
            raise AlreadyEnrolled
        raise SoldOut if quote.shares else NotForSale
    if expected is not None and expected != quote.price:
        raise PriceChanged(expected=expected, price=quote.price)


def _insert_enrollment(student: User, quote: quotes.CourseQuote) -> CourseEnrollment:
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
