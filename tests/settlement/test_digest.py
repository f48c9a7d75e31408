"""What waits for staff, told once a day: to each what they may look at, nothing if it is none."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from enrollments.services.enrolling import enroll_full_course
from notices.models import Notice
from payments.models import HoldPart, ProcessorEvent, TopUp
from settlement.services.digest import tell_staff
from settlement.services.settling import settle_all
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.conversations import attend
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    UserFactory,
    earn,
    end_session,
    make_course,
    student_with_credit,
    top_up_of,
    withdraw,
)
from tests.telling import mailed, told, was_told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
HOUR = timedelta(hours=1)


@pytest.fixture
def boss() -> User:
    return StaffFactory()


@pytest.fixture
def hold():
    """Of a session that ended three hours ago."""
    course = make_course(sessions=1)
    hold = enroll_full_course(student=student_with_credit(), course_id=course.pk).hold
    end_session(course.sessions.get(), ago=3 * HOUR)
    return hold


def rows(clerk: User) -> list[str]:
    return mailed(told(clerk, "staff_digest"))[2:-2]


def test_nothing_waits_and_nobody_is_told(boss):
    assert tell_staff() == 0
    assert not Notice.objects.exists()


def test_a_hold_under_review(boss, hold):
    list(settle_all())
    assert tell_staff() == 1
    assert mailed(told(boss, "staff_digest")) == [
        "Waiting for staff: 1",
        "Somebody on the staff has to look at this.",
        "Holds under review: 1",
        "Open the administration:",
        "/admin/",
    ]


def test_a_settlement_that_is_late_and_none_that_is_under_way(boss, hold):
    end_session(hold.parts.get().session, ago=HOUR)
    assert tell_staff() == 0
    end_session(hold.parts.get().session, ago=3 * HOUR)
    assert tell_staff() == 1
    assert rows(boss) == ["Holds overdue: 1"]


def test_late_events(boss, hold):
    session = hold.parts.get().session
    attend(session, hold.teacher)
    list(settle_all())
    assert HoldPart.objects.update(review_reason="By late events they were there.")
    tell_staff()
    assert rows(boss) == ["Holds with late events: 1"]


def test_a_teacher_who_has_gone(boss):
    course = make_course(sessions=2)
    User.objects.filter(pk=course.teacher_id).update(is_active=False)
    tell_staff()
    assert rows(boss) == ["Sessions without a teacher: 2"]


def test_withdrawals(boss):
    teacher = TeacherFactory()
    earn(teacher)
    withdraw(teacher)
    withdraw(teacher, status="approved")
    withdraw(teacher, status="completed")
    withdraw(teacher, status="rejected")
    tell_staff()
    assert rows(boss) == ["Withdrawals requested: 1", "Withdrawals to be paid: 1"]


def test_mails_that_were_set_aside(boss, hold):
    end_session(hold.parts.get().session, ago=-HOUR)
    Notice.objects.filter(kind="booking_made").update(mail="set_aside")
    tell_staff()
    assert rows(boss) == ["Emails set aside: 1"]


def test_to_each_what_they_may_look_at(boss, hold):
    list(settle_all())
    make_groups()
    clerk, gone = (StaffFactory(is_superuser=False) for _ in range(2))
    for somebody in (clerk, gone):
        somebody.groups.add(Group.objects.get(name="support"))
    User.objects.filter(pk=gone.pk).update(is_active=False)
    StaffFactory(is_superuser=False)
    assert tell_staff() == 2
    assert rows(clerk) == rows(boss) == ["Holds under review: 1"]


def test_once_a_day_and_the_next_day_again(boss, hold):
    list(settle_all())
    for _ in range(2):
        tell_staff()
    assert was_told(boss, "staff_digest") == 1
    assert told(boss, "staff_digest").until
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        call_command("tell_staff", stdout=(out := StringIO()))
    assert out.getvalue() == "Told: 1.\n"
    assert was_told(boss, "staff_digest") == 2
    assert not Notice.objects.filter(kind="staff_digest", is_notice=True).exists()


def test_top_ups_of_which_the_processor_says_nothing_or_something_else(boss):
    booked, wrong, unbooked = (top_up_of(UserFactory()) for _ in range(3))
    rows_of = TopUp.objects.filter
    long_ago = timezone.now() - 49 * HOUR
    unpaid = top_up_of(UserFactory(), play_it="")
    rows_of(pk=unpaid.pk).update(expires_at=long_ago)
    rows_of(pk=wrong.pk).update(problem="amount $12.00, not $20.00")
    rows_of(pk=unbooked.pk).update(fee_booked_at=None, paid_at=long_ago)
    rows_of(pk=booked.pk).update(paid_at=long_ago)
    tell_staff()
    assert rows(boss) == ["Top-ups to look into: 3"]


def test_events_of_a_processor_that_were_not_processed(boss):
    now = timezone.now()
    for number, (received, done) in enumerate([(2, None), (0, None), (2, now)]):
        ProcessorEvent.objects.create(
            event_id=f"evt_{number}",
            type="checkout.session.completed",
            live=False,
            created=now,
            received_at=now - received * HOUR,
            processed_at=done,
        )
    tell_staff()
    assert rows(boss) == ["Payment events not processed: 1"]
