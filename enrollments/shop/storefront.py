"""Courses as a buyer sees them: seats left, next session, my seat, the price to pay now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.prepared import prepared
from courses.models import Course, CourseOutline, CourseSession
from enrollments import quotes
from enrollments.access import access_of, with_access_of
from enrollments.models import CourseEnrollment
from enrollments.services.purchasing import refuse_purchase, sessions_for_purchase
from payments.models import HoldPart


def catalogue() -> QuerySet[Course]:
    """The courses on sale, for `describe`, with teacher, price and the next session's start."""
    return (
        Course.objects.on_sale()
        .with_next_session(timezone.now())
        .select_related("teacher", "outline")
        .annotate(price=Coalesce("price_full_course", "price_per_session"))
    )


def describe(courses: Sequence[Any]) -> Sequence[Any]:
    """Give each course of the `catalogue` its sessions in outline, and its seats left.

    No session is read for it: a course may have hundreds. One statement where seats are limited.
    """
    now = timezone.now()
    limited = [course.pk for course in courses if course.max_students is not None]
    singles = quotes.singles_in_the_fullest(limited, now) if limited else {}
    _read_what_is_astray(courses, now)
    for course in courses:
        course.sessions_count = course.outline.sessions_count
        course.outlined = course.outline.sessions
        course.seats_left = _shown(quotes.seats_left(course, singles.get(course.pk, 0)))
    return courses


def _read_what_is_astray(courses: Sequence[Any], now: datetime) -> None:
    """Outline courses anew whose sessions somebody changed by hand, from the sessions."""
    astray = {course.pk: course for course in courses if not _is_outlined(course, now)}
    if not astray:
        return
    sessions: dict[UUID, list[CourseSession]] = {key: [] for key in astray}
    for session in CourseSession.objects.filter(course__in=astray).order_by("session_number"):
        sessions[session.course_id].append(session)
    for key, course in astray.items():
        course.outline = CourseOutline.of(key, sessions[key])


def _is_outlined(course: Any, now: datetime) -> bool:
    outline = getattr(course, "outline", None)
    return outline is not None and outline.next_start(now) == course.next_session_starts_at


def course_for(user: User | None, course_id: UUID) -> Any:
    """One course with its sessions, and for a signed-in user what is theirs and what it costs.

    Each session has `my_part`: what the user last paid for it. Raises `NotFound` for what is
    hidden from them. Two statements at most for a guest.
    """
    sessions = _sessions_for(user, course_id)
    course: Any = sessions[0].course if sessions else _without_sessions(course_id)
    if course is None or not course.is_visible_to(user):
        raise NotFound
    course.listed = sessions
    course.my_enrollment = course.price_now = course.already_held = None
    now = timezone.now()
    for session in sessions:
        session.course = course
        session.my_part = None
        _show_to(user, session, now)
    _describe(course, sessions, now)
    course.quote = quotes.quote_course(course, sessions, user, now)
    if user:
        _note_what_is_mine(user, course)
        _price(user, course)
    return course


def cards(courses: Sequence[Any], user: User | None) -> Sequence[Any]:
    """Courses of the `catalogue` with a guest's quote, and whether the reader has `joined`."""
    joined = _joined(user, courses) if user else set()
    now = timezone.now()
    for course in describe(courses):
        course.quote = quotes.quote_outlined(course, now)
        course.joined = course.pk in joined
    return courses


def _joined(user: User, courses: Sequence[Any]) -> set[Any]:
    mine = CourseEnrollment.objects.of(user).live().filter(course__in=courses)
    return set(mine.values_list("course_id", flat=True))


def _sessions_for(user: User | None, course_id: UUID) -> list[Any]:
    return _sessions_as_shown(course_id, user.pk) if user else _sessions_of(course_id)


@prepared
def _sessions_of(course: UUID) -> QuerySet:
    sessions = quotes.sessions_as_sold_to(None).select_related("course__teacher")
    return sessions.filter(course=course).order_by("session_number")


@prepared
def _sessions_as_shown(course: UUID, user: UUID) -> QuerySet:
    sessions = with_access_of(sessions_for_purchase(user), user)
    return sessions.filter(course=course).order_by("session_number")


@prepared
def _parts_of(course: UUID, user: UUID) -> QuerySet:
    # By the user's holds, not by the sessions: a crowded course has thousands of parts.
    of_course = Q(hold__enrollment__course=course) | Q(hold__session_purchase__course=course)
    parts = HoldPart.objects.filter(of_course, hold__student=user)
    return parts.select_related("hold__enrollment").order_by("hold__held_at", "pk")


def _without_sessions(course_id: UUID) -> Course | None:
    return Course.objects.select_related("teacher").filter(pk=course_id).first()


def _note_what_is_mine(user: User, course: Any) -> None:
    parts = {part.session_id: part for part in _parts_of(course.pk, user.pk)}
    for session in course.listed:
        session.my_part = parts.get(session.pk)
    bought = (part.hold.enrollment for part in parts.values())
    course.my_enrollment = next((mine for mine in bought if mine and mine.live), None)
    if course.my_enrollment:
        course.my_enrollment.course = course


def _describe(course: Any, sessions: Sequence[Any], now: Any) -> None:
    to_come = [session.starts_at for session in sessions if session.is_open(now)]
    course.sessions_count = len(sessions)
    course.next_session_starts_at = min(to_come, default=None)
    course.seats_left = _shown(quotes.course_seats_left(course, sessions, now))


def _show_to(user: User | None, session: Any, now: Any) -> None:
    session.seats_left = _shown(quotes.session_seats_left(session.course, session))
    session.my_access = access_of(session, user) if user else None
    for_sale = user and refuse_purchase(session, user, now) is None
    session.price_now = session.course.price_per_session if for_sale else None


def _price(user: User, course: Any) -> None:
    if course.my_enrollment or course.teacher_id == user.pk:
        return
    quote = course.quote
    for_sale = course.is_on_sale and course.price_full_course
    if for_sale and quote.shares and quote.seats_left != 0:
        course.price_now, course.already_held = quote.price, quote.folded_amount


def _shown(seats: int | None) -> int | None:
    return None if seats is None else max(seats, 0)
