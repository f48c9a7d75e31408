"""Staff look at enrolments and single purchases; they are changed by what students do."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from rooms.models import Attendance, RoomWatch, WebhookEvent
from tests.factories import StaffFactory, make_course, student_with_credit

pytestmark = pytest.mark.django_db

BOOKINGS = [CourseEnrollment, SessionPurchase]


def where(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def buy() -> None:
    enroll_full_course(student=student_with_credit(), course_id=make_course(sessions=1).pk)
    session = make_course(sessions=1).sessions.get()
    purchase_session(student=student_with_credit(), session_id=session.pk)


@pytest.fixture
def browser(client):
    client.force_login(StaffFactory())
    return client


def test_every_table_has_its_screen():
    ours = {"accounts", "calendars", "courses", "enrollments", "notices", "payments", "rooms"}
    # Keyed hashes, which tell staff nothing, addresses that nobody has proved, what lists know of
    # the sessions that staff do see, secret addresses, each known to its reader alone, what a job
    # remembers, what readers turned off (each email that was not sent says so), what was played
    # where no money is real, files that only their asker may read, and what is made of texts that
    # staff do see: HTML, and words.
    hidden = {
        *("SignInRecord", "AddressChange", "CourseOutline", "CalendarFeed", "Reminder"),
        *("TurnedOff", "RehearsalCheckout", "CourseDescription", "CourseWord", "NameWord"),
        "FilePiece",
    }
    for model in apps.get_models():
        if model._meta.app_label in ours and model.__name__ not in hidden:
            assert admin.site.is_registered(model), model


@pytest.mark.parametrize("model", BOOKINGS)
def test_bookings_are_looked_at_and_never_edited(browser, model):
    buy()
    row = model.objects.get()
    assert browser.get(where(model)).status_code == 200
    assert browser.get(f"{where(model)}{row.pk}/change/").status_code == 200
    before = list(model.objects.values())
    for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert browser.post(where(model) + page, {"status": "cancelled"}).status_code == 403
    body = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    browser.post(where(model), body)
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("model", BOOKINGS)
def test_staff_without_permission_sees_nothing(client, model):
    buy()
    client.force_login(StaffFactory(is_superuser=False))
    assert client.get(where(model)).status_code == 403
    assert client.get(f"{where(model)}{model.objects.get().pk}/change/").status_code == 403


@pytest.mark.both
@pytest.mark.parametrize("model", BOOKINGS)
def test_bookings_are_found(browser, model):
    buy()
    buy()
    row = model.objects.first()
    for words in (row.user.email, str(row.pk), str(row.course_id)):
        assert list(browser.get(where(model), {"q": words}).context["cl"].result_list) == [row]
    for words in ("\0", "0198-zzzz", "😀"):
        assert browser.get(where(model), {"q": words}).status_code == 200


@pytest.mark.parametrize("model", BOOKINGS)
def test_statements_do_not_grow_with_rows(browser, model):
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(where(model)).status_code == 200
        return len(queries)

    for _ in range(3):
        buy()
    statements()
    few = statements()
    for _ in range(9):
        buy()
    assert statements() == few


@pytest.mark.both
def test_evidence_is_looked_at_and_never_edited(browser):
    now = timezone.now()
    session = make_course(sessions=1).sessions.get()
    WebhookEvent.objects.create(event_id="EV_1", kind="room_started", occurred_at=now, body="{}")
    Attendance.objects.create(
        session=session,
        user=session.course.teacher,
        connection="PA_1",
        room_sid="RM_1",
        joined_at=now,
        seen_at=now,
        source="webhook",
    )
    RoomWatch.objects.create(session=session, room_sid="RM_1", started_at=now, seen_at=now)
    found_by = {Attendance: session.title, RoomWatch: "RM_1", WebhookEvent: "EV_1"}
    for model, words in found_by.items():
        row = model.objects.get()
        page = browser.get(where(model), {"q": words})
        assert list(page.context["cl"].result_list) == [row]
        assert browser.get(f"{where(model)}{row.pk}/change/").status_code == 200
        for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
            assert browser.post(where(model) + page, {"note": "x"}).status_code == 403
