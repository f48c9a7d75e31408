"""What data of before becomes, and that nobody is told of it."""

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts.models import User
from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from notices.models import Mailbox
from payments.models import HoldPart, PaymentHold
from rooms.models import Attendance, WebhookEvent
from rooms.services.events import waiting_events
from tests.conversations import CONFIGURED, Room, hear
from tests.factories import (
    DAY,
    UserFactory,
    end_session,
    extend_course,
    make_course,
    student_with_credit,
)
from tests.migrating import ROOT


@pytest.mark.django_db
def test_parts_sold_before_lengths_were_kept_get_those_of_their_sessions():
    course = make_course(sessions=1)
    extend_course(course, starts_at=timezone.now() + 2 * DAY, minutes=90)
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    HoldPart.objects.update(sold_duration_minutes=1)

    import_module("payments.migrations.0011_sold_durations").take_over(apps, None)

    parts = HoldPart.objects.order_by("session__session_number")
    assert list(parts.values_list("sold_duration_minutes", flat=True)) == [60, 90]


@pytest.mark.django_db
def test_what_was_sold_before_titles_were_kept_gets_those_of_today():
    course = make_course(sessions=1, title="Knots")
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
    HoldPart.objects.update(sold_title="")
    PaymentHold.objects.update(sold_title="")

    import_module("payments.migrations.0015_sold_titles").take_over(apps, None)

    assert HoldPart.objects.get().sold_title == "1. A lesson"
    assert PaymentHold.objects.get().sold_title == "Knots"


@pytest.mark.django_db
def test_what_was_called_off_unpaid_lost_its_share():
    course = make_course(sessions=3)
    paid, unpaid, _ = sessions = list(course.sessions.all())
    purchase_session(student=student_with_credit(), session_id=paid.pk)
    for session in (paid, unpaid):
        cancel_session(session_id=session.pk, actor=course.teacher)
    CourseSession.objects.update(has_share=True)

    module = import_module("payments.migrations.0016_sessions_without_a_share")
    module.take_off_the_price(apps, None)

    assert [type(s).objects.get(pk=s.pk).has_share for s in sessions] == [True, False, True]


@pytest.mark.django_db
def test_what_is_not_settled_is_worked_in_anew(settings):
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    course = make_course(sessions=2)
    over, settled = course.sessions.all()
    stays = {}
    for session in (over, settled):
        end_session(session, ago=DAY)
        room = Room(session)
        hear(room.started(), room.joined(course.teacher, 5), room.event("track_published", 50))
        stays[session] = Attendance.objects.filter(session=session)
    CourseSession.objects.filter(pk=settled.pk).update(status="completed")
    WebhookEvent.objects.update(body='{"room": {"name": "x", "turnPassword": "secret"}, "id": "1"}')

    before = MigrationLoader(connection).project_state(("enrollments", "0016_signs_of_before")).apps
    import_module("enrollments.migrations.0016_signs_of_before").take_over(before, None)

    assert set(waiting_events()) == {
        *WebhookEvent.objects.filter(session=over).values_list("pk", flat=True)
    }
    assert not stays[over].exists()
    assert stays[settled].get().seen_at == settled.ends_at
    assert set(WebhookEvent.objects.values_list("body", flat=True)) == {
        '{"room":{"name":"x"},"id":"1"}'
    }


@pytest.mark.django_db
def test_accounts_of_before_count_as_proved_and_refused_addresses_are_marked():
    ada, bob, eve = (UserFactory(proved_since=None) for _ in range(3))
    for user, address in ((ada, ada.email), (bob, "his.old@example.com")):
        Mailbox.objects.create(reader=user, stopped_address=address, stopped_at=timezone.now())

    module = import_module("accounts.migrations.0010_addresses_of_before")
    module.count_as_proved(apps, None)
    module.mark_refused(apps, None)

    assert all(user.proved_since == user.date_joined for user in User.objects.all())
    assert set(User.objects.filter(email_refused=True)) == {ada}
    assert User.objects.count() == len({ada, bob, eve})


def test_none_tells_anybody_anything():
    """What is put into the outbox goes out a moment later, to people of years ago."""
    for migration in ROOT.glob("*/migrations/0*.py"):
        says = re.search(r"outbox import|messages import|, .Notice.\)", migration.read_text())
        assert not says, f"{migration} writes notices"
