"""A teacher writes to a course from two devices at once: the race, and its twin."""

import pytest

from courses.models import Announcement
from enrollments.services.enrolling import enroll_full_course
from teaching.services import write_to_students
from tests.concurrency.racing import kinds, race
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def write(settings):
    settings.ANNOUNCEMENTS_A_DAY = 1
    course = make_course()
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    return lambda: write_to_students(actor=course.teacher, course_id=course.pk, text="Hello")


def test_no_more_get_through_than_a_day_has(write):
    assert kinds(race(*[write] * 4)) == {"Announcement": 1, "TooManyAnnouncements": 3}
    assert Announcement.objects.count() == 1


def test_without_the_lock_more_do(write, without_locks, meeting):
    meeting().before(Announcement.objects, "create")
    assert kinds(race(write, write)) == {"Announcement": 2}
