"""Buying, and what was made by it."""

from datetime import timedelta
from decimal import Decimal

from courses.models import Course, CourseSession
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import enroll_full_course, hand_back_session
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import move_session
from payments.models import HoldPart


def money(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def sessions_of(course: Course) -> list[CourseSession]:
    return list(course.sessions.order_by("session_number"))


def shares_of(enrollment: CourseEnrollment) -> list[Decimal]:
    parts = HoldPart.objects.filter(hold__enrollment=enrollment)
    return list(parts.order_by("session__session_number").values_list("amount", flat=True))


def enroll(student, course) -> CourseEnrollment:
    return enroll_full_course(student=student, course_id=course.pk)


def buy(student, session) -> SessionPurchase:
    return purchase_session(student=student, session_id=session.pk)


def returned(student, course, session) -> CourseEnrollment:
    """An enrolment that has handed back a session that was moved."""
    enrollment = enroll(student, course)
    starts_at = session.starts_at + timedelta(hours=1)
    move_session(
        session_id=session.pk, actor=course.teacher, starts_at=starts_at, duration_minutes=60
    )
    hand_back_session(student=student, enrollment_id=enrollment.pk, session_id=session.pk)
    return enrollment


def students_in(course: Course) -> int:
    return Course.objects.get(pk=course.pk).current_students
