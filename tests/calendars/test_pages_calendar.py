"""The page with the address of a feed, the feed itself, and the files."""

import logging
import re
from datetime import timedelta

import icalendar
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendars import views
from calendars.feeds import feed_address, feed_of
from calendars.models import CalendarFeed
from calendars.services import renew_feed
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import cancel_session, change_course, change_session
from talkplatform.logs import Discreet
from tests.factories import lengthen_course, make_course, student_with_credit

pytestmark = pytest.mark.django_db
FOREIGN_WORDS = {"title": "Spanish, for; travellers \\ ñ 🎓", "description": "x"}


@pytest.fixture(autouse=True)
def _a_new_hour():
    views._pace = views.Pace(seconds=3600)


@pytest.fixture
def student():
    return student_with_credit("9000.00")


@pytest.fixture
def browser(student):
    browser = Client()
    browser.force_login(student)
    return browser


@pytest.fixture
def app():
    """What a calendar is: it knows an address, and has no cookies."""
    return Client()


def path_of(user):
    user.refresh_from_db()
    return re.sub(r"^https?://[^/]+", "", feed_address(feed_of(user)))


def fetch(app, user, **headers):
    return app.get(path_of(user), headers={key.replace("_", "-"): headers[key] for key in headers})


def events_in(response):
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    return {
        str(event["uid"]): event for event in icalendar.Calendar.from_ical(response.content).events
    }


def test_a_feed_is_fetched_without_a_cookie_and_kept_by_nobody_else(app, student, session):
    purchase_session(student=student, session_id=session.pk)
    response = fetch(app, student)
    [event] = events_in(response).values()
    assert event.start == session.starts_at.replace(microsecond=0)
    assert event.end - event.start == timedelta(hours=1)
    assert (event["sequence"], event["status"]) == (0, "CONFIRMED")
    assert event["url"].endswith(f"/courses/{session.course_id}/#session-1")
    assert f"/sessions/{session.pk}/room/" in event["description"]
    assert response["Cache-Control"] == "private, no-cache"
    assert not response.cookies
    feed = icalendar.Calendar.from_ical(response.content)
    assert str(feed["x-wr-calname"]) == "talkplatform"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in response.content
    assert b"METHOD" not in response.content


def test_words_come_through_whatever_they_are(app, student):
    course = make_course(sessions=1, **FOREIGN_WORDS)
    enroll_full_course(student=student, course_id=course.pk)
    response = fetch(app, student)
    [event] = events_in(response).values()
    assert event["summary"] == f"{FOREIGN_WORDS['title']}: A lesson"
    assert max(map(len, response.content.split(b"\r\n"))) <= 75


