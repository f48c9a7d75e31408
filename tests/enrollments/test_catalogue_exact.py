"""The catalogue by seats, days and times finds what its words say, whichever way it looks."""

import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import QueryDict
from django.utils import timezone

from courses import notes
from courses.models import Course, CourseSession
from courses.services import write_outline
from enrollments.forms import CatalogueForm
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.shop import found
from enrollments.shop.catalogue import listed, read_courses
from enrollments.shop.found import Moment
from enrollments.shop.times import DAYS, TIMES
from tests.factories import make_course, student_with_credit

pytestmark = [pytest.mark.django_db, pytest.mark.both]

# Two weeks before the clocks change in Europe, and a week after those of New York did.
NOW = datetime(2027, 3, 15, 9, 5, tzinfo=UTC)
ZONES = ("Europe/Madrid", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "UTC")
QUARTER = timedelta(minutes=15)
COURSES, ASKED = 30, 120
CHOICES = {
    "days": ["", *DAYS],
    "times": ["", *TIMES],
    "seats": ["", "on"],
    "order": ["next", "newest", "cheapest", "title"],
    "category": ["", "", "Music"],
    "search": ["", "", "spanish"],
}


@pytest.fixture
def dice() -> random.Random:
    return random.Random(7)


@pytest.fixture(autouse=True)
def _courses(db, dice):
    """Of one to three sessions each: some sold whole, some sold out, some over or called off."""
    with time_machine.travel(NOW, tick=False):
        for number in range(COURSES):
            sell(
                dice,
                make_course(
                    title=f"{dice.choice('ABC')} {number}",
                    sessions=dice.randint(1, 3),
                    price_per_session=dice.choice([None, "16.00"]),
                    max_students=dice.choice([None, 1, 2]),
                    category=dice.choice(["Music", "Languages"]),
                ),
            )
        yield


def sell(dice: random.Random, course: Course) -> None:
    sessions = list(course.sessions.all())
    if dice.random() < 0.3:
        enroll_full_course(student=student_with_credit("900.00"), course_id=course.pk)
    elif course.price_per_session and dice.random() < 0.5:
        purchase_session(student=student_with_credit("900.00"), session_id=sessions[0].pk)
    first = NOW + QUARTER * dice.randint(-40, 7 * 96)
    for session in sessions:
        step = QUARTER * dice.choice([0, 0, 0, 4, 96, 3000])
        status = dice.choice(["scheduled"] * 5 + ["cancelled"])
        start = first + session.session_number * timedelta(weeks=1) + step
        CourseSession.objects.filter(pk=session.pk).update(starts_at=start, status=status)
    write_outline(course)


def expected(asked: dict[str, str]) -> dict[Course, datetime]:
    """The courses that fit, with when: by their sessions, one by one."""
    fits = {}
    for course in Course.objects.filter(next_starts_at__isnull=False):
        if asked["category"] in ("", course.category) and (when := fits_when(course, asked)):
            fits[course] = when
    free = {row.course for row in listed(read_courses([one.pk for one in fits])) if has_seats(row)}
    return {course: at for course, at in fits.items() if course in free or not asked["seats"]}


def has_seats(row) -> bool:
    return row.seats_left is None or row.seats_left > 0


def fits_when(course: Course, asked: dict[str, str]) -> datetime | None:
    if not (asked["days"] or asked["times"]):
        return course.next_starts_at
    last = timezone.localdate() + timedelta(weeks=8)
    starts = [
        session.starts_at
        for session in course.sessions.filter(status="scheduled", starts_at__gt=NOW)
        if timezone.localdate(session.starts_at) < last
    ]
    fitting = [at for at in starts if is_inside(timezone.localtime(at), asked)]
    whole = course.price_per_session is None
    return None if whole and len(fitting) < len(starts) else min(fitting, default=None)


def is_inside(at: datetime, asked: dict[str, str]) -> bool:
    _, days = DAYS.get(asked["days"], ("", range(7)))
    _, (opens, closes) = TIMES.get(asked["times"], ("", (time(), time())))
    return at.weekday() in days and opens <= at.time() and (closes == time() or at.time() < closes)


def place(order: str, course: Course, fits_at: datetime) -> object:
    """What it is sorted by."""
    by = {"next": fits_at, "newest": 0, "cheapest": course.price, "title": course.title}
    return by[order]


@pytest.mark.parametrize("most", [4, 300])
@pytest.mark.parametrize("few", [0, 400])
def test_what_is_found_is_what_fits_in_its_order(dice, monkeypatch, settings, most, few):
    monkeypatch.setattr(found, "MOST", most)
    monkeypatch.setattr(found, "FEW", few)
    notes.forget_notes()
    lengths = set()
    for _ in range(ASKED):
        # By what is noted, or not.
        settings.SEARCH_VOCABULARY_SECONDS = dice.choice([0, 3600])
        asked = {name: dice.choice(choices) for name, choices in CHOICES.items()}
        with timezone.override(ZoneInfo(dice.choice(ZONES))):
            query = QueryDict(mutable=True)
            query.update(asked)
            wanted = expected(asked)
            every = sorted(place(asked["order"], course, at) for course, at in wanted.items())
            # Again, as it may be noted by then that there are more than are shown.
            for told in ("first", asked), ("again", asked):
                shown = CatalogueForm(query, moment=Moment.read()).courses()
                assert shown.has_more == (len(wanted) > most), told
                rows = shown[0:most]
                places = [place(asked["order"], course, wanted[course]) for course in rows]
                assert places == every[:most], told
                assert len(rows) == len(set(rows)) == shown.count(), told
        lengths.add(len(wanted))
    notes.forget_notes()
    assert {0, 1} < lengths
    assert max(lengths) > most or most == 300
