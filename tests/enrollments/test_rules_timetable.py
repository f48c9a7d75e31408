"""The sessions of a course as a whole: their numbers, and when all of it may go."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from courses.models import Course, CourseSession
from enrollments.errors import (
    CourseSold,
    ReasonMissing,
    SessionClosed,
    SessionStarted,
    StartInPast,
    TooManySessions,
)
from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    delete_course,
    delete_session,
    move_session,
)
from enrollments.services.timetable import NewSession, add_sessions, move_sessions
from notices.models import Notice
from payments.models import HoldPart
from payments.wallets import credit_of
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    end_session,
    extend_course,
    make_course,
    start_session,
    student_with_credit,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def student() -> User:
    return student_with_credit()


def days(course) -> list[tuple[int, int]]:
    """The number of each session, in the API's order, and on how many days from now it is."""
    now = timezone.now()
    return [(s.session_number, round((s.starts_at - now) / DAY)) for s in course.sessions.all()]


class TestNumbers:
    @pytest.fixture(params=[True, False])
    def course(self, request, db) -> Course:
        return make_course(sessions=3, every=2 * DAY, published=request.param)

    def test_they_follow_time_until_somebody_has_bought(self, course):
        extend_course(course, starts_at=timezone.now() + 2 * DAY)
        assert days(course) == [(1, 1), (2, 2), (3, 3), (4, 5)]

        last = course.sessions.last()
        start = timezone.now() + DAY / 2
        moved = move_session(
            session_id=last.pk, actor=course.teacher, starts_at=start, duration_minutes=60
        )
        assert moved.session_number == 1
        assert [number for number, _ in days(course)] == [1, 2, 3, 4]
        assert course.sessions.first() == last

        delete_session(session_id=course.sessions.get(session_number=2).pk, actor=course.teacher)
        assert [number for number, _ in days(course)] == [1, 2, 3]

    @pytest.mark.parametrize("amount", ["paid", "for nothing"])
    def test_then_they_stay_gaps_too(self, student, amount):
        course = make_course(sessions=3, every=2 * DAY)
        bought = enroll_full_course(student=student, course_id=course.pk)
        if amount == "for nothing":  # 0.00 counts as much
            HoldPart.objects.update(amount=0)
        cancel_enrollment(student=student, enrollment_id=bought.pk)
        added = extend_course(course, starts_at=timezone.now() + 2 * DAY)
        assert added.session_number == 4
        extra = extend_course(course, starts_at=timezone.now() + 4 * DAY)
        assert days(course) == [(1, 1), (2, 3), (3, 5), (4, 2), (5, 4)]
        delete_session(session_id=extra.pk, actor=course.teacher)
        moved = move_session(
            session_id=course.sessions.first().pk,
            actor=course.teacher,
            starts_at=timezone.now() + 9 * DAY,
            duration_minutes=60,
        )
        assert moved.session_number == 1


class TestDeletingACourse:
    def delete(self, course, actor=None):
        delete_course(course_id=course.pk, actor=actor or course.teacher)

    @pytest.mark.parametrize("published", [True, False])
    def test_what_nobody_booked_goes_with_its_sessions(self, published):
        course = make_course(published=published)
        cancel_session(session_id=course.sessions.first().pk, actor=course.teacher)
        end_session(course.sessions.last())
        self.delete(course)
        assert (Course.objects.count(), CourseSession.objects.count()) == (0, 0)
        with pytest.raises(NotFound):
            self.delete(course)

    def test_its_picture_goes_too(self, django_capture_on_commit_callbacks):
        name = default_storage.save("courses/old.webp", ContentFile(b"."))
        course = make_course(thumbnail=name)
        with django_capture_on_commit_callbacks(execute=True):
            self.delete(course)
        assert not default_storage.exists(name)

    def test_not_what_somebody_has_or_had(self, student):
        course = make_course()
        first = course.sessions.first()
        bought = purchase_session(student=student, session_id=first.pk)
        cancel_session_purchase(student=student, purchase_id=bought.pk)
        for actor in (course.teacher, StaffFactory()):
            with pytest.raises(CourseSold) as refusal:
                self.delete(course, actor)
        assert (refusal.value.status, refusal.value.code) == (409, "course_sold")
        assert course.sessions.count() == 7

    def test_strangers_may_not(self):
        course = make_course()
        for who in (UserFactory(), TeacherFactory()):
            with pytest.raises(NotFound):
                self.delete(course, who)