def test_an_unchanged_feed_is_not_sent_again(app, student, course, session):
    purchase_session(student=student, session_id=session.pk)
    tag = fetch(app, student)["ETag"]
    same = fetch(app, student, If_None_Match=tag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    assert same["Cache-Control"] == "private, no-cache"
    changes = [
        lambda: change_session(session_id=session.pk, actor=course.teacher, title="Other words"),
        lambda: change_course(course_id=course.pk, actor=course.teacher, title="Other words too"),
        lambda: cancel_session(session_id=session.pk, actor=course.teacher),
    ]
    for change in changes:
        change()
        response = fetch(app, student, If_None_Match=tag)
        assert response.status_code == 200
        assert response["ETag"] != tag
        tag = response["ETag"]


def test_a_feed_that_something_has_left_is_another_one(app, student, course, session):
    """What is left of it has changed at no time: so there is no Last-Modified to ask by."""
    purchase = purchase_session(student=student, session_id=session.pk)
    purchase_session(student=student, session_id=course.sessions.last().pk)
    tag = fetch(app, student)["ETag"]
    cancel_session_purchase(student=student, purchase_id=purchase.pk)
    response = fetch(
        app, student, If_None_Match=tag, If_Modified_Since="Thu, 31 Dec 2099 00:00:00 GMT"
    )
    assert len(events_in(response)) == 1
    assert "Last-Modified" not in response


def test_a_feed_costs_as_many_statements_whatever_is_in_it(app, student, course):
    enroll_full_course(student=student, course_id=course.pk)
    make_course(sessions=1, teacher=student)
    fetch(app, student)

    def statements():
        path = path_of(student)
        with CaptureQueriesContext(connection) as captured:
            response = app.get(path)
        return len(events_in(response)), len(captured)

    assert statements() == (4, 4)
    long = make_course(sessions=1)
    lengthen_course(long, 60)
    enroll_full_course(student=student, course_id=long.pk)
    for title in "abc":
        lengthen_course(make_course(sessions=1, teacher=student, title=title), 20)
    events, cost = statements()
    assert events > 90
    assert cost == 4


def test_a_fetch_writes_once_an_hour(app, student):
    def writes():
        path = path_of(student)
        with CaptureQueriesContext(connection) as captured:
            app.get(path)
        return [q["sql"] for q in captured if q["sql"].startswith(("INSERT", "UPDATE"))]

    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert len(writes()) == 2
        assert writes() == []
        clock.shift(3600)
        assert len(writes()) == 1


def test_who_looks_at_the_feed_in_the_browser_follows_nothing(browser, app, student):
    assert fetch(browser, student).status_code == 200
    assert not CalendarFeed.objects.exists()
    fetch(app, student)
    assert CalendarFeed.objects.get().fetched_at


def test_a_feed_that_is_fetched_too_often_waits(app, settings, student):
    settings.CALENDAR_FETCHES_PER_HOUR = 2
    with time_machine.travel(timezone.now().replace(minute=10, second=0), tick=False):
        assert [fetch(app, student).status_code for _ in range(3)] == [200, 200, 429]
        assert fetch(app, student)["Retry-After"] == "3000"
        assert fetch(app, student_with_credit("0")).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        assert fetch(app, student).status_code == 200


@pytest.mark.parametrize("path", ["/calendar/x.ics", f"/calendar/{'A' * 48}.ics"])
def test_an_address_that_is_nobodys_is_not_there(app, path):
    response = app.get(path)
    assert response.status_code == 404
    assert not response.cookies


def test_who_is_deactivated_has_no_feed(app, student):
    path = path_of(student)
    student.is_active = False
    student.save()
    assert app.get(path).status_code == 404


def test_the_page_shows_the_address_and_gives_another_one(browser, app, student):
    old = path_of(student)
    page = browser.get("/calendar/").content.decode()
    assert f"{old}</code>" in page
    assert f'href="webcal://127.0.0.1:8000{old}"' in page
    assert "No calendar app has fetched this address yet" in page
    app.get(old)
    assert "last fetched it" in browser.get("/calendar/").content.decode()
    page = browser.post("/calendar/renew/", follow=True).content.decode()
    assert old not in page
    assert f"{path_of(student)}</code>" in page
    assert "The old one no longer works" in page
    assert (app.get(old).status_code, app.get(path_of(student)).status_code) == (404, 200)


def test_the_page_is_for_who_is_logged_in(app, browser):
    assert app.get("/calendar/")["Location"] == "/login/?next=/calendar/"
    assert browser.get("/calendar/")["Cache-Control"] == "private, no-store"
    assert browser.get("/calendar/renew/").status_code == 405


def test_a_session_is_a_file_for_who_booked_or_teaches_it(browser, app, student, course, session):
    path = f"/sessions/{session.pk}/calendar.ics"
    assert browser.get(path).status_code == 404
    assert app.get(path).status_code == 302
    purchase_session(student=student, session_id=session.pk)
    response = browser.get(path)
    assert response["Content-Disposition"] == 'attachment; filename="session.ics"'
    assert list(events_in(response)) == [str(session.pk)]
    teacher = Client()
    teacher.force_login(course.teacher)
    [event] = events_in(teacher.get(path)).values()
    assert event["url"].endswith(f"/teaching/sessions/{session.pk}/")


def test_a_course_is_a_file_for_who_booked_it(browser, student, course):
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    path = f"/learning/courses/{enrollment.pk}/calendar.ics"
    assert len(events_in(browser.get(path))) == 3
    other = Client()
    other.force_login(course.teacher)
    assert other.get(path).status_code == 404


def test_the_files_stand_where_they_are_looked_for(browser, student, course, session):
    def links(page, reader=browser):
        return set(re.findall(r'href="([^"]+\.ics)"', reader.get(page).content.decode()))

    here = f"/courses/{course.pk}/"
    assert links(here) == set()
    single = purchase_session(student=student, session_id=session.pk)
    file = f"/sessions/{session.pk}/calendar.ics"
    assert links(here) == links("/learning/") == {file}
    cancel_session_purchase(student=student, purchase_id=single.pk)
    assert links(here) == links("/learning/?show=cancelled") == set()
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    files = {
        f"/sessions/{key}/calendar.ics" for key in course.sessions.values_list("pk", flat=True)
    }
    assert links(here) == files
    assert links("/learning/") == {f"/learning/courses/{enrollment.pk}/calendar.ics"}
    teacher = Client()
    teacher.force_login(course.teacher)
    assert links(f"/teaching/sessions/{session.pk}/", teacher) == {file}


# Logs


def test_no_log_tells_an_address(app, student, caplog):
    """Django logs the path of whatever it refuses, and of what fails."""
    old = path_of(student)
    renew_feed(user=student)
    caplog.handler.addFilter(Discreet())
    with caplog.at_level(logging.WARNING):
        assert app.get(old).status_code == 404
    assert "Not Found: /calendar/" in caplog.text
    token = old.rpartition("/")[2]
    assert token[10:] not in caplog.text
    assert token[:6] in caplog.text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Not Found: /sessions/0192f5a0-7b1c-7def-8123-456789abcdef/buy/", True),
        ("GET /static/css/tokens.css", True),
        ("GET /password/0192f5a0/c3xyz1-0123456789abcdef0123456789abcdef/", False),
        ("GET /calendar/AZIfoHscfe-BI0VniavN7wAAAAD_abcdefghijklmnopqrst.ics", False),
    ],
)
def test_tokens_are_cut_and_keys_are_not(said, kept):
    record = logging.makeLogRecord({"msg": "%s answered %s", "args": (said, 404)})
    assert Discreet().filter(record)
    assert (said in record.getMessage()) == kept
    assert "answered 404" in record.getMessage()
