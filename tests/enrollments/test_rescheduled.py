"""Start and length are part of what was sold: who may return it, and what attendance is worth."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from courses.models import CourseSession
from enrollments.learning.previews import preview_hand_back
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_session, move_session
from payments.models import HoldPart, LedgerAccount, PaymentHold
from settlement.services.settling import Tally, settle_all
from tests.api.conftest import client_of
from tests.conversations import Room, attend, hear
from tests.factories import DAY, end_session, make_course, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured", "books_are_clean")]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def student():
    return student_with_credit()


@pytest.fixture
def course():
    """Two sessions of an hour; the first starts in a day."""
    return make_course(sessions=2)


@pytest.fixture
def teacher(course):
    return course.teacher


@pytest.fixture
def session(course):
    return course.sessions.get(session_number=1)


@pytest.fixture
def enrollment(student, course):
    return enroll_full_course(student=student, course_id=course.pk)


def change(session, *, by=timedelta(0), minutes=60):
    return move_session(
        session_id=session.pk,
        actor=session.course.teacher,
        starts_at=session.starts_at + by,
        duration_minutes=minutes,
    )


def settled(session) -> list[tuple[str, str]]:
    """What became of the parts of a session, in the order in which they were sold."""
    sum(settle_all(), Tally())
    parts = HoldPart.objects.filter(session=session).order_by("hold__held_at", "pk")
    return list(parts.values_list("reason", "status"))


class TestReturning:
    def returned(self, student, enrollment, session):
        path = f"/api/enrollments/{enrollment.pk}/sessions/{session.pk}"
        return client_of(student).delete(path)

    @pytest.mark.parametrize(
        "changed", [{"minutes": 1}, {"minutes": 1440}, {"by": MINUTE}, {"by": DAY, "minutes": 90}]
    )
    def test_another_length_is_reason_enough(self, student, enrollment, session, changed):
        change(session, **changed)
        preview = preview_hand_back(
            user=student, enrollment_id=enrollment.pk, session_id=session.pk
        )
        answer = self.returned(student, enrollment, session)
        assert (answer.status_code, answer.json()["refund_amount"]) == (200, "50.00")
        assert (preview.code, preview.refund_amount) == (None, Decimal("50.00"))

    def test_not_while_both_are_as_sold(self, student, enrollment, session):
        change(change(session, by=DAY, minutes=90), by=-DAY)
        preview = preview_hand_back(
            user=student, enrollment_id=enrollment.pk, session_id=session.pk
        )
        answer = self.returned(student, enrollment, session)
        assert (answer.status_code, answer.json()["code"]) == (409, "session_not_moved")
        assert preview.code == "session_not_moved"

    def test_what_counts_is_what_was_sold_to_this_student(self, student, session, course):
        change(session, minutes=90)
        later = enroll_full_course(student=student, course_id=course.pk)
        answer = self.returned(student, later, session)
        assert (answer.status_code, answer.json()["code"]) == (409, "session_not_moved")

    def test_a_single_session_is_cancelled_until_it_starts(self, student, session):
        bought = purchase_session(student=student, session_id=session.pk)
        change(session, minutes=1)
        done = cancel_session_purchase(student=student, purchase_id=bought.pk)
        assert done.refund_amount == Decimal("16.00")


class TestMeasuring:
    def test_an_hour_sold_is_not_paid_by_a_minute_given(self, teacher, session):
        students = [student_with_credit("16.00") for _ in range(3)]
        for student in students:
            purchase_session(student=student, session_id=session.pk)
        session = change(session, by=MINUTE - DAY, minutes=1)
        end_session(session, ago=HOUR)
        attend(session, teacher, *students, minutes=0.25)

        assert settled(session) == [("teacher_absent", "refunded")] * 3
        assert LedgerAccount.objects.get(owner=teacher, kind="earnings").balance == 0

    @pytest.mark.parametrize(
        ("there", "taught", "reason"),
        [(12, 12, "attended"), (11, 12, "missed"), (15, 11, "teacher_absent")],
    )
    def test_a_shortened_session(
        self, student, teacher, session, enrollment, there, taught, reason
    ):
        """12 minutes are 20% of the hour sold, and 80% of what takes place."""
        session = change(session, minutes=15)
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.throughout(*room.visit(teacher, 0, taught), *room.visit(student, 0, there)))
        assert [found for found, _ in settled(session)] == [reason]

    def test_a_lengthened_session_asks_no_more_than_was_sold(
        self, student, teacher, session, enrollment
    ):
        session = change(session, minutes=24 * 60)
        end_session(session, ago=HOUR)
        room = Room(session)
        hear(*room.visit(teacher, 0, 60), *room.visit(student, 600, 612))
        assert settled(session) == [("attended", "released")]

    def test_each_part_by_its_own_length(self, student, teacher, session, enrollment):
        """Ten minutes of the teacher are half of what one bought, and too little for the other."""
        session = change(session, minutes=20)
        other = student_with_credit()
        purchase_session(student=other, session_id=session.pk)
        end_session(session, ago=HOUR)
        attend(session, teacher, student, other, minutes=10)
        assert settled(session) == [("teacher_absent", "refunded"), ("attended", "released")]


class TestNotice:
    """Where who misses a session pays for it, a change at short notice is not theirs to miss."""

    @pytest.fixture(autouse=True)
    def _missed_is_paid(self, settings):
        settings.NO_SHOW = "release"

    def outcome(self, session, *there):
        """How it ends, over since an hour, with these people there throughout."""
        session = CourseSession.objects.get(pk=session.pk)
        end_session(session, ago=HOUR)
        attend(session, session.course.teacher, *there)
        return settled(session)

    @pytest.mark.parametrize(
        ("changed", "ends"),
        [
            ({"by": -11.9 * HOUR}, "released"),
            ({"by": -12.1 * HOUR}, "refunded"),
            ({"by": -13 * HOUR, "minutes": 90}, "refunded"),
            ({"by": DAY}, "released"),
        ],
    )
    def test_what_counts_is_the_time_to_the_new_start(self, enrollment, session, changed, ends):
        change(session, **changed)
        assert self.outcome(session) == [("missed", ends)]

    @pytest.mark.parametrize(("hours", "ends"), [(0, "released"), (25, "refunded")])
    def test_the_notice_is_a_setting(self, enrollment, session, settings, hours, ends):
        settings.CHANGE_NOTICE_HOURS = hours
        change(session, minutes=59)
        assert self.outcome(session) == [("missed", ends)]

    def test_who_was_there_pays(self, student, enrollment, session):
        change(session, by=-13 * HOUR)
        assert self.outcome(session, student) == [("attended", "released")]

    def test_a_single_session_likewise(self, student, session, settings):
        settings.CHANGE_NOTICE_HOURS = 48
        bought = purchase_session(student=student, session_id=session.pk)
        change(session, minutes=90)
        assert self.outcome(session) == [("missed", "refunded")]
        bought.refresh_from_db()
        assert (bought.status, bought.payment_status) == ("missed", "refunded")

    def test_who_bought_it_as_it_is_knew(self, student, course, session):
        change(session, by=-13 * HOUR)
        enroll_full_course(student=student, course_id=course.pk)
        assert self.outcome(session) == [("missed", "released")]

    def test_who_bought_before_it_went_and_came_back_did_not(self, enrollment, session, settings):
        settings.CHANGE_NOTICE_HOURS = 48
        change(change(session, by=HOUR), by=-HOUR)
        PaymentHold.objects.update(held_at=timezone.now() - 9 * DAY)
        assert self.outcome(session) == [("missed", "refunded")]

    def test_an_unchanged_session_is_paid(self, enrollment, session):
        assert self.outcome(session) == [("missed", "released")]


def test_a_session_counts_its_changes_of_time_and_being_called_off(session, teacher):
    """What calendars ask for: wording counts for nothing, nor does a repeat."""

    def after(change, **terms):
        change(session_id=session.pk, actor=teacher, **terms)
        session.refresh_from_db()
        return session.sequence

    moved = {"starts_at": session.starts_at + DAY, "duration_minutes": 60}
    assert session.sequence == 0
    assert after(change_session, title="Other words") == 0
    assert after(move_session, **moved) == 1
    assert after(move_session, **moved) == 1
    assert after(change_session, duration_minutes=45, description="Shorter") == 2
    assert after(cancel_session) == 3
    assert after(cancel_session) == 3
