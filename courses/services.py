"""The life of a course: drafted, published, archived."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.money import CENT
from common.passes import in_time
from common.transactions import operation
from common.writing import save
from courses import locks, queries
from courses.descriptions import write_description
from courses.errors import NothingToSell, TeacherGone
from courses.models import Course, CourseOutline
from courses.words import write_words

# How many courses are rolled on, and so locked, at once.
AT_ONCE = 50


def find_course(course_id: UUID) -> Course:
    """A course with its teacher; raises `NotFound`."""
    course = Course.objects.select_related("teacher").filter(pk=course_id).first()
    if course is None:
        raise NotFound
    return course


def lock_course(*, course_id: UUID, actor: User) -> Course:
    """The course, locked, if `actor` teaches it or is staff; else raises `NotFound`."""
    course = locks.lock_course(course_id)
    if course is None or not (course.teacher_id == actor.pk or actor.is_staff):
        raise NotFound
    return course


def save_terms(course: Course, *names: str) -> None:
    """Save these fields of a locked course as its next version.

    Every change of the course or its sessions ends with this, so that a buyer who has read an
    earlier version reads the course again.
    """
    course.terms_version += 1
    course.save(update_fields=[*names, "terms_version", "updated_at"])


@operation
def create_course(*, teacher: User, **terms: Any) -> Course:
    """Draft a course of `teacher`: title, texts, picture, prices (credits), `max_students`.

    A repeat drafts another. Raises `NotStored` if there is no room for the picture. Locks nothing.
    """
    course = Course.objects.create(teacher=teacher, **terms)
    write_description(course)
    return course


@operation
def publish_course(*, course_id: UUID, actor: User) -> Course:
    """Put a course up for sale; a repeat changes nothing.

    Raises `TeacherGone` if nobody would teach it, `NothingToSell` without a session to come, what
    `check_sellable` raises, and `NotFound` for anyone but its teacher and staff. Locks the course.
    """
    course = lock_course(course_id=course_id, actor=actor)
    if not course.teacher.is_active_teacher:
        raise TeacherGone
    if course.status == Course.Status.PUBLISHED:
        return course
    if not course.sessions.open_at(timezone.now()).exists():
        raise NothingToSell
    check_sellable(course)
    return _set_status(course, Course.Status.PUBLISHED)


@operation
def archive_course(*, course_id: UUID, actor: User) -> Course:
    """Take a course off sale; existing bookings stay valid. A repeat changes nothing."""
    return _set_status(lock_course(course_id=course_id, actor=actor), Course.Status.ARCHIVED)


def save_sessions(course: Course) -> None:
    """Note that the sessions of a locked course changed: as its next version and in its outline.

    Adding, moving, calling off and deleting a session end with this.
    """
    _outline(course)
    save_terms(course, "next_starts_at")


def write_outline(course: Course) -> None:
    """Update what lists show of a locked course's sessions: the outline, and when the next starts.

    A repeat changes nothing.
    """
    _outline(course)
    course.save(update_fields=["next_starts_at"])


@operation
def rewrite_outline(course_id: UUID) -> None:
    """The same for a course whose sessions may have been changed by hand.

    Locks the course, which may be gone.
    """
    course = locks.lock_course(course_id)
    if course is not None:
        write_outline(course)


def roll_next_starts() -> int:
    """Give each course whose next start has passed the one after it, if any; gives how many.

    Reads first, then locks a few at a time: those that something else has locked are left to the
    next pass. A repeat finds none.
    """
    passed = [key for key, _ in queries.passed(timezone.now())]
    steps = (passed[at : at + AT_ONCE] for at in range(0, len(passed), AT_ONCE))
    return sum(map(_roll, in_time(steps)))


@operation
def _roll(keys: Sequence[UUID]) -> int:
    courses, now = locks.claim_courses(keys), timezone.now()
    starts = dict(queries.next_starts([course.pk for course in courses], now))
    for course in courses:
        course.next_starts_at = starts[course.pk]
    save(courses, ["next_starts_at"])
    return len(courses)


def check_sellable(course: Course) -> None:
    """Raise `NothingToSell` for a course without a price, or with a share below a cent."""
    full = course.price_full_course
    if full is None and course.price_per_session is None:
        raise NothingToSell
    shares = course.shares_of(course.sessions.all()) if full is not None else []
    if any(amount < CENT for _, amount in shares):
        raise NothingToSell


def _outline(course: Course) -> None:
    outline = CourseOutline.of(course.pk, list(course.sessions.order_by("session_number")))
    outline.save()
    course.next_starts_at = outline.next_start(timezone.now())


def _set_status(course: Course, status: str) -> Course:
    course.status = status
    save_terms(course, "status")
    write_words(course)
    return course
