"""Adding and moving what was sold; the terms it was sold on; who may enter."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from common.errors import NotFound
from courses.models import CourseSession
from courses.services import archive_course
from enrollments.errors import (
    SeatsTaken,
    SessionClosed,
    SessionStarted,
    StartInPast,
    TooManySessions,
)
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    change_course,
    change_session,
    move_session,
)
from payments.models import HoldPart, PaymentHold
from payments.wallets import balances_of
from tests.enrollments.sold import course, enrollment, first, reason, student
from tests.factories import (
    DAY,
    StaffFactory,
    UserFactory,
    access_to,
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)

__all__ = ["course", "enrollment", "first", "student"]


class TestAdding:
    def test_the_enrolled_get_in_for_nothing(self, student, course, enrollment):
        added = extend_course(course, starts_at=timezone.now() + 9 * DAY)

        part = HoldPart.objects.get(session=added)
        assert (added.session_number, part.amount, part.status) == (8, Decimal("0.00"), "pending")
        assert part.sold_starts_at == added.starts_at
        assert reason(student, added) == "enrolled"
        assert balances_of(student) == (Decimal("400.00"), Decimal("100.00"))
        done = cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        assert done.refund_amount == Decimal("100.00")

    def test_later_buyers_pay_a_share_of_it(self, course, enrollment):
        extend_course(course, starts_at=timezone.now() + 9 * DAY)
        later = enroll_full_course(student=student_with_credit(), course_id=course.pk)
        shares = HoldPart.objects.filter(hold__enrollment=later).values_list("amount", flat=True)
        assert sorted(shares) == [Decimal("12.50")] * 8

    def test_a_completed_enrolment_is_active_again(self, course, enrollment):
        now = timezone.now()
        HoldPart.objects.update(status="released", settled_at=now)
        PaymentHold.objects.update(status="released", released_at=now)
        CourseEnrollment.objects.update(status="completed")

        extend_course(course, starts_at=now + 9 * DAY)

        enrollment.refresh_from_db()
        assert (enrollment.status, PaymentHold.objects.get().status) == ("active", "held")

    def test_the_cancelled_get_no_part(self, student, course, enrollment):
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        added = extend_course(course, starts_at=timezone.now() + 9 * DAY)
        assert not HoldPart.objects.filter(session=added).exists()

    def test_it_starts_in_the_future(self, course):
        with pytest.raises(StartInPast):
            extend_course(course, starts_at=timezone.now())


class TestMoving:
    def move(self, session, starts_at, *, actor=None, minutes=60):
        return move_session(
            session_id=session.pk,
            actor=actor or session.course.teacher,
            starts_at=starts_at,
            duration_minutes=minutes,
        )

    def test_the_part_remembers_when_it_was_sold(self, enrollment, first):
        moved = self.move(first, first.starts_at + DAY, minutes=90)
        part = HoldPart.objects.get(session=first)
        assert (part.sold_starts_at, moved.starts_at) == (first.starts_at, first.starts_at + DAY)
        assert (part.sold_duration_minutes, moved.duration_minutes) == (60, 90)

    @pytest.mark.parametrize("change", [{"minutes": 1}, {"minutes": 1440}, {"by": DAY}])
    def test_the_session_remembers_when_it_was_rescheduled(self, first, change):
        CourseSession.objects.filter(pk=first.pk).update(status="live")
        before = timezone.now()
        start = first.starts_at + change.pop("by", timedelta(0))
        moved = self.move(first, start, **change)
        assert before <= moved.rescheduled_at <= timezone.now()
        assert moved.status == "scheduled"

    def test_what_stays_as_it_was_is_not_rescheduled(self, course, first):
        CourseSession.objects.filter(pk=first.pk).update(status="live")
        kept = self.move(first, first.starts_at)
        change_session(session_id=first.pk, actor=course.teacher, title="New")
        assert (kept.rescheduled_at, kept.status) == (None, "live")

    def test_a_started_session_is_neither_moved_nor_lengthened(self, first):
        start_session(first)
        with pytest.raises(SessionStarted):
            self.move(first, timezone.now() + DAY)
        with pytest.raises(SessionStarted):
            self.move(first, first.starts_at, minutes=90)

    def test_a_new_start_lies_in_the_future(self, first):
        with pytest.raises(StartInPast):
            self.move(first, timezone.now())

    def test_a_cancelled_session_stays_where_it_is(self, course, first):
        cancel_session(session_id=first.pk, actor=course.teacher)
        with pytest.raises(SessionClosed):
            self.move(first, timezone.now() + DAY)

    def test_texts_change_at_any_time_and_move_nothing(self, course, first):
        start_session(first)
        changed = change_session(session_id=first.pk, actor=course.teacher, title="New")
        assert (changed.title, changed.starts_at) == ("New", first.starts_at)
        with pytest.raises(NotFound):
            change_session(session_id=first.pk, actor=UserFactory(), title="Forged")

    def test_staff_may_and_strangers_may_not(self, first):
        self.move(first, first.starts_at + DAY, actor=StaffFactory())
        with pytest.raises(NotFound):
            self.move(first, first.starts_at + DAY, actor=UserFactory())


class TestTerms:
    def change(self, course, **changes):
        return change_course(course_id=course.pk, actor=course.teacher, **changes)

    def test_not_fewer_seats_than_are_taken(self, course, first, enrollment):
        purchase_session(student=student_with_credit(), session_id=first.pk)
        with pytest.raises(SeatsTaken) as refusal:
            self.change(course, max_students=1)
        assert refusal.value.details == {"taken": 2}
        assert self.change(course, max_students=2).max_students == 2

    def test_nor_fewer_than_are_in_a_session_that_runs(self, student, course, first, enrollment):
        """One of them has given up the seat since; both may stay until it is over."""
        purchase_session(student=student_with_credit(), session_id=first.pk)
        start_session(first)
        cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        with pytest.raises(SeatsTaken) as refusal:
            self.change(course, max_students=1)
        assert refusal.value.details == {"taken": 2}
        end_session(first)
        assert self.change(course, max_students=0).max_students == 0

    def test_what_was_sold_keeps_its_price(self, student, course, enrollment):
        self.change(course, price_full_course=Decimal("1.00"))
        done = cancel_enrollment(student=student, enrollment_id=enrollment.pk)
        assert done.refund_amount == Decimal("100.00")


class TestAccess:
    def test_its_teacher(self, course, first):
        assert reason(course.teacher, first) == "teacher"

    def test_enrolled_purchased_cancelled_or_neither(self, student, first, enrollment):
        single = student_with_credit()
        purchase = purchase_session(student=single, session_id=first.pk)
        assert reason(student, first) == "enrolled"
        assert reason(single, first) == "purchased"
        cancel_session_purchase(student=single, purchase_id=purchase.pk)
        assert reason(single, first) == "cancelled"
        assert reason(UserFactory(), first) == reason(StaffFactory(), first) == "not_purchased"

    def test_what_was_not_paid_for_because_it_had_started(self, student, course, first):
        start_session(first)
        enroll_full_course(student=student, course_id=course.pk)
        assert reason(student, first) == "not_purchased"

    def test_an_archived_course_lets_its_students_in(self, student, course, first, enrollment):
        archive_course(course_id=course.pk, actor=course.teacher)
        assert reason(student, first) == "enrolled"

    def test_the_door_is_open_from_ten_minutes_before_to_the_end(self, student, first, enrollment):
        access = access_to(first, student)
        assert access.has_access
        assert access.opens_at == first.starts_at - timedelta(minutes=10)
        assert access.closes_at == first.starts_at + timedelta(minutes=60)

    @pytest.mark.django_db
    def test_a_draft_is_hidden(self):
        course = make_course(published=False)
        for who in (UserFactory(), UserFactory(is_teacher=True)):
            with pytest.raises(NotFound):
                reason(who, course.sessions.first())
        assert reason(course.teacher, course.sessions.first()) == "teacher"


def test_a_course_has_so_many_sessions_and_no_more(course, settings):
    """Those that were called off count: else calling off and adding would grow a page for ever."""
    settings.MAX_SESSIONS_PER_COURSE = 8
    extend_course(course, starts_at=timezone.now() + DAY)
    cancel_session(session_id=course.sessions.last().pk, actor=course.teacher)
    with pytest.raises(TooManySessions) as refused:
        extend_course(course, starts_at=timezone.now() + DAY)
    assert (refused.value.status, refused.value.details) == (409, {"limit": 8})
    assert course.sessions.count() == 8
