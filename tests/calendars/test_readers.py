"""What calendar programs make of the feeds and files of a real server."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
import requests
import time_machine
from django.test import Client
from django.utils import timezone

from calendars import files
from calendars.events import events_of
from calendars.feeds import feed_address, feed_of
from calendars.mails import session_parts
from calendars.models import CalendarFeed
from calendars.services import renew_feed
from common.formats import in_zone, until
from courses.services import publish_course
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.reminding import remind_all
from enrollments.services.sessions import cancel_session, move_session
from notices.sending import send_due
from tests.factories import DAY, extend_course, make_course, student_with_credit
from tests.serving import serving, wait_until_ready

BERLIN, MADRID = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Madrid")
WORDS = "Español; para, todos \\ — 🎓 of which there is so much to say that it fills several lines"


@pytest.fixture
def student(transactional_db):
    return student_with_credit()


@pytest.fixture(scope="module")
def server(django_db_setup):
    with serving() as server:
        wait_until_ready(server)
        yield server


def address_of(user, server):
    user.refresh_from_db()
    return server.url + feed_address(feed_of(user))[len("http://127.0.0.1:8000") :]


def seen(texts):
    """Of each event that vdirsyncer keeps: whether it is on, when, and what it says first."""
    return sorted(
        (lines["STATUS"], lines["DTSTART"], lines["SUMMARY"].partition(":")[0])
        for lines in (dict(line.split(":", 1) for line in unfolded(text)) for text in texts)
    )


def unfolded(text):
    lines = text.replace("\r\n", "\n").replace("\n ", "").split("\n")
    return [line for line in lines if ":" in line]


def utc(moment):
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@pytest.mark.mariadb
def test_what_is_booked_appears_moves_and_goes(subscribe, student, server):
    """vdirsyncer keeps on disk what a calendar would show."""
    course = make_course(sessions=3, title="Course")
    first, second, third = course.sessions.all()
    single = make_course(sessions=1, title="Single").sessions.get()
    purchase = purchase_session(student=student, session_id=single.pk)
    sync = subscribe(address_of(student, server))
    alone = ("CONFIRMED", utc(single.starts_at), "Single")
    assert seen(sync()) == [alone]
    assert CalendarFeed.objects.get(pk=student.pk).fetched_at

    enrollment = enroll_full_course(student=student, course_id=course.pk)
    booked = [("CONFIRMED", utc(s.starts_at), "Course") for s in (first, second, third)]
    kept = sync()
    assert seen(kept) == sorted([*booked, alone])
    # Nothing has changed, whenever the feed says that it was made.
    assert sorted(sync()) == sorted(kept)

    later = clock_change() + DAY
    move_session(session_id=first.pk, actor=course.teacher, starts_at=later, duration_minutes=45)
    booked[0] = ("CONFIRMED", utc(later), "Course")
    assert seen(sync()) == sorted([*booked, alone])

    cancel_session(session_id=second.pk, actor=course.teacher)
    booked[1] = ("CANCELLED", utc(second.starts_at), "Cancelled")
    assert seen(sync()) == sorted([*booked, alone])

    cancel_session_purchase(student=student, purchase_id=purchase.pk)
    assert seen(sync()) == sorted(booked)
    cancel_enrollment(student=student, enrollment_id=enrollment.pk)
    assert seen(sync()) == [booked[1]]
    purchase_session(student=student, session_id=single.pk)
    assert seen(sync()) == sorted([booked[1], alone])


@pytest.mark.mariadb
def test_another_address_is_another_subscription(student, server):
    purchase_session(student=student, session_id=make_course(sessions=1).sessions.get().pk)
    old = address_of(student, server)
    answer = requests.get(old, timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-cache")
    assert "Set-Cookie" not in answer.headers
    unchanged = requests.get(old, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    renew_feed(user=student)
    assert requests.get(old, timeout=10).status_code == 404
    assert requests.get(address_of(student, server), timeout=10).status_code == 200


@pytest.mark.mariadb
def test_a_feed_means_what_our_pages_say(ical_js, student, server):
    """In the reader's zone, on both sides of a clock change, in whatever words."""
    course = make_course(sessions=1, title=WORDS)
    change = clock_change()
    before, after = (extend_course(course, starts_at=change + d * DAY) for d in (-1, 1))
    enroll_full_course(student=student, course_id=course.pk)
    move_session(
        session_id=before.pk,
        actor=course.teacher,
        starts_at=before.starts_at + timedelta(hours=1),
        duration_minutes=90,
    )
    feed = ical_js(address_of(student, server))
    assert (feed["name"], feed["method"], feed["refresh"]) == ("talkplatform", None, 3600)
    events = {event["uid"]: event for event in feed["events"]}
    assert len(events) == 3
    for session, sequence in ((before, 1), (after, 0)):
        session.refresh_from_db()
        event = events[str(session.pk)]
        assert (event["sequence"], event["status"], event["zone"]) == (sequence, "CONFIRMED", "UTC")
        assert event["title"] == f"{WORDS}: A lesson"
        assert event["place"] in event["description"]
        assert shown(event) == on_our_page(session)
    assert shown(events[str(before.pk)])[-4:] != shown(events[str(after.pk)])[-4:]


def clock_change():
    """The day on which Berlin next sets its clocks, at noon there."""
    day = (
        (timezone.now() + 3 * DAY)
        .astimezone(BERLIN)
        .replace(hour=12, minute=0, second=0, microsecond=0)
    )
    while day.utcoffset() == (day - DAY).utcoffset():
        day += DAY
    return day


