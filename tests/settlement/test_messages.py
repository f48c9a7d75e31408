"""What student and teacher are told once a session is over, or staff decided; in their zones."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from courses.services import publish_course
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from notices.models import Notice
from payments.models import HoldPart, PaymentHold
from settlement.services.deciding import refund_hold, release_hold
from settlement.services.settling import Tally, settle_all
from tests.conversations import CONFIGURED, Room, hear
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    extend_course,
    make_course,
    student_with_credit,
)
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db
# While it lasts the clocks of Europe go forward.
START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
SOLD_AT, SETTLED_AT = START - timedelta(days=8), START + timedelta(hours=2)
TIME = "Time: Sun 28 Mar 2027, 01:30–03:30 CEST"
LESSON = "“1. A lesson” in “Spanish to go”"


@pytest.fixture(autouse=True)
def clock(settings):
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    with time_machine.travel(SOLD_AT) as clock:
        yield clock


@pytest.fixture
def teacher():
    return TeacherFactory(display_name="Sofía", time_zone="America/New_York")


@pytest.fixture
def course(teacher):
    draft = make_course(teacher=teacher, sessions=0, published=False, price_full_course="80.00")
    for start in (START, START + timedelta(days=7)):
        extend_course(draft, starts_at=start)
    return publish_course(course_id=draft.pk, actor=teacher)


@pytest.fixture
def session(course):
    return course.sessions.first()


@pytest.fixture
def enrolled(course):
    return enrol(course)


@pytest.fixture
def free(enrolled, session):
    """Its part of the first session, as if that had been added after the sale."""
    part = HoldPart.objects.get(session=session)
    PaymentHold.objects.update(amount=40)
    HoldPart.objects.filter(pk=part.pk).update(amount=0)
    return part


def enrol(course):
    student = student_with_credit("100.00", time_zone="Europe/Madrid", display_name="Ada")
    enroll_full_course(student=student, course_id=course.pk)
    return student


@pytest.fixture
def take_place(clock, session):
    """It is over and settled; these people were there for so many minutes, whatever is known."""

    def take_place(*visits, watched=True):
        clock.move_to(SETTLED_AT)
        room = Room(session)
        bodies = [body for who, minutes in visits for body in room.visit(who, 0, minutes)]
        hear(*(room.throughout(*bodies) if watched else bodies))
        return sum(settle_all(), Tally())

    return take_place


def test_attended(enrolled, teacher, session, take_place):
    take_place((teacher, 60), (enrolled, 60))
    notice = told(enrolled, "session_settled")
    assert words_of(notice) == f"You attended {LESSON}. $40.00 was paid to your teacher."
    assert (notice.mail, notice.session_id) == ("none", session.pk)

    paid = told(teacher, "teaching_settled")
    assert words_of(paid) == f"{LESSON} is settled: 1 student attended. You earned $28.00."
    assert mailed(paid) == [
        "Settled: 1. A lesson, $28.00",
        words_of(paid),
        "Course: Spanish to go",
        "Session: 1. A lesson",
        "Time: Sat 27 Mar 2027, 20:30–21:30 EDT",
        "Attended: 1",
        "You earned: $28.00",
        "See your earnings:",
        "/earnings/",
    ]


def test_missed(enrolled, teacher, take_place):
    take_place((teacher, 60), (enrolled, 5))
    notice = told(enrolled, "session_refunded")
    assert mailed(notice) == [
        "Refunded: $40.00 for 1. A lesson",
        f"You missed {LESSON}: you were there 5 of 60 min. $40.00 was refunded.",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        TIME,
        "You were there: 5 of 60 min",
        "Refunded: $40.00",
        "See your credit:",
        "/credit/",
    ]
    assert words_of(notice) == mailed(notice)[1]
    assert "Missed it: 1" in mailed(told(teacher, "teaching_settled"))


def test_missed_and_paid_for(enrolled, teacher, take_place, settings):
    settings.NO_SHOW = "release"
    take_place((teacher, 60))
    assert words_of(told(enrolled, "session_settled")) == (
        f"You missed {LESSON}: you were there 0 of 60 min. $40.00 was paid to your teacher."
    )


def test_the_teacher_was_not_there(enrolled, teacher, take_place):
    take_place((teacher, 5), (enrolled, 60))
    assert words_of(told(enrolled, "session_refunded")) == (
        f"Your teacher wasn't at {LESSON}. $40.00 was refunded."
    )
    assert words_of(told(teacher, "teaching_settled")) == (
        f"You weren't at {LESSON} for long enough, so your students were refunded."
    )


def test_nobody_knows(course, enrolled, teacher, take_place):
    other = enrol(course)
    assert take_place(watched=False).reviewed == 2
    notice = told(enrolled, "session_under_review")
    assert notice.must_acknowledge
    assert mailed(notice) == [
        "Under review: 1. A lesson",
        f"We couldn't tell for sure who was at {LESSON}. Our staff are looking into it. Your "
        "payment stays held until they decide, and then we'll tell you.",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        TIME,
        "Held: $40.00",
        "Open My learning:",
        "/learning/",
    ]
    assert words_of(notice) == (
        f"{LESSON} is under review: we couldn't tell for sure who was there. $40.00 stays held "
        "until our staff decide."
    )
    assert was_told(other, "session_under_review") == 1
    review = told(teacher, "teaching_under_review")
    assert not review.must_acknowledge
    assert mailed(review)[1].startswith(f"We couldn't tell for sure who was at {LESSON}, which you")
    assert words_of(review).startswith(f"{LESSON} is under review")
    assert was_told(teacher, "teaching_settled") == 0


def test_nobody_knows_of_what_came_for_nothing(enrolled, teacher, free, take_place):
    """No money waits, but whether the course is completed, and how much of it, does."""
    take_place(watched=False)
    notice = told(enrolled, "session_under_review")
    assert mailed(notice)[:6] == [
        "Under review: 1. A lesson",
        f"We couldn't tell for sure who was at {LESSON}. Our staff are looking into it. You paid "
        "nothing for it; our staff only decide whether it counts as attended, and then we'll tell "
        "you.",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        TIME,
        "Open My learning:",
    ]
    assert words_of(notice) == (
        f"{LESSON} is under review: we couldn't tell for sure who was there. You paid nothing for "
        "it; our staff only decide whether it counts as attended."
    )
    review = told(teacher, "teaching_under_review")
    for words in (mailed(review)[1], words_of(review)):
        assert "paid" not in words
        assert "Any payment for it stays held until" in words


@pytest.mark.parametrize(
    ("decide", "end"),
    [
        (release_hold, "it counts as attended."),
        (refund_hold, "you had paid nothing, so nothing comes back."),
    ],
)
def test_what_is_decided_of_what_came_for_nothing(enrolled, teacher, free, take_place, decide, end):
    take_place(watched=False)
    decide(hold_id=free.hold_id, actor=StaffFactory(), reason="Both say so", part_ids=[free.pk])
    assert mailed(told(enrolled, "session_decided"))[1:5] == [
        f"Our staff decided about {LESSON}: {end}",
        "Course: Spanish to go",
        "Session: 1. A lesson",
        "Our staff:",
    ]
    assert mailed(told(teacher, "teaching_decided"))[1] == (
        f"Our staff decided about {LESSON}: Ada had paid nothing."
    )


def test_each_is_told_once_however_often_it_is_settled(course, enrolled, teacher, take_place):
    purchase_session(student=student_with_credit(), session_id=course.sessions.first().pk)
    take_place((teacher, 60), (enrolled, 60))
    before = Notice.objects.count()
    assert sum(settle_all(), Tally()) == Tally()
    assert Notice.objects.count() == before
    assert was_told(teacher, "teaching_settled") == 1


def test_a_session_that_nobody_bought_tells_nothing(teacher, take_place):
    take_place((teacher, 60))
    assert not Notice.objects.exists()


class TestDecided:
    @pytest.fixture
    def hold(self, enrolled, take_place):
        take_place(watched=False)
        return enrolled.holds.get()

    def test_refunded(self, enrolled, teacher, hold, session):
        [part, _] = hold.parts.order_by("pk")
        reason = "The room was down"
        refund_hold(hold_id=hold.pk, actor=StaffFactory(), reason=reason, part_ids=[part.pk])
        notice, review = told(enrolled, "session_decided"), told(teacher, "teaching_decided")
        assert mailed(notice) == [
            f"Decided: {LESSON}",
            f"Our staff decided about {LESSON}: $40.00 was refunded.",
            "Course: Spanish to go",
            "Session: 1. A lesson",
            "Refunded: $40.00",
            "Our staff:",
            "> The room was down",
            "Open My learning:",
            "/learning/",
        ]
        assert words_of(notice) == f"{mailed(notice)[1]} Our staff: “The room was down”"
        assert mailed(review)[1:2] == [
            f"Our staff decided about {LESSON}: $40.00 went back to Ada."
        ]
        assert (notice.session_id, review.session_id) == (session.pk, session.pk)

    def test_released(self, enrolled, teacher, hold):
        [part, _] = hold.parts.order_by("pk")
        release_hold(
            hold_id=hold.pk, actor=StaffFactory(), reason="Both say so", part_ids=[part.pk]
        )
        assert words_of(told(enrolled, "session_decided")) == (
            f"Our staff decided about {LESSON}: $40.00 was paid to your teacher. "
            "Our staff: “Both say so”"
        )
        review = told(teacher, "teaching_decided")
        assert words_of(review) == (
            f"Our staff decided about {LESSON}: you are paid $28.00 of the $40.00 that Ada paid. "
            "Our staff: “Both say so”"
        )
        assert mailed(review)[-2:] == ["See your earnings:", "/earnings/"]

    def test_several_at_once_are_one_decision(self, enrolled, teacher, hold):
        refund_hold(hold_id=hold.pk, actor=StaffFactory(), reason="The teacher has gone")
        notice = told(enrolled, "session_decided")
        assert mailed(notice)[:5] == [
            "Decided: 2 sessions of “Spanish to go”",
            "Our staff decided about 2 sessions of “Spanish to go”: $80.00 was refunded.",
            "Course: Spanish to go",
            "Session: 1. A lesson",
            "Session: 2. A lesson",
        ]
        assert notice.session_id is None
        assert was_told(teacher, "teaching_decided") == 1
