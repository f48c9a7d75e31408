"""My learning of somebody with thousands of bookings: no more of them are read than are shown."""

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from demo.load import generate
from demo.rows import STUDENT, Size, key_of
from enrollments.queries import MOST_BOOKINGS as MOST
from tests.api.test_statements import rows_read

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

PAGE = "/learning/"
BOOKINGS = 3 * MOST
# Of each booking once: what was bought, and its four parts with their sessions.
AT_MOST = 20 * MOST
# One after the other, the newest last.
BOOKED = "UPDATE payment_holds SET held_at = held_at + INTERVAL CONV(RIGHT(id, 4), 16, 10) SECOND"


@pytest.fixture
def browser(plans_of_mariadb: None) -> Client:
    """Of the only student, who booked them all."""
    for _ in generate(Size(1, BOOKINGS, BOOKINGS)):
        pass
    with connection.cursor() as cursor:
        cursor.execute(BOOKED)
        cursor.execute("ANALYZE TABLE payment_holds, hold_parts, course_sessions")
    browser = Client()
    browser.force_login(User.objects.get(pk=key_of(STUDENT, 0)))
    return browser


def test_no_more_bookings_are_read_than_the_newest_and_the_page_says_so(browser):
    page = browser.get(PAGE)
    assert "Only your newest 1,000 bookings are here." in page.text
    assert page.context["booked"] == MOST
    for show in ("upcoming", "past", "cancelled"):
        assert rows_read(lambda show=show: browser.get(PAGE, {"show": show})) <= AT_MOST
