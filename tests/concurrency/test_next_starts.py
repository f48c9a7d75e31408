"""The job that rolls next starts on, beside another one and beside what changes sessions."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from common.models import LockingQuerySet
from courses import locks, queries, services
from courses.models import Course
from courses.services import roll_next_starts
from enrollments.services.sessions import cancel_session, delete_session, move_session
from tests.concurrency.conftest import forget_statements
from tests.concurrency.racing import Meeting, race
from tests.factories import DAY, extend_course, make_course, start_session

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

HOUR = timedelta(hours=1)


def make_passed() -> Course:
    """Its first session has started, its second is tomorrow; the job has not been there since."""
    course = make_course(sessions=3, starts_in=HOUR)
    first = course.sessions.get(session_number=1)
    start_session(first)
    Course.objects.filter(pk=course.pk).update(next_starts_at=first.starts_at)
    return course


def move(course: Course) -> object:
    """What would be last comes first."""
    soon = {"starts_at": timezone.now() + HOUR, "duration_minutes": 60}
    last = course.sessions.get(session_number=3)
    return move_session(session_id=last.pk, actor=course.teacher, **soon)


def add(course: Course) -> object:
    return extend_course(course, starts_at=timezone.now() + HOUR)


def call_off(course: Course) -> object:
    return cancel_session(session_id=following(course), actor=course.teacher)


def delete(course: Course) -> object:
    return delete_session(session_id=following(course), actor=course.teacher)


def following(course: Course) -> object:
    """The session that is next."""
    return course.sessions.get(session_number=2).pk


CHANGES = pytest.mark.parametrize("change", [move, add, call_off, delete])


@pytest.fixture
def unlocked(monkeypatch) -> Iterator[None]:
    """The job takes courses as if FOR UPDATE had been forgotten."""
    monkeypatch.setattr(LockingQuerySet, "claimed", lambda rows: rows)
    forget_statements()
    yield
    forget_statements()


def between(interruption, course: Course, change: Callable) -> list[object]:
    """What the job and the change come to, if all of that one comes in between."""
    outcomes = race(interruption.by(partial(change, course)), roll_next_starts)
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    return outcomes


def test_two_runners_at_once(meeting, retried, broken):
    """Both have read what has passed; neither waits for the other, nor is anything left over."""
    courses = [make_passed() for _ in range(3)]
    meeting().after(queries, "passed")
    rolled = race(roll_next_starts, roll_next_starts)
    assert all(isinstance(one, int) for one in rolled)
    assert sum(rolled) >= len(courses)
    assert roll_next_starts() == 0
    assert retried == []
    assert broken() == {}


@CHANGES
def test_a_change_that_begins_as_the_job_has_read(change, retried, broken):
    """Whichever of them is the first to lock the course."""
    for _ in range(3):
        course = make_passed()
        with pytest.MonkeyPatch.context() as patch:
            both = Meeting(patch)
            both.after(queries, "passed")
            both.before(locks, "lock_course")
            done, rolled = race(partial(change, course), roll_next_starts)
        assert (isinstance(done, Exception), rolled in (0, 1)) == (False, True)
    assert retried == []
    assert broken() == {}


@CHANGES
def test_a_change_between_reading_and_locking(change, interruption, retried, broken):
    course = make_passed()
    interruption.after(queries, "passed")
    assert between(interruption, course, change)[1] == 1
    assert retried == []
    assert broken() == {}


@CHANGES
def test_what_something_else_has_locked_is_left_to_it(change, interruption, retried, broken):
    """The job is through before the change is committed: it does not wait."""
    course = make_passed()
    interruption.after(locks, "lock_course")
    done, rolled = race(partial(change, course), interruption.by(roll_next_starts))
    assert (isinstance(done, Exception), rolled) == (False, 0)
    assert retried == []
    assert broken() == {}


@CHANGES
def test_without_the_lock_it_writes_what_is_no_longer_so(change, unlocked, interruption, broken):
    """The race is real: a list shows a start that no session has."""
    course = make_passed()
    interruption.after(queries, "next_starts")
    between(interruption, course, change)
    assert broken().keys() == {"I21"}


@CHANGES
def test_nor_does_the_lock_suffice(change, interruption, monkeypatch, broken):
    """It has to be read under it: here is written what was read at first."""
    course = make_passed()
    known = queries.passed(timezone.now() + DAY / 2)
    monkeypatch.setattr(services.queries, "next_starts", lambda keys, now: known)
    interruption.after(queries, "passed")
    between(interruption, course, change)
    assert broken().keys() == {"I21"}
