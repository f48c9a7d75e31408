"""The data that is measured on is made at once, and honest."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from enrollments.models import CourseEnrollment
from notices.sending import is_anything_due
from payments.models import HoldPart, Transfer

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
SMALL = {"students": 20, "courses": 10, "enrollments": 40}


def test_its_books_are_right(broken):
    call_command("generate_load_data", **SMALL)
    assert CourseEnrollment.objects.count() == 40
    # What each was granted, what their single session costs, and three for an enrolment.
    assert Transfer.objects.count() == 2 * 20 + 3 * 40
    assert broken() == {}


def test_sessions_are_settled_one_after_the_other():
    """As passes do: what a part gave lies together, and its hold far from the one before."""
    call_command("generate_load_data", **SMALL)
    releases = Transfer.objects.filter(kind="release").order_by("pk")
    paid = list(releases.values_list("hold_part_id", "hold_part__session__course_id"))
    assert paid[::2] == paid[1::2]
    courses = [course for _, course in paid]
    assert courses == sorted(courses)


def test_no_session_has_changed_since_it_was_sold():
    call_command("generate_load_data", **SMALL)
    parts = HoldPart.objects.select_related("session")
    assert len(parts) == 20 + 4 * 40
    assert all(part.is_as_sold(part.session) for part in parts)


def test_its_courses_are_found():
    call_command("generate_load_data", **SMALL)
    told = StringIO()
    call_command("rewrite_words", stdout=told)
    assert told.getvalue() == "Mended: 0 of 10 courses, 0 of 1 names.\n"


def test_it_leaves_nothing_to_send():
    call_command("generate_load_data", **SMALL)
    assert not is_anything_due()


def test_it_fills_only_what_is_empty():
    call_command("generate_load_data", **SMALL)
    with pytest.raises(CommandError):
        call_command("generate_load_data", **SMALL)
    assert User.objects.count() == 21


def test_what_it_tells_is_shown(client):
    call_command("generate_load_data", **SMALL)
    client.force_login(User.objects.get(email="student7@load.example.com"))
    for page, said in (("/notices/", "You booked"), ("/learning/", "Session 2")):
        assert said in client.get(page).content.decode()


# 200: each student would be in every course, and none is left of which to buy a session.
@pytest.mark.parametrize("enrollments", [41, 200])
def test_it_spreads_evenly_or_not_at_all(enrollments):
    with pytest.raises(CommandError):
        call_command("generate_load_data", **SMALL | {"enrollments": enrollments})
    assert not User.objects.exists()