def shown(event, zone=BERLIN):
    """When a calendar there shows it."""
    start, end = (datetime.fromisoformat(event[name]).astimezone(zone) for name in ("start", "end"))
    return f"{start:%a} {start.day} {start:%b %Y, %H:%M}–\u2060{end:%H:%M} {end:%Z}"


def on_our_page(session):
    with in_zone("Europe/Berlin"):
        return until(session.starts_at, session.duration_minutes)


@pytest.mark.django_db
def test_a_calendar_in_madrid_follows_a_session_by_mail_alone(ical_js, mailoutbox):
    """Moved across the clock change, left, booked again, reminded of, called off."""
    before, after = (datetime(2027, 3, day, 18, tzinfo=MADRID) for day in (27, 29))
    saturday = "Sat 27 Mar 2027, 18:00–\u206019:00 CET"
    monday = "Mon 29 Mar 2027, 18:00–\u206019:30 CEST"
    with time_machine.travel(before - 9 * DAY) as clock:
        student = student_with_credit(time_zone="Europe/Madrid")
        draft = make_course(sessions=0, published=False)
        session, teacher = extend_course(draft, starts_at=before), draft.teacher
        publish_course(course_id=draft.pk, actor=teacher)

        def read():
            list(send_due())
            [mail] = [mail for mail in mailoutbox if mail.to == [student.email]]
            mailoutbox.clear()
            return as_read(mail, ical_js, session, events_of(student, timezone.now()))

        purchase = purchase_session(student=student, session_id=session.pk)
        assert read() == ("REQUEST", 0, "CONFIRMED", saturday)
        move_session(session_id=session.pk, actor=teacher, starts_at=after, duration_minutes=90)
        assert read() == ("REQUEST", 1, "CONFIRMED", monday)
        cancel_session_purchase(student=student, purchase_id=purchase.pk)
        assert read() == ("CANCEL", 2, "CANCELLED", monday)
        purchase_session(student=student, session_id=session.pk)
        assert read() == ("REQUEST", 3, "CONFIRMED", monday)
        clock.move_to(after - DAY)
        list(remind_all())
        assert read() == ("REQUEST", 3, "CONFIRMED", monday)
        cancel_session(session_id=session.pk, actor=teacher)
        assert read() == ("CANCEL", 4, "CANCELLED", monday)


def as_read(mail, ical_js, session, feed):
    """What ical.js makes of what a mail brings; the mail's words and the feed say the same."""
    message = message_from_bytes(mail.message().as_bytes(), policy=policy.default)
    [part] = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    said = ical_js(source=part.get_content())
    [event] = said["events"]
    assert part["content-type"].params["method"] == said["method"]
    assert (event["uid"], event["zone"]) == (str(session.pk), "UTC")
    time = shown(event, MADRID)
    if said["method"] == "REQUEST":
        assert time in message.get_body(("plain",)).get_content()
    beside = ical_js(source=files.feed(feed, timezone.now()).decode())["events"]
    if "You no longer have" in event["description"]:
        assert beside == []
    else:
        assert beside == [event | {"organizer": [], "attendees": []}]
    return said["method"], event["sequence"], event["status"], time


@pytest.mark.django_db
def test_files_are_read_as_feeds_are(ical_js):
    student = student_with_credit()
    course = make_course(sessions=2)
    enrollment = enroll_full_course(student=student, course_id=course.pk)
    cancel_session(session_id=course.sessions.first().pk, actor=course.teacher)
    browser = Client()
    browser.force_login(student)

    def read(path):
        return ical_js(source=browser.get(path).content.decode())["events"]

    [one] = read(f"/sessions/{course.sessions.last().pk}/calendar.ics")
    assert one["status"] == "CONFIRMED"
    both = read(f"/learning/courses/{enrollment.pk}/calendar.ics")
    assert [(event["status"], event["sequence"]) for event in both] == [
        ("CANCELLED", 1),
        ("CONFIRMED", 0),
    ]


@pytest.mark.django_db
def test_an_invitation_names_who_organised_it_and_who_comes(ical_js, settings):
    """Whatever people are called."""
    settings.DEFAULT_FROM_EMAIL = "Talks <noreply@talk.example.org>"
    student = student_with_credit(
        display_name='Ñandú "Ada"; O\'Neil, sr: ^n', email="a+b@example.com"
    )
    session = make_course(sessions=1).sessions.get()
    purchase = purchase_session(student=student, session_id=session.pk)
    reader = {
        "address": "mailto:a+b@example.com",
        "cn": "Ñandú 'Ada'; O'Neil, sr: ^n",
        "partstat": "ACCEPTED",
        "rsvp": "FALSE",
        "role": "REQ-PARTICIPANT",
    }

    def read():
        calendar = ical_js(source=session_parts(student, session.pk)[0].content.decode())
        [event] = calendar["events"]
        assert event["attendees"] == [reader]
        assert [(one["address"], one["cn"]) for one in event["organizer"]] == [
            ("mailto:noreply@talk.example.org", "Talks")
        ]
        return calendar["method"], event["uid"], event["sequence"], event["status"]

    assert read() == ("REQUEST", str(session.pk), 0, "CONFIRMED")
    cancel_session_purchase(student=student, purchase_id=purchase.pk)
    assert read() == ("CANCEL", str(session.pk), 1, "CANCELLED")
