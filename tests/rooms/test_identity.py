"""What identifies is compared exactly: case, accents and trailing spaces tell values apart."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Field

from common.fields import ExactCharField
from rooms.models import Attendance, WebhookEvent
from tests.conversations import CONFIGURED, Room, hear
from tests.factories import make_course, start_session, student_with_credit

pytestmark = pytest.mark.django_db
NAMES = {
    *("email", "referral_code", "dedupe_key"),
    *("event_id", "room_name", "room_sid", "connection"),
}


@pytest.fixture
def student():
    return student_with_credit("0.00")


@pytest.fixture
def room(settings):
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    session = make_course().sessions.first()
    start_session(session, ago=timedelta(minutes=30))
    return Room(session)


def retold(body: bytes, **changes: str) -> bytes:
    return json.dumps(json.loads(body) | changes).encode()


def identities() -> list[Field]:
    fields = (f for model in apps.get_models() for f in model._meta.concrete_fields)
    return [field for field in fields if field.name in NAMES]


def test_what_identifies_is_an_exact_column():
    assert {field.name for field in identities()} == NAMES
    assert [f for f in identities() if not isinstance(f, ExactCharField)] == []


@pytest.mark.parametrize("other", ["ev_a", "EV_A ", "EV_Ä", "EV_A\N{ZERO WIDTH SPACE}"])
def test_events_of_different_ids_are_two(room, student, other):
    hear(retold(room.joined(student, 0), id="EV_A"), retold(room.left(student, 20), id=other))
    assert WebhookEvent.objects.count() == 2
    assert Attendance.objects.get().left_at == room.at(20).replace(microsecond=0)


@pytest.mark.parametrize("other", ["PA_A", "PA_a ", "PA_á"])
def test_connections_of_different_ids_are_two(room, student, other):
    for sid in ("PA_a", other):
        body = json.loads(room.joined(student, 0))
        hear(json.dumps(body | {"participant": body["participant"] | {"sid": sid}}).encode())
    assert {row.connection for row in Attendance.objects.all()} == {"PA_a", other}


@pytest.mark.parametrize("change", [str.upper, lambda name: f"{name} "])
def test_a_room_of_nearly_our_name_is_not_ours(room, student, change):
    body = json.loads(room.joined(student, 0))
    name = change(room.session.room_name)
    hear(json.dumps(body | {"room": body["room"] | {"name": name}}).encode())
    row = WebhookEvent.objects.get()
    assert (row.session, row.room_name) == (None, name)
    assert not Attendance.objects.exists()


@pytest.mark.parametrize(
    ("lookup", "found"),
    [
        ({"room_sid": "rm_a"}, False),
        ({"room_sid__iexact": "rm_a"}, True),
        ({"room_sid__icontains": "M_a"}, True),
        ({"room_sid__istartswith": "rm_"}, True),
        ({"room_sid__iendswith": "_a"}, True),
        ({"room_sid__iendswith": "_b"}, False),
    ],
)
def test_a_search_may_still_ask_for_any_case(room, lookup, found):
    room.sid = "RM_A"
    hear(room.started())
    assert WebhookEvent.objects.filter(**lookup).exists() is found


def test_each_stays_unique_with_its_indexes():
    with connection.cursor() as cursor:
        for options in {field.model._meta for field in identities()}:
            known = connection.introspection.get_constraints(cursor, options.db_table)
            unique = {
                tuple(one["columns"])
                for one in known.values()
                if one["unique"] or one["primary_key"]
            }
            assert {(f.column,) for f in options.concrete_fields if f.unique} <= unique
            assert {one.name for one in (*options.constraints, *options.indexes)} <= known.keys()
