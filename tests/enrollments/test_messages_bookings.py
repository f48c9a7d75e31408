"""What student and teacher are told of a booking, each in their own zone."""

from decimal import Decimal

import pytest

from courses.services import publish_course
from enrollments.errors import AlreadyEnrolled
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import move_session
from notices.models import Notice
from payments.errors import InsufficientCredit
from tests.enrollments.march import AFTER, BEFORE, DAY, _in_march, teacher
from tests.factories import extend_course, make_course, start_session, student_with_credit
from tests.telling import letter_of, mailed, told, was_told, words_of

__all__ = ["_in_march", "teacher"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def student():
    return student_with_credit("100.00", display_name="Ada", time_zone="Europe/Madrid")


@pytest.fixture
def course(teacher):
    draft = make_course(teacher=teacher, sessions=0, published=False, price_full_course="80.00")
    for start in (BEFORE, AFTER):
        extend_course(draft, starts_at=start)
    return publish_course(course_id=draft.pk, actor=teacher)


@pytest.fixture
def sessions(course):
    return list(course.sessions.all())


def test_a_course_is_bought(student, teacher, course):
    bought = enroll_full_course(student=student, course_id=course.pk)
    notice = told(student, "booking_made")
    assert mailed(notice) == [
        "You're in: Spanish to go",
        "You booked the full course “Spanish to go”. We hold your payment until each session has "
        "happened. Cancel before a session starts and you get that session's money back.",
        "Subscribe to your calendar, and its sessions appear there and follow every change. The "
        "file in this email has them as they are now.",
        "Course: Spanish to go",
        "Teacher: Sofía",
        "Sessions: 2",
        "First session: Sat 27 Mar 2027, 18:00–19:00 CET",
        "Last session: Mon 29 Mar 2027, 19:00–20:00 CEST",
        "Paid: $80.00",
        "Held until about: Mon 29 Mar 2027, 20:30 CEST",
        "Subscribe:",
        "/calendar/",
    ]
    assert words_of(notice) == (
        "You booked the full course “Spanish to go”. We hold $80.00 until about "
        "Mon 29 Mar 2027, 20:30 CEST."
    )
    assert (notice.course_id, notice.session_id) == (course.pk, None)
    assert not notice.must_acknowledge

    sold = told(teacher, "sale_made")
    assert mailed(sold) == [
        "Sold: Spanish to go",
        "Ada booked the full course “Spanish to go”. We hold the payment until each session has "
        "happened, and pay you for those that the student attends.",
        "Course: Spanish to go",
        "Student: Ada",
        "Sessions: 2",
        "First session: Sat 27 Mar 2027, 13:00–14:00 EDT",
        "Last session: Mon 29 Mar 2027, 13:00–14:00 EDT",
        "Price: $80.00",
        "Your share of it: $56.00",
        "See your students:",
        f"/teaching/courses/{course.pk}/",
    ]
    assert words_of(sold) == "Ada booked the full course “Spanish to go” for $80.00."
    assert bought.hold.amount == Decimal("80.00")
    assert Notice.objects.count() == 2


def test_a_session_is_bought(student, teacher, course, sessions):
    purchase_session(student=student, session_id=sessions[1].pk)
    notice, sold = told(student, "booking_made"), told(teacher, "sale_made")
    lines = mailed(notice)
    assert "Session: 2. A lesson" in lines
    assert "Time: Mon 29 Mar 2027, 19:00–20:00 CEST" in lines
    assert "Held until about: Mon 29 Mar 2027, 20:30 CEST" in lines
    assert words_of(notice).startswith(
        "You booked “2. A lesson” in “Spanish to go”. We hold $16.00"
    )
    assert "Time: Mon 29 Mar 2027, 13:00–14:00 EDT" in mailed(sold)
    assert letter_of(sold).button.path == f"/teaching/sessions/{sessions[1].pk}/"
    assert {notice.session_id, sold.session_id} == {sessions[1].pk}


def test_whoever_was_brought_brings_the_teacher_more(teacher, course):
    brought = student_with_credit("100.00", referral_code=teacher.referral_code)
    enroll_full_course(student=brought, course_id=course.pk)
    assert "Your share of it: $72.80" in mailed(told(teacher, "sale_made"))


def test_what_is_folded_in_is_said(student, course, sessions):
    purchase_session(student=student, session_id=sessions[0].pk)
    bought = enroll_full_course(student=student, course_id=course.pk)
    notice = told(student, "booking_made", dedupe_key__contains=str(bought.pk))
    assert "Refunded for your single sessions: $16.00" in mailed(notice)
    assert was_told(student, "booking_cancelled") == 0


def test_what_is_refused_tells_nobody(course):
    poor = student_with_credit("79.00")
    with pytest.raises(InsufficientCredit):
        enroll_full_course(student=poor, course_id=course.pk)
    assert not Notice.objects.exists()


def test_a_repeat_tells_nobody_again(student, course):
    enroll_full_course(student=student, course_id=course.pk)
    with pytest.raises(AlreadyEnrolled):
        enroll_full_course(student=student, course_id=course.pk)
    assert Notice.objects.count() == 2


def test_a_course_is_cancelled(student, teacher, course):
    bought = enroll_full_course(student=student, course_id=course.pk)
    cancel_enrollment(student=student, enrollment_id=bought.pk, reason="I am moving to Peru")
    notice, sale = told(student, "booking_cancelled"), told(teacher, "sale_cancelled")
    assert mailed(notice) == [
        "Cancelled: Spanish to go",
        "You cancelled the full course “Spanish to go”. $80.00 was refunded.",
        "Course: Spanish to go",
        "Refunded: $80.00",
        "See your credit:",
        "/credit/",
    ]
    assert words_of(notice).endswith("$80.00 was refunded.")
    assert mailed(sale) == [
        "A student cancelled: Spanish to go",
        "Ada cancelled the full course “Spanish to go”. Their money for what had not started went "
        "back to them.",
        "Course: Spanish to go",
        "Student: Ada",
        "Refunded: $80.00",
        "See your students:",
        f"/teaching/courses/{course.pk}/",
    ]
    assert "Peru" not in str(sale.facts), "why is between the student and the site"


def test_who_buys_again_is_told_again(student, teacher, course):
    for _ in range(2):
        bought = enroll_full_course(student=student, course_id=course.pk)
        cancel_enrollment(student=student, enrollment_id=bought.pk)
    assert was_told(student, "booking_made") == was_told(teacher, "sale_cancelled") == 2


def test_a_running_session_waits_for_attendance(student, course, sessions):
    bought = enroll_full_course(student=student, course_id=course.pk)
    start_session(sessions[0])
    cancel_enrollment(student=student, enrollment_id=bought.pk)
    lines = mailed(told(student, "booking_cancelled"))
    assert "A session that has started is settled by attendance." in lines
    assert "Refunded: $40.00" in lines


def test_a_session_is_cancelled(student, teacher, course, sessions):
    bought = purchase_session(student=student, session_id=sessions[0].pk)
    cancel_session_purchase(student=student, purchase_id=bought.pk)
    notice, sale = told(student, "booking_cancelled"), told(teacher, "sale_cancelled")
    assert letter_of(notice).subject == "Cancelled: 1. A lesson"
    assert words_of(notice) == (
        "You cancelled “1. A lesson” in “Spanish to go”. $16.00 was refunded."
    )
    assert words_of(sale) == (
        "Ada cancelled “1. A lesson” in “Spanish to go”. $16.00 went back to them."
    )


def test_a_moved_session_is_returned(student, teacher, course, sessions):
    bought = enroll_full_course(student=student, course_id=course.pk)
    move_session(
        session_id=sessions[0].pk, actor=teacher, starts_at=AFTER + DAY, duration_minutes=60
    )
    hand_back_session(student=student, enrollment_id=bought.pk, session_id=sessions[0].pk)
    notice, sale = told(student, "booking_cancelled"), told(teacher, "sale_cancelled")
    assert letter_of(notice).subject == "Returned: 1. A lesson"
    assert words_of(notice) == (
        "You returned “1. A lesson” in “Spanish to go”. $40.00 was refunded."
    )
    assert letter_of(sale).subject == "A student returned: 1. A lesson"
    assert sale.session_id == sessions[0].pk
