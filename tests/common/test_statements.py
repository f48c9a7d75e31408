"""What a database is sent is what the ORM sends, and so is what it answers."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Thread
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models
from django.db.transaction import TransactionManagementError, atomic

from common.statements import Sent, execute
from courses.models import Course
from payments.models import HoldStatus
from tests.factories import make_course

pytestmark = pytest.mark.django_db

VALUES = {
    models.BooleanField: [True, False],
    models.CharField: ["", "What % is '; \\ -- this?", "żółć 🎓", HoldStatus.HELD, 5],
    models.DateTimeField: [
        datetime(2026, 11, 26, 8, 30, tzinfo=UTC),
        datetime(2026, 11, 26, 8, 30, 0, 17, tzinfo=ZoneInfo("Asia/Kathmandu")),
    ],
    models.DecimalField: [Decimal("12.50"), Decimal(0), Decimal("1E+3"), "7.25"],
    models.IntegerField: [3, 7, True, "8"],
    models.JSONField: [{"a": [1, None]}],
    models.TextField: ["", "two\nlines", HoldStatus.HELD],
    models.UUIDField: [uuid4(), uuid4().hex],
}


def kind_of(field):
    return kind_of(field.target_field) if field.remote_field else field


def test_every_field_sends_what_the_orm_sends():
    every = [field for model in apps.get_models() for field in model._meta.local_concrete_fields]
    for field in every:
        sent = Sent(field, connection)
        kinds = [kind for kind in VALUES if isinstance(kind_of(field), kind)]
        for value in (value for kind in kinds for value in VALUES[kind]):
            ours = value if type(value) in sent.unchanged else sent.prepare(value, connection)
            assert ours == field.get_db_prep_save(value, connection), (field, value)
        assert field.get_db_prep_save(None, connection) is None


def test_values_arrive_as_by_a_cursor():
    some = [None, "", "What % is '; \\ -- this?", "żółć 🎓", 7, True, Decimal("0.10"), b"\x00'"]
    asked = f"SELECT 'a %% sign', {', '.join(['%s'] * (len(some) + 1))}"
    with connection.cursor() as cursor:
        cursor.execute(asked, [*some, HoldStatus.HELD])
        expected = cursor.fetchall()
    rows, _ = execute(connection, asked, [*some, HoldStatus.HELD])
    assert list(map(tuple, rows)) == list(map(tuple, expected))


def test_a_key_finds_its_row():
    courses = [make_course(title=title) for title in ("Chess", "Go")]
    key = Sent(Course._meta.pk, connection).prepare(courses[1].pk, connection)
    rows, _ = execute(connection, "SELECT title FROM courses WHERE id = %s", [key])
    assert list(map(tuple, rows)) == [("Go",)]
    found, changed = execute(connection, "UPDATE courses SET title = 'Draughts'", [])
    assert (list(found), changed) == ([], 2)


def test_what_the_database_refuses_is_an_error_of_django():
    make_course()
    with pytest.raises(IntegrityError), atomic():
        execute(connection, "UPDATE courses SET price_full_course = -1", [])
    with pytest.raises(DatabaseError), atomic():
        execute(connection, "SELECT nothing FROM nowhere", [])


def test_a_broken_transaction_takes_no_statement():
    with atomic():
        connection.needs_rollback = True
        with pytest.raises(TransactionManagementError):
            execute(connection, "SELECT 1", [])
        connection.needs_rollback = False


def test_a_connection_belongs_to_its_thread():
    errors = []

    def ask():
        with pytest.raises(DatabaseError) as refused:
            execute(connection_here, "SELECT 1", [])
        errors.append(str(refused.value))

    connection_here = connection._connections[connection._alias]
    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert "can only be used in that same thread" in errors[0]
