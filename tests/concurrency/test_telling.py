"""One reader is told by many at once: the race, and its twin."""

from datetime import timedelta
from functools import partial

import pytest

from enrollments.services.purchasing import purchase_session
from notices.models import Notice
from notices.services import outbox
from settlement.services.settling import Tally, settle_all
from tests.concurrency.racing import kinds, race
from tests.conversations import CONFIGURED
from tests.factories import end_session, make_course, student_with_credit
from tests.telling import was_told

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
JOBS, STUDENTS = 4, 12


@pytest.fixture
def teacher(settings):
    """Whose students have paid for a session that is over, and of which nothing is known."""
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    session = make_course().sessions.first()
    for _ in range(STUDENTS):
        purchase_session(student=student_with_credit("16.00"), session_id=session.pk)
    end_session(session, ago=timedelta(hours=1))
    return session.course.teacher


def settle() -> Tally:
    return sum(settle_all(), Tally())


def test_who_teaches_them_all_is_told_once(teacher, retried, broken):
    outcomes = race(*[settle] * JOBS)
    assert kinds(outcomes) == {"Tally": JOBS}
    assert sum(outcomes, Tally()).reviewed == STUDENTS
    assert sum(done.failed for done in outcomes) == 0
    assert was_told(teacher, "teaching_under_review") == 1
    assert Notice.objects.filter(kind="session_under_review").count() == STUDENTS
    assert retried == []
    assert broken() == {}


def test_without_looking_for_what_is_there_only_the_first_gets_through(teacher, monkeypatch):
    """The race is real: each of the others would tell once more, and the database refuses."""
    monkeypatch.setattr(outbox, "insert", partial(_carelessly, outbox.insert))
    outcomes = race(*[settle] * JOBS)
    assert sum(done.reviewed for done in outcomes) == 1
    assert sum(done.failed for done in outcomes) >= STUDENTS - 1


def _carelessly(insert, rows, **more):
    insert(rows)
