"""Rows are written as the ORM writes them, each call in one statement."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.writing import insert, save
from courses.models import Course
from enrollments.models import CourseEnrollment
from tests.factories import UserFactory, make_course

pytestmark = pytest.mark.django_db


def new_enrollments(count: int) -> list[CourseEnrollment]:
    course = make_course(price_full_course="20.00")
    price = Decimal("20.00")
    return [
        CourseEnrollment(user=UserFactory(), course=course, total_price_paid=price)
        for _ in range(count)
    ]


def test_inserted_rows_are_those_of_the_orm():
    ours, theirs = new_enrollments(2)
    with CaptureQueriesContext(connection) as told:
        insert([ours])
    theirs.save()
    assert len(told) == 1
    differs = {"id", "user_id", "created_at", "updated_at", "enrolled_at"}
    rows = {row["id"]: row for row in CourseEnrollment.objects.values()}
    assert {n: v for n, v in rows[ours.pk].items() if n not in differs} == {
        n: v for n, v in rows[theirs.pk].items() if n not in differs
    }
    now = timezone.now()
    assert now - timedelta(minutes=1) < rows[ours.pk]["created_at"] <= now
    ours.completion_percentage = Decimal(50)
    ours.save()
    assert CourseEnrollment.objects.get(pk=ours.pk).completion_percentage == 50


def test_many_rows_take_one_statement_and_none_takes_none():
    rows = new_enrollments(3)
    with CaptureQueriesContext(connection) as told:
        insert(rows)
        insert([])
        save([], ["status"])
    assert len(told) == 1
    assert CourseEnrollment.objects.count() == 3


def test_what_the_database_refuses_is_an_error_of_the_orm():
    rows = new_enrollments(1)
    insert(rows)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(rows)


def test_saved_fields_differ_or_not_and_others_stay():
    rows = new_enrollments(3)
    insert(rows)
    before = {row.pk: row.updated_at for row in rows}
    for row, percent in zip(rows, ["10.00", "20.00", "20.00"], strict=True):
        row.completion_percentage, row.status = Decimal(percent), "cancelled"
        row.total_price_paid, row.cancelled_at = Decimal(1), None
    rows[1].cancelled_at = timezone.now()
    with CaptureQueriesContext(connection) as told:
        save(rows, ["completion_percentage", "status", "cancelled_at", "updated_at"])
    assert len(told) == 1
    for row in rows:
        found = CourseEnrollment.objects.get(pk=row.pk)
        assert (found.completion_percentage, found.status, found.cancelled_at, found.live) == (
            (row.completion_percentage, "cancelled", row.cancelled_at, None)
        )
        assert found.total_price_paid == Decimal("20.00")
        assert found.updated_at > before[row.pk]


def test_rows_that_are_not_named_are_left_alone():
    first, second = make_course(title="One"), make_course(title="Two")
    first.title = "First"
    save([first], ["title"])
    assert set(Course.objects.values_list("title", flat=True)) == {"First", "Two"}
    assert second.title == "Two"


def test_a_refused_write_leaves_a_transaction_to_roll_back():
    rows = new_enrollments(1)
    insert(rows)
    rows[0].total_price_paid = Decimal(-1)
    for write in (lambda: insert(rows), lambda: save(rows, ["total_price_paid"])):
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                write()
            with pytest.raises(TransactionManagementError):
                Course.objects.exists()
            transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_router_is_asked_at_every_call(routes):
    first, second = make_course(title="One"), make_course(title="Two")
    save([first], ["title"])
    routes.write = "other"
    first.title = "First"
    with CaptureQueriesContext(connections["other"]) as told:
        save([first, second], ["title"])
    assert len(told) == 1
    assert set(Course.objects.values_list("title", flat=True)) == {"First", "Two"}
