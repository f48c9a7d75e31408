"""What LiveKit told is forgotten half a year after the session, unless somebody still asks."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart
from rooms.models import Attendance, RoomWatch, WebhookEvent
from settlement.services.settling import settle_all
from tests.conversations import Room, attend, hear
from tests.factories import end_session, make_course, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HALF_A_YEAR = 180 * DAY


@pytest.fixture
def session():
    """Attended by its one student, settled, and over for half a year."""
    session = make_course().sessions.first()
    student = student_with_credit("16.00")
    purchase_session(student=student, session_id=session.pk)
    end_session(session, ago=HALF_A_YEAR + MINUTE)
    attend(session, student, session.course.teacher)
    list(settle_all())
    received_with(session)
    return session


def received_with(session):
    """Its events came as they happened."""
    told = WebhookEvent.objects.filter(session=session)
    told.update(received_at=F("occurred_at"), processed_at=F("occurred_at"))


def prune():
    out = StringIO()
    call_command("prune_webhook_events", stdout=out)
    return out.getvalue()


def test_events_go_and_who_was_there_stays(session):
    known = Attendance.objects.count(), RoomWatch.objects.count()
    assert prune() == "Deleted 6 webhook events.\n"
    assert (Attendance.objects.count(), RoomWatch.objects.count()) == known
    assert prune() == "Deleted 0 webhook events.\n"


def test_a_minute_sooner_they_stay(session):
    starts_at = session.starts_at + 2 * MINUTE
    CourseSession.objects.filter(pk=session.pk).update(starts_at=starts_at)
    assert prune() == "Deleted 0 webhook events.\n"


@pytest.mark.parametrize(
    "question",
    [
        pytest.param({"review_reason": "By late events…"}, id="a note"),
        pytest.param(
            {"status": "pending", "settled_at": None, "teacher_amount": 0, "platform_amount": 0},
            id="pending",
        ),
    ],
)
def test_they_stay_while_somebody_asks(session, question):
    HoldPart.objects.update(**question)
    assert prune() == "Deleted 0 webhook events.\n"


def test_how_long_is_a_setting(session, settings):
    settings.WEBHOOK_EVENT_DAYS = 181
    assert prune() == "Deleted 0 webhook events.\n"


def test_of_no_session_they_go_so_long_after_they_came(session):
    room = Room(CourseSession(room_name="somewhere", starts_at=timezone.now()))
    hear(room.started(), room.finished(1))
    old, new = WebhookEvent.objects.filter(session=None)
    WebhookEvent.objects.filter(pk=old.pk).update(processed_at=timezone.now() - HALF_A_YEAR)
    WebhookEvent.objects.filter(pk=new.pk).update(
        processed_at=timezone.now() - HALF_A_YEAR + MINUTE
    )
    assert prune() == "Deleted 7 webhook events.\n"
    assert WebhookEvent.objects.get() == new


def test_what_is_not_worked_in_stays(session):
    WebhookEvent.objects.update(processed_at=None)
    assert prune() == "Deleted 0 webhook events.\n"
