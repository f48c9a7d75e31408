"""A course's version: whatever changes what is sold raises it, and nothing else does."""

from decimal import Decimal

import pytest
from django.utils import timezone

from courses.models import Course
from courses.services import archive_course, publish_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    change_course,
    change_session,
    delete_session,
    move_session,
)
from tests.factories import DAY, extend_course, make_course, student_with_credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    return make_course(sessions=3)


def version(course: Course) -> int:
    return Course.objects.get(pk=course.pk).terms_version


def first(course):
    return course.sessions.order_by("session_number")[0]


def mine(course):
    """The session that each of these changes, and who may."""
    return {"session_id": first(course).pk, "actor": course.teacher}


def dearer(course):
    change_course(course_id=course.pk, actor=course.teacher, price_full_course=Decimal("90.00"))


def smaller(course):
    change_course(course_id=course.pk, actor=course.teacher, max_students=3)


def add(course):
    extend_course(course, starts_at=timezone.now() + 9 * DAY)


def move(course):
    starts_at = timezone.now() + 9 * DAY
    move_session(**mine(course), starts_at=starts_at, duration_minutes=60)


def rename(course):
    change_session(**mine(course), title="Another")


def call_off(course):
    cancel_session(**mine(course))


def delete(course):
    delete_session(**mine(course))


def archive(course):
    archive_course(course_id=course.pk, actor=course.teacher)


CHANGES = (dearer, smaller, add, move, rename, call_off, delete, archive)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_what_is_sold_raises_it(course, change):
    before = version(course)
    change(course)
    assert version(course) == before + 1


def test_so_does_publishing_once(course):
    archive(course)
    before = version(course)
    for _ in range(2):
        publish_course(course_id=course.pk, actor=course.teacher)
    assert version(course) == before + 1


def test_buyers_do_not(course):
    """They come by the hundred, and none makes the others read the course again."""
    student, before = student_with_credit(), version(course)
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    single = purchase_session(student=student, session_id=first(course).pk)
    cancel_session_purchase(student=student, purchase_id=single.pk)
    assert version(course) == before
