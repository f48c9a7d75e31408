"""What is told is a row of the transaction that it tells of: once, or not at all."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from common.transactions import operation
from notices.models import Notice
from notices.rendering import SPEECHLESS, text_of
from notices.services.outbox import AT_ONCE, put
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
FACTS = {"title": "Spanish to go", "at": NOON, "paid": Decimal("16.00")}


def test_one_insert_tells_every_reader(make_kind):
    kind, session = make_kind(), uuid4()
    readers = [UserFactory() for _ in range(3)]
    with CaptureQueriesContext(connection) as asked:
        put(
            kind.tell(
                reader.pk,
                about=f"{session}:1",
                facts=FACTS | {"paid": Decimal(n)},
                until=NOON,
                session_id=session,
            )
            for n, reader in enumerate(readers)
        )
    assert [sql["sql"][:11] for sql in asked if "notices" in sql["sql"]] == ["INSERT INTO"]
    rows = Notice.objects.order_by("pk")
    assert [(row.reader, row.sum("paid")) for row in rows] == [
        (r, n) for n, r in enumerate(readers)
    ]
    first = rows[0]
    assert (first.mail, first.is_notice, first.must_acknowledge) == ("waiting", True, False)
    assert (first.until, first.session_id, first.course_id) == (NOON, session, None)
    assert (first.read_at, first.acknowledged_at, first.mailed_at) == (None, None, None)


def test_a_repeat_adds_nothing_and_raises_nothing(make_kind):
    kind, ada, bob = make_kind(), UserFactory(), UserFactory()
    put([kind.tell(ada.pk, about=1, facts=FACTS)])
    put([kind.tell(ada.pk, about=1, facts=FACTS | {"title": "Anew"}), kind.tell(bob.pk, about=1)])
    put([kind.tell(bob.pk, about=1), kind.tell(bob.pk, about=2), kind.tell(bob.pk, about=2)])
    assert Notice.objects.get(reader=ada).text("title") == "Spanish to go"
    assert Notice.objects.filter(reader=bob).count() == 2


def test_whatever_else_is_wrong_is_an_error(make_kind):
    """As INSERT IGNORE would not have it, which cuts and drops without a word."""
    kind, ada = make_kind(), UserFactory()
    nameless = kind.tell(ada.pk, about=1)
    nameless.created_at = None
    with pytest.raises(IntegrityError):
        put([nameless])
    if connection.vendor == "mysql":
        long = kind.tell(ada.pk, about=1)
        long.dedupe_key = "k" * 201
        with pytest.raises(DatabaseError):
            put([long])
    assert not Notice.objects.exists()


def test_many_readers_are_told_in_as_few_statements_as_can_be(make_kind):
    kind, ada = make_kind(), UserFactory()
    with CaptureQueriesContext(connection) as asked:
        put(kind.tell(ada.pk, about=n) for n in range(AT_ONCE + 1))
        put([])
    assert len([sql for sql in asked if "INSERT" in sql["sql"]]) == 2
    assert Notice.objects.count() == AT_ONCE + 1


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_is_told_to_nobody(make_kind):
    kind, ada = make_kind(), UserFactory()

    @operation
    def fail():
        put([kind.tell(ada.pk, about=1)])
        raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not Notice.objects.exists()


def test_facts_keep_what_they_were(make_kind):
    evening = NOON.astimezone(timezone(timedelta(hours=9)))
    facts = {
        "at": evening,
        "sum": Decimal("1234.50"),
        "key": (key := uuid4()),
        "rows": [{"at": NOON, "n": 3}],
        "no": None,
    }
    put([make_kind().tell(UserFactory().pk, about=1, facts=facts)])
    notice = Notice.objects.get()
    assert notice.facts == {
        "at": "2026-12-01T12:00:00Z",
        "sum": "1234.50",
        "key": str(key),
        "rows": [{"at": "2026-12-01T12:00:00Z", "n": 3}],
        "no": None,
    }
    assert (notice.time("at"), notice.sum("sum"), notice.text("no")) == (
        NOON,
        Decimal("1234.50"),
        "",
    )
    assert notice.time("at").tzinfo == UTC


@pytest.mark.parametrize(
    ("fact", "error"),
    [(1.5, TypeError), (object(), TypeError), (datetime(2026, 1, 1), ValueError)],  # noqa: DTZ001
)
def test_what_is_no_fact_is_refused(make_kind, fact, error):
    with pytest.raises(error):
        make_kind().tell(uuid4(), about=1, facts={"rows": [fact]})


def test_a_kind_without_a_letter_is_no_mail_and_one_without_a_text_no_notice(make_kind):
    ada = UserFactory()
    quiet, private = make_kind("quiet", letter=None), make_kind("private", text=None)
    put([quiet.tell(ada.pk, about=1), private.tell(ada.pk, about=1)])
    shown = Notice.objects.shown_to(ada.pk)
    assert [(notice.kind, notice.mail) for notice in shown] == [("quiet", "none")]
    assert Notice.objects.get(kind="private").mail == "waiting"


def test_what_is_shown_can_be_unread_and_unacknowledged(make_kind):
    ada, bob = UserFactory(), UserFactory()
    grave, light = make_kind("grave", must_acknowledge=True), make_kind("light")
    told = [grave.tell(ada.pk, about=1), light.tell(ada.pk, about=1), light.tell(bob.pk, about=1)]
    put(told)
    mine = Notice.objects.shown_to(ada.pk)
    assert [notice.pk for notice in mine] == [told[1].pk, told[0].pk]
    assert [notice.pk for notice in mine.to_acknowledge()] == [told[0].pk]
    mine.filter(kind="light").update(read_at=NOON)
    assert [notice.pk for notice in mine.unread()] == [told[0].pk]
    mine.update(acknowledged_at=NOON)
    assert not mine.to_acknowledge().exists()


def test_a_text_is_in_the_zone_of_its_reader(make_kind):
    put([make_kind().tell(UserFactory(time_zone="Asia/Tokyo").pk, about=1, facts=FACTS)])
    assert text_of(Notice.objects.get()) == "Spanish to go moved to Tue 1 Dec 2026, 21:00 JST"


def test_a_text_that_cannot_be_said_takes_no_page_along(make_kind, caplog):
    put([make_kind().tell(UserFactory().pk, about=1)])
    notice = Notice.objects.select_related("reader").get()
    assert text_of(notice) == SPEECHLESS
    assert str(notice.pk) in caplog.text
    notice.kind = "forgotten"
    assert text_of(notice) == SPEECHLESS


@pytest.mark.parametrize(
    "changes",
    [
        {"letter": None, "text": None},
        {"name": ""},
        {"name": "n" * 41},
        {"must_acknowledge": True, "text": None},
        {"must_acknowledge": True, "group": "reminders"},
    ],
)
def test_a_kind_that_makes_no_sense_is_refused(make_kind, changes):
    with pytest.raises(ValueError, match=r"says nothing|characters|acknowledged"):
        make_kind(**changes)


def test_a_key_that_does_not_fit_is_refused(make_kind):
    with pytest.raises(ValueError, match="longer than"):
        make_kind().tell(uuid4(), about="a" * 160)
