"""Who may be in a session, and until when: what was paid decides, whoever gave it back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from courses.models import CourseSession
from enrollments.access import admitted
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart
from settlement.services.deciding import refund_hold, release_hold
from tests.factories import (
    StaffFactory,
    UserFactory,
    access_to,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def course():
    return make_course(sessions=2, max_students=1)


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def student():
    return student_with_credit()


@pytest.fixture
def enrolled(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


@pytest.fixture
def purchase(student, session):
    return purchase_session(student=student, session_id=session.pk)


def refund(booking, session):
    part = booking.hold.parts.get(session=session)
    refund_hold(
        hold_id=booking.hold.pk, actor=StaffFactory(), reason="A complaint", part_ids=[part.pk]
    )


def access(user, session) -> str:
    """The reason; what the set-based rule says is the same."""
    found = access_to(session, user)
    assert (user.pk in admitted(session, [user.pk])) == found.has_access
    return str(found.reason)


@pytest.mark.parametrize("how", ["enrolled", "purchase"])
@pytest.mark.parametrize("when", ["before", "during"])
def test_a_refund_by_staff_before_the_end_ends_the_access(request, student, session, how, when):
    booking = request.getfixturevalue(how)
    if when == "during":
        start_session(session)
    refund(booking, session)
    assert access(student, session) == "cancelled"


@pytest.mark.parametrize(("how", "reason"), [("enrolled", "enrolled"), ("purchase", "purchased")])
def test_a_refund_by_staff_after_the_end_does_not(request, student, session, how, reason):
    booking = request.getfixturevalue(how)
    end_session(session)
    refund(booking, session)
    assert access(student, session) == reason


def test_the_end_is_the_first_moment_of_afterwards(student, session, purchase):
    end_session(session)
    refund(purchase, session)
    parts = HoldPart.objects.filter(hold=purchase.hold)
    parts.update(settled_at=session.ends_at)
    assert access(student, session) == "purchased"
    parts.update(settled_at=session.ends_at - timedelta(microseconds=1))
    assert access(student, session) == "cancelled"


@pytest.mark.parametrize("reason", HoldPart.Reason.values)
def test_why_it_came_back_makes_no_difference(student, session, purchase, reason):
    start_session(session)
    HoldPart.objects.filter(hold=purchase.hold).update(
        status="refunded", reason=reason, settled_at=timezone.now(), refunded_amount=16
    )
    assert access(student, session) == "cancelled"


def test_what_was_released_admits(student, session, enrolled):
    end_session(session)
    part = enrolled.hold.parts.get(session=session)
    release_hold(
        hold_id=enrolled.hold.pk, actor=StaffFactory(), reason="It was", part_ids=[part.pk]
    )
    assert access(student, session) == "enrolled"


def test_a_seat_that_was_given_back_admits_its_new_owner_alone(student, session, purchase):
    other = student_with_credit()
    refund(purchase, session)
    purchase_session(student=other, session_id=session.pk)
    assert admitted(session, [student.pk, other.pk]) == {other.pk}


class TestManyAtOnce:
    def test_teacher_and_students_and_nobody_else(self, course, session, enrolled, student):
        stranger, staff = UserFactory(), StaffFactory()
        everybody = [user.pk for user in (course.teacher, student, stranger, staff)]
        assert admitted(session, everybody) == {course.teacher_id, student.pk}
        assert admitted(session, [stranger.pk]) == set()
        assert admitted(session, []) == set()

    def test_one_statement(self, session, enrolled, student, django_assert_num_queries):
        with django_assert_num_queries(1):
            admitted(session, [student.pk, session.course.teacher_id])

    def test_whoever_cancels_while_it_runs_stays(self, session, enrolled, student):
        start_session(session)
        cancel_enrollment(student=student, enrollment_id=enrolled.pk)
        assert admitted(session, [student.pk]) == {student.pk}
        assert admitted(CourseSession.objects.last(), [student.pk]) == set()

    def test_whoever_cancels_before_goes(self, session, purchase, student):
        cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert admitted(session, [student.pk]) == set()

    def test_nobody_once_it_is_called_off(self, course, session, enrolled, student):
        cancel_session(session_id=session.pk, actor=course.teacher)
        assert admitted(session, [student.pk, course.teacher_id]) == set()