class TestAddingMany:
    def new(self, *days: float) -> list[NewSession]:
        return [NewSession(f"Day {day}", timezone.now() + day * DAY, 45) for day in days]

    def add(self, course, *days: float) -> list[CourseSession]:
        return add_sessions(course_id=course.pk, actor=course.teacher, new=self.new(*days))

    def test_they_are_numbered_by_time_and_the_enrolled_get_in(self, student):
        course = make_course(sessions=2)
        enroll_full_course(student=student, course_id=course.pk)
        added = self.add(course, 9, 8, 7)
        assert [(one.session_number, one.title) for one in added] == [
            (3, "Day 7"), (4, "Day 8"), (5, "Day 9"),
        ]  # fmt: skip
        free = HoldPart.objects.filter(session__in=added)
        assert sorted(free.values_list("amount", "status")) == [(0, "pending")] * 3

    def test_all_or_none(self):
        course = make_course(sessions=2)
        with pytest.raises(StartInPast):
            self.add(course, 8, -1)
        assert course.sessions.count() == 2

    def test_as_many_as_a_course_may_have(self, settings):
        settings.MAX_SESSIONS_PER_COURSE = 5
        course = make_course(sessions=2)
        with pytest.raises(TooManySessions):
            self.add(course, 5, 6, 7, 8)
        assert len(self.add(course, 5, 6, 7)) == 3

    def test_more_of_them_take_no_more_statements(self):
        counts = []
        for number in (2, 40):
            course = make_course(sessions=1)
            with CaptureQueriesContext(connection) as asked:
                self.add(course, *range(2, 2 + number))
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestMovingMany:
    def move(self, course, by=7 * DAY, **terms) -> list[CourseSession]:
        starts = {one.pk: one.starts_at + by for one in course.sessions.open_at(timezone.now())}
        terms = {"course_id": course.pk, "actor": course.teacher, "starts": starts} | terms
        return move_sessions(**terms)

    def test_each_part_is_returnable_and_each_student_is_told_once(self, student):
        course = make_course(sessions=3, price_full_course="90.00")
        enrolled = enroll_full_course(student=student, course_id=course.pk)
        single = student_with_credit()
        purchase_session(student=single, session_id=course.sessions.first().pk)
        before = list(course.sessions.values_list("starts_at", flat=True))

        assert len(self.move(course, reason="I am ill")) == 3

        after = list(course.sessions.values_list("starts_at", flat=True))
        assert after == [start + 7 * DAY for start in before]
        told = Notice.objects.filter(kind="sessions_moved")
        assert {n.reader_id: len(n.facts["sessions"]) for n in told} == {
            student.pk: 3,
            single.pk: 1,
        }
        assert not Notice.objects.filter(kind="session_moved").exists()
        for session in course.sessions.all():
            assert (session.sequence, session.rescheduled_at is None) == (1, False)
            hand_back_session(student=student, enrollment_id=enrolled.pk, session_id=session.pk)
        assert credit_of(student) == 500

    def test_a_repeat_moves_none(self, student):
        course = make_course(sessions=2)
        enroll_full_course(student=student, course_id=course.pk)
        starts = {one.pk: one.starts_at + DAY for one in course.sessions.all()}
        assert [len(self.move(course, starts=starts)) for _ in range(2)] == [2, 0]
        assert Notice.objects.filter(kind="sessions_moved").count() == 1

    def test_all_or_none(self):
        course = make_course(sessions=3)
        before = list(course.sessions.values_list("pk", "starts_at"))
        with pytest.raises(StartInPast):
            self.move(course, by=-2 * DAY)
        start_session(course.sessions.first())
        with pytest.raises(SessionStarted):
            self.move(course, starts={pk: start + 9 * DAY for pk, start in before})
        cancel_session(session_id=before[1][0], actor=course.teacher)
        with pytest.raises(SessionClosed):
            self.move(course, starts={pk: start + 9 * DAY for pk, start in before[1:]})
        with pytest.raises(NotFound):
            self.move(make_course(), starts=dict(before))
        assert list(course.sessions.values_list("pk", "starts_at"))[1:] == before[1:]

    def test_what_is_booked_meanwhile_takes_a_reason(self, student):
        course = make_course(sessions=2)
        purchase_session(student=student, session_id=course.sessions.last().pk)
        with pytest.raises(ReasonMissing):
            self.move(course, unbooked=True)

    def test_strangers_may_not(self):
        with pytest.raises(NotFound):
            self.move(make_course(), actor=TeacherFactory())

    def test_more_of_them_take_no_more_statements(self):
        counts = []
        for number in (3, 30):
            course = make_course(sessions=number)
            with CaptureQueriesContext(connection) as asked:
                self.move(course)
            counts.append(len(asked))
        assert counts[0] == counts[1]
