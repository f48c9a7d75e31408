"""What is bought is locked before the money that paid for it."""

import pytest

from common.locks import OutOfOrderError
from common.transactions import operation
from courses.locks import lock_course
from courses.models import Course
from enrollments.locks import claim_booking, give_seat_back, lock_bookings
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from payments.services.holds import lock_pending_parts
from tests.factories import give_credit, make_course, student_with_credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit("100.00")


@pytest.fixture
def enrollment(student):
    return enroll_full_course(student=student, course_id=make_course().pk)


def test_the_wallet_before_the_course(student, enrollment):
    @operation
    def act():
        give_credit(student, "1.00")
        lock_course(enrollment.course_id)

    with pytest.raises(OutOfOrderError, match=r"COURSE \S+ is locked after ACCOUNT"):
        act()


@pytest.mark.parametrize("lock", [lock_bookings, claim_booking])
def test_a_part_before_its_booking(enrollment, lock):
    @operation
    def act():
        lock_pending_parts(enrollment.hold)
        lock(enrollment)

    with pytest.raises(OutOfOrderError, match=r"BOOKING \S+ is locked after PART"):
        act()


def test_the_seat_before_the_booking(enrollment):
    """It is the course that giving it back locks."""

    @operation
    def act():
        lock_bookings(enrollment)
        give_seat_back(enrollment)

    with pytest.raises(OutOfOrderError, match=r"COURSE \S+ is locked after BOOKING"):
        act()


def test_no_seat_is_given_back_for_what_has_none(student, enrollment):
    other = student_with_credit("100.00")
    enroll_full_course(student=other, course_id=enrollment.course_id)
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    enrollment.refresh_from_db()
    operation(give_seat_back)(enrollment)
    assert Course.objects.get(pk=enrollment.course_id).current_students == 1
