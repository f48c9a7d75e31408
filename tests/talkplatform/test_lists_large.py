"""Staff's lists among ten thousand courses and enrolments: no way through them reads all rows."""

from urllib.parse import parse_qsl, urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from courses.models import Course, CourseSession
from demo.load import generate
from demo.rows import Size
from enrollments.models import CourseEnrollment, SessionPurchase
from notices.models import Mailbox, Notice
from payments.models import (
    HoldPart,
    LedgerAccount,
    PaymentHold,
    ProcessorEvent,
    TopUp,
    Transfer,
)
from tests.api.test_statements import rows_read
from tests.factories import StaffFactory
from tests.talkplatform.test_lists import ways_through

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

# Half as many purchases; a hold for each, four parts for an enrolment, and three transfers.
ENROLLMENTS = 10_000
SIZE = Size(5_000, 10_000, ENROLLMENTS)
# Less than all users, of whom there are half as many; a hold is shown with each of its parts.
AT_MOST = 0.3 * ENROLLMENTS
# Of as many courses, of four sessions: words are looked for in all of them, but an address is not.
TITLES = 5 * ENROLLMENTS
LARGE = (User, Course, CourseSession, CourseEnrollment, PaymentHold, HoldPart, Transfer)
# As many notices; of the rest a row for each student.
BESIDE = (Notice, SessionPurchase, Mailbox, TopUp, ProcessorEvent)
WORDS = ("student77", "teacher1@load.example.com", "Course 7", "hold:", "pi_77")
# The first page of a list and the last that it leads to are enough.
MIDDLE = tuple(f"p={number}" for number in range(2, 10))
TABLES = (
    "users, course_sessions, course_enrollments, session_purchases, payment_holds, hold_parts, "
    "transfers, notices, mailboxes, top_ups, processor_events"
)


@pytest.mark.usefixtures("plans_of_mariadb")
def test_no_list_reads_all_rows():
    for _ in generate(SIZE):
        pass
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {TABLES}")
    browser = Client()
    browser.force_login(StaffFactory())
    lists = [changelist(model) for model in (*LARGE, LedgerAccount, *BESIDE)]
    ways = [way for start in lists for way in (start, *ways_through(browser, start))]
    ways = [way for way in ways if not way.endswith(MIDDLE)]
    ways += [f"{start}?{urlencode({'q': words})}" for start in lists for words in WORDS]
    read = {way: rows_read(lambda way=way: browser.get(way)) for way in ways}
    assert {way: rows for way, rows in read.items() if rows > most(way)} == {}


def most(way: str) -> float:
    start, _, query = way.partition("?")
    asked = dict(parse_qsl(query))
    if start in TITLED and "@" not in asked.get("q", "@"):
        return AT_MOST + TITLES
    if start in FILTERED and asked.keys() - {"q", "o", "p"}:
        return AT_MOST + 7 * ENROLLMENTS
    return 2 * AT_MOST if start == changelist(PaymentHold) else AT_MOST


def changelist(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


# What filters leave of courses and of sessions is sorted.
FILTERED = {changelist(model) for model in (Course, CourseSession)}
# Where words are looked for in titles.
TITLED = {
    changelist(model)
    for model, screen in admin.site._registry.items()
    if any(field[0] not in "^=" for field in screen.search_fields)
}
