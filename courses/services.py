"""The life of a course: drafted, published, archived."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.money import CENT
from common.transactions import operation
from courses import locks
from courses.descriptions import write_description
from courses.errors import NothingToSell, TeacherGone
from courses.models import Course, CourseOutline
from courses.words import write_words


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
    write_outline(course)
    save_terms(course)


def write_outline(course: Course) -> None:
    """Update the outline of a locked course, for lists.

    A repeat changes nothing.
    """
    CourseOutline.of(course.pk, list(course.sessions.order_by("session_number"))).save()


def check_sellable(course: Course) -> None:
    """Raise `NothingToSell` for a course without a price, or with a share below a cent."""
    full = course.price_full_course
    if full is None and course.price_per_session is None:
        raise NothingToSell
    shares = course.shares_of(course.sessions.all()) if full is not None else []
    if any(amount < CENT for _, amount in shares):
        raise NothingToSell


def _set_status(course: Course, status: str) -> Course:
    course.status = status
    save_terms(course, "status")
    write_words(course)
    return course
