"""The way of a student's money, in words, for everything that can become of a session."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from courses.models import Course, CourseSession
from enrollments.learning.timeline import timeline_of
from payments.models import HoldPart, HoldStatus, PaymentHold

Reason, Status = HoldPart.Reason, HoldPart.Status
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAID = Decimal("12.00")


def a_part(
    hold, *, reason="", status=Status.PENDING, starts=NOW, number=1, amount=PAID, off=False, **more
):
    session = CourseSession(
        course=Course(),
        session_number=number,
        title="Food",
        starts_at=starts,
        duration_minutes=60,
        status="cancelled" if off else "scheduled",
    )
    settled = None if status == Status.PENDING else NOW
    return HoldPart(
        hold=hold,
        session=session,
        amount=amount,
        status=status,
        reason=reason,
        settled_at=settled,
        sold_starts_at=more.pop("sold", starts),
        sold_duration_minutes=more.pop("minutes", 60),
        **more,
    )


def single() -> PaymentHold:
    return PaymentHold(session_purchase_id=uuid4(), amount=PAID, held_at=NOW - 9 * HOUR)


def full_course(**more) -> PaymentHold:
    fields = {"enrollment_id": uuid4(), "amount": Decimal("36.00"), "held_at": NOW - 9 * HOUR}
    return PaymentHold(**fields | more)


def told(part, minutes=None) -> list[tuple[str, str, str]]:
    known = {} if minutes is None else {part.session_id: timedelta(minutes=minutes)}
    steps = timeline_of(part.hold, [part], now=NOW, there=known)
    return [(step.title, step.story, str(step.tone)) for step in steps]


HELD = ("Held $12.00", "", "done")
TOOK_PLACE = ("Session", "", "done")
WAITING = ("Released or refunded", "", "next")
RELEASED = ("Released $12.00", "", "good")
REFUNDED = ("Refunded $12.00", "", "back")
PAST, FUTURE = NOW - 5 * HOUR, NOW + 5 * HOUR


def off(story: str) -> tuple[str, str, str]:
    return ("Session", story, "back")


@pytest.mark.parametrize(
    ("reason", "status", "minutes", "steps"),
    [
        (Reason.STUDENT_CANCELLED, "refunded", None, [off("Cancelled by you"), REFUNDED]),
        (Reason.SESSION_CANCELLED, "refunded", None, [off("Cancelled by the teacher"), REFUNDED]),
        (
            Reason.SESSION_MOVED,
            "refunded",
            None,
            [off("Changed by the teacher, returned by you"), REFUNDED],
        ),
        (Reason.FOLDED, "refunded", None, [off("Became part of your full course"), REFUNDED]),
        (
            Reason.ATTENDED,
            "released",
            52,
            [TOOK_PLACE, ("Attended 52 of 60 min", "", "good"), RELEASED],
        ),
        (Reason.MISSED, "refunded", 7.5, [TOOK_PLACE, ("Missed (12%)", "", "back"), REFUNDED]),
        (Reason.MISSED, "refunded", 0, [TOOK_PLACE, ("Missed (0%)", "", "back"), REFUNDED]),
        (Reason.MISSED, "released", 7, [TOOK_PLACE, ("Missed (11%)", "", "good"), RELEASED]),
        (
            Reason.TEACHER_ABSENT,
            "refunded",
            60,
            [TOOK_PLACE, ("The teacher was absent", "", "back"), REFUNDED],
        ),
        (
            Reason.STAFF_DECISION,
            "refunded",
            None,
            [TOOK_PLACE, ("Decided by our staff", "", "back"), REFUNDED],
        ),
        (
            Reason.STAFF_DECISION,
            "released",
            None,
            [TOOK_PLACE, ("Decided by our staff", "", "good"), RELEASED],
        ),
    ],
)
def test_a_settled_single_session(reason, status, minutes, steps):
    part = a_part(single(), reason=reason, status=Status(status), starts=PAST)
    assert told(part, minutes) == [HELD, *steps]


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"starts": FUTURE}, [("Session", "", "next"), ("Attendance", "", "next")]),
        ({"starts": NOW}, [("Session", "Running now", "done"), ("Attendance", "", "next")]),
        (
            {"starts": NOW - HOUR},
            [TOOK_PLACE, ("Ended · settled within 30 minutes of the end", "", "next")],
        ),
        (
            {"starts": PAST, "review_reason": "No event of its room"},
            [TOOK_PLACE, ("Our staff are checking it", "", "warn")],
        ),
        (
            {"starts": FUTURE, "off": True},
            [off("Cancelled by the teacher; the refund is on its way")],
        ),
    ],
)
def test_a_single_session_that_is_not_settled(fields, steps):
    assert told(a_part(single(), **fields)) == [HELD, *steps, WAITING]


@pytest.mark.parametrize(
    ("fields", "story"),
    [
        ({"starts": FUTURE}, "Upcoming · $12.00 held"),
        ({"starts": NOW}, "Running now · $12.00 held"),
        ({"starts": NOW - HOUR}, "Ended · settled within 30 minutes of the end · $12.00 held"),
        (
            {"starts": PAST, "review_reason": "No event"},
            "Our staff are checking it · $12.00 held",
        ),
        ({"starts": FUTURE, "amount": Decimal(0)}, "Upcoming"),
        (
            {"starts": PAST, "status": Status.REFUNDED, "reason": Reason.MISSED},
            "Missed (11%) · refunded $12.00",
        ),
        (
            {"starts": PAST, "status": Status.RELEASED, "reason": Reason.ATTENDED},
            "Attended 7 of 60 min · released $12.00",
        ),
        (
            {
                "starts": PAST,
                "status": Status.RELEASED,
                "reason": Reason.ATTENDED,
                "amount": Decimal(0),
            },
            "Attended 7 of 60 min",
        ),
    ],
)
def test_a_session_of_a_full_course_is_one_step(fields, story):
    assert told(a_part(full_course(), **fields), 7)[1][:2] == ("1. Food", story)


def test_a_course_has_a_step_for_each_session_and_an_end_once_all_is_settled():
    hold = full_course(
        status=HoldStatus.RELEASED,
        released_amount=Decimal("24.00"),
        refunded_amount=Decimal("12.00"),
    )
    parts = [a_part(hold, number=number) for number in (1, 2, 3)]
    steps = timeline_of(hold, parts, now=NOW, there={})
    titles = [step.title for step in steps]
    assert titles == ["Held $36.00", "1. Food", "2. Food", "3. Food", "All settled"]
    assert steps[-1].story == "$24.00 released · $12.00 refunded"


def test_without_minutes_attendance_is_told_without_figures():
    part = a_part(single(), reason=Reason.ATTENDED, status=Status.RELEASED, starts=PAST)
    assert told(part)[2][0] == "Attended"


@pytest.mark.parametrize("hold", [single(), full_course()])
def test_a_changed_session_says_what_it_was_sold_with(hold):
    moved = a_part(hold, starts=FUTURE, sold=FUTURE - HOUR)
    longer = a_part(hold, starts=FUTURE, minutes=30)
    stayed = a_part(hold, starts=FUTURE)
    over = a_part(hold, starts=PAST, sold=PAST - HOUR)
    parts = (moved, longer, stayed, over)
    told_of = [timeline_of(hold, [part], now=NOW, there={})[1].changed for part in parts]
    assert told_of == [moved, longer, None, None]


@pytest.mark.parametrize(
    ("reason", "there", "story"),
    [
        (Reason.ATTENDED, 30, "Attended 30 of 90 min"),
        (Reason.ATTENDED, 120, "Attended 120 min"),
        (Reason.MISSED, 9, "Missed (10%)"),
    ],
)
def test_attendance_is_told_of_the_length_that_was_sold(reason, there, story):
    part = a_part(single(), reason=reason, status=Status.RELEASED, starts=PAST, minutes=90)
    assert told(part, there)[2][0] == story
