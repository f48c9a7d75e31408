"""Forwards, back to zero, and forwards again, in a database of its own."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from payments.models import HoldPart, PaymentHold
from tests.factories import DAY, extend_course, make_course, student_with_credit

ROOT = Path(__file__).resolve().parent.parent
DOWNWARDS = ("payments", "enrollments", "courses", "admin", "accounts")
TABLES = """
import sys
from django.db import connection
print(*connection.introspection.table_names())
"""


@pytest.fixture
def elsewhere(tmp_path, transactional_db):
    """The URL of an empty database of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    name = f"{connection.settings_dict['NAME']}_migrations"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}`")
    place, _, options = os.environ["DATABASE_URL"].partition("?")
    yield f"{place.rpartition('/')[0]}/{name}?{options}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{name}`")


def manage(url: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "talkplatform.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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


def tables(url: str) -> set[str]:
    return set(manage(url, "shell", "-v0", "-c", TABLES).split())


def test_up_to_the_top_down_to_zero_and_up_again(elsewhere):
    ours = {"users", "courses", "course_enrollments", "payment_holds", "transfers"}
    manage(elsewhere, "migrate", "-v0")
    assert ours <= tables(elsewhere)
    for app in DOWNWARDS:
        manage(elsewhere, "migrate", app, "zero", "-v0")
    assert not ours & tables(elsewhere)
    manage(elsewhere, "migrate", "-v0")
    assert ours <= tables(elsewhere)
    assert "No changes" in manage(elsewhere, "makemigrations", "--check", "--dry-run")
