"""Forwards, back to zero, and forwards again, in a database of its own."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from accounts.models import User
from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.sessions import cancel_session
from notices.models import Mailbox
from payments.models import HoldPart, PaymentHold
from rooms.models import Attendance, WebhookEvent
from rooms.services.events import waiting_events
from tests.conversations import CONFIGURED, Room, hear
from tests.copying import lay, tables
from tests.factories import (
    DAY,
    UserFactory,
    end_session,
    extend_course,
    make_course,
    student_with_credit,
)

ROOT = Path(__file__).resolve().parent.parent
DOWNWARDS = ("talkplatform", "payments", "enrollments", "courses", "admin", "accounts")
TABLES = """
from django.db import connection
print(*connection.introspection.table_names())
"""
CHANGES = "call_command('makemigrations', check=True, dry_run=True)"


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


@pytest.fixture
def migrated(elsewhere, tmp_path):
    """The same, at the top: a copy of the tests' own database, which went all the way up."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(tmp_path / "empty.sqlite3")])
    else:
        there = connection.copy()
        there.settings_dict["NAME"] += "_migrations"
        lay(tables(), there)
        there.close()
    return elsewhere


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


def migrate(url: str, *steps: tuple[str, ...] | str, then: str = "") -> str:
    """Go to each target, and run what is code, in turn; gives what that prints.

    All in one process: to start one takes as long as a dozen migrations.
    """
    code = ["from django.core.management import call_command"]
    for step in (*steps, then):
        target = f"call_command('migrate', *{step!r}, verbosity=0)"
        code.append(step if isinstance(step, str) else target)
    return manage(url, "shell", "-v0", "-c", "\n".join(code))


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


@pytest.mark.django_db
def test_what_is_not_settled_is_worked_in_anew(settings):
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    course = make_course(sessions=2)
    over, settled = course.sessions.all()
    stays = {}
    for session in (over, settled):
        end_session(session, ago=DAY)
        room = Room(session)
        hear(room.started(), room.joined(course.teacher, 5), room.event("track_published", 50))
        stays[session] = Attendance.objects.filter(session=session)
    CourseSession.objects.filter(pk=settled.pk).update(status="completed")
    WebhookEvent.objects.update(body='{"room": {"name": "x", "turnPassword": "secret"}, "id": "1"}')

    before = MigrationLoader(connection).project_state(("enrollments", "0016_signs_of_before")).apps
    import_module("enrollments.migrations.0016_signs_of_before").take_over(before, None)

    assert set(waiting_events()) == {
        *WebhookEvent.objects.filter(session=over).values_list("pk", flat=True)
    }
    assert not stays[over].exists()
    assert stays[settled].get().seen_at == settled.ends_at
    assert set(WebhookEvent.objects.values_list("body", flat=True)) == {
        '{"room":{"name":"x"},"id":"1"}'
    }


@pytest.mark.django_db
def test_accounts_of_before_count_as_proved_and_refused_addresses_are_marked():
    ada, bob, eve = (UserFactory(proved_since=None) for _ in range(3))
    for user, address in ((ada, ada.email), (bob, "his.old@example.com")):
        Mailbox.objects.create(reader=user, stopped_address=address, stopped_at=timezone.now())

    module = import_module("accounts.migrations.0010_addresses_of_before")
    module.count_as_proved(apps, None)
    module.mark_refused(apps, None)

    assert all(user.proved_since == user.date_joined for user in User.objects.all())
    assert set(User.objects.filter(email_refused=True)) == {ada}
    assert User.objects.count() == len({ada, bob, eve})


SIGN_UP_AS_BEFORE = """
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

row = {
    "id": uuid7().hex, "password": "!", "email": "old@example.com", "display_name": "Old",
    "referral_code": "old", "time_zone": "UTC", "is_active": 1, "is_superuser": 0,
    "is_teacher": 0, "is_staff": 0, "date_joined": timezone.now().replace(tzinfo=None),
}
places = ", ".join(["%s"] * len(row))
with connection.cursor() as cursor:
    cursor.execute(f"INSERT INTO users ({', '.join(row)}) VALUES ({places})", [*row.values()])
"""
WHO_IS_PROVED = """
from accounts.models import User

print(*User.objects.exclude(proved_since=None).values_list("email", flat=True))
"""


def test_who_was_there_before_addresses_were_proved_is_mailed_as_ever(elsewhere):
    before, top = ("accounts", "0006"), ()
    told = migrate(elsewhere, before, SIGN_UP_AS_BEFORE, top, before, top, WHO_IS_PROVED)
    assert told == "old@example.com\n"


def test_none_tells_anybody_anything():
    """What is put into the outbox goes out a moment later, to people of years ago."""
    for migration in ROOT.glob("*/migrations/0*.py"):
        says = re.search(r"outbox import|messages import|, .Notice.\)", migration.read_text())
        assert not says, f"{migration} writes notices"


def test_down_to_zero_from_the_top_and_up_again(migrated):
    ours = {"users", "courses", "course_enrollments", "payment_holds", "transfers", "jobs"}
    zero = [(app, "zero") for app in DOWNWARDS]
    told = migrate(migrated, TABLES, *zero, TABLES, (), TABLES, CHANGES).splitlines()
    top, bottom, again = ({*line.split()} for line in told[:3])
    assert ours <= top
    assert not ours & bottom
    assert again == top
    assert told[3:] == ["No changes detected"]


def test_what_staff_may_see_of_rooms_and_have_done_there_moves_with_them(migrated):
    way = (("enrollments", "0020"), ("rooms", "zero"), ("enrollments",), ())
    steps = [step for target in way for step in (target, WHO_MAY_SEE)]
    kept, *seen = migrate(migrated, LOOKED_AT, *steps).splitlines()
    apps_then = ["rooms" if len(target) < 2 else "enrollments" for target in way]
    assert seen == [f"{app} {kept}" for app in apps_then]


LOOKED_AT = """
from io import StringIO
from uuid_utils.compat import uuid7
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from accounts.models import User
from rooms.models import WebhookEvent

call_command("make_staff_groups", stdout=StringIO())
clerk = User.objects.create(email="clerk@example.com", referral_code="clerk")
kind = ContentType.objects.get_for_model(WebhookEvent)
LogEntry.objects.create(user=clerk, content_type=kind, object_id="1", action_flag=2)
print(kind.pk, 2)
"""

WHO_MAY_SEE = """
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

ContentType.objects.clear_cache()
kind = LogEntry.objects.get().content_type
seen = Permission.objects.filter(codename="view_webhookevent", group__isnull=False).distinct()
groups = sum(p.group_set.count() for p in seen if p.content_type_id == kind.pk)
print(kind.app_label, kind.pk, groups)
"""


def test_a_world_of_before_gets_the_accounts_for_money_from_outside(migrated):
    """Forward, back, and forward again: what moved before stays, and the keys are the same."""
    told = migrate(migrated, A_WORLD_OF_BEFORE, ("payments", "0017"), (), ITS_ACCOUNTS)
    kept, found = told.splitlines()
    assert found == kept
    assert kept.startswith("11 credit 7.00 ")


A_WORLD_OF_BEFORE = """
from decimal import Decimal
from uuid_utils.compat import uuid7
from accounts.models import User
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount
from payments.services.grants import grant_credit

user = User.objects.create(email="old@example.com", referral_code="old")
grant_credit(user=user, amount=Decimal("7.00"), reason="Before", request_id=uuid7())
added = list(SYSTEM_ACCOUNTS.values())[4:]
wallet = LedgerAccount.objects.get(owner=user, kind="wallet")
there = LedgerAccount.objects.filter(owner=None).count()
print(there, "credit", wallet.balance, *SYSTEM_ACCOUNTS.values())
# As it was before there were any of them.
LedgerAccount.objects.filter(pk__in=added).delete()
"""

ITS_ACCOUNTS = """
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount

wallet = LedgerAccount.objects.get(owner__email="old@example.com", kind="wallet")
found = LedgerAccount.objects.filter(owner=None).in_bulk()
keys = (key for kind, key in SYSTEM_ACCOUNTS.items() if found[key].kind == kind)
print(len(found), "credit", wallet.balance, *keys)
"""


def test_no_debt_is_forgotten_by_going_back(migrated):
    said = migrate(migrated, A_DEBT).splitlines()
    assert said == ["Nothing was changed: what users owe, or have owed, would be lost.", "9.00"]


A_DEBT = """
from decimal import Decimal
from django.core.management import CommandError
from accounts.models import User
from payments.models import SYSTEM_ACCOUNTS, LedgerAccount, Transfer

user = User.objects.create(email="a@example.com", referral_code="a")
wallet = LedgerAccount.objects.get(owner=user, kind="wallet")
Transfer.objects.create(
    dedupe_key="dispute:1", kind="dispute", amount=9, debtor=user,
    debit_account_id=SYSTEM_ACCOUNTS["debts"], credit_account_id=SYSTEM_ACCOUNTS["stripe"],
)
LedgerAccount.objects.filter(pk=wallet.pk).update(owed=9)
try:
    call_command("migrate", "payments", "0023", verbosity=0)
except CommandError as refused:
    print(str(refused).splitlines()[0])
wallet.refresh_from_db()
print(wallet.owed)
"""


def test_no_top_up_is_taken_away_by_going_back(migrated):
    """And one of whose fee nobody asked any more is asked about again."""
    assert migrate(migrated, ("payments", "0022"), TOP_UP).splitlines() == [
        "True",
        "Nothing was changed: top-up TU-KEPT would be lost, and what people paid with it.",
        "To go back further, restore a backup.",
        "1",
    ]


TOP_UP = """
from django.core.management import CommandError
from django.utils import timezone
from accounts.models import User
from payments.models import TopUp

# Without accounts: theirs have columns by now that those tables lack.
[user] = User.objects.bulk_create([User(email="a@example.com", referral_code="a")])
now = timezone.now()
paid = {"status": "paid", "paid_at": now, "receipt": {}, "checkout_session": "cs_1"}
TopUp.objects.create(
    user=user, method="stripe", amount=20, reference="TU-KEPT", expires_at=now, **paid
)
call_command("migrate", verbosity=0)
print(TopUp.objects.get().next_look_at is not None)
try:
    call_command("migrate", "payments", "0021", verbosity=0)
except CommandError as refused:
    print(refused)
print(TopUp.objects.count())
"""


def test_the_feeds_of_calendars_stay_when_their_app_is_another(migrated):
    """Forward, back, and forward again, on a row and a content type."""
    steps = [("enrollments", "0023"), ITS_FEED, ("calendars", "zero"), ITS_FEED, (), ITS_FEED]
    kept, *seen = migrate(migrated, A_FEED, *steps).splitlines()
    assert seen == [f"{app} {kept}" for app in ("enrollments", "enrollments", "calendars")]


A_FEED = """
from django.contrib.contenttypes.models import ContentType
from accounts.models import User
from calendars.models import CalendarFeed

reader = User.objects.create(email="reader@example.com", referral_code="reader")
CalendarFeed.objects.create(user=reader, serial=7)
print(ContentType.objects.get(model="calendarfeed").pk, 7)
"""

ITS_FEED = """
from django.contrib.contenttypes.models import ContentType
from django.db import connection

# The oldest: half-way there are two.
kind = ContentType.objects.filter(model="calendarfeed").order_by("pk").first()
with connection.cursor() as cursor:
    cursor.execute("SELECT serial FROM calendar_feeds")
    print(kind.app_label, kind.pk, *cursor.fetchone())
"""


class TestAddresses:
    """Written as they were before they had a normal form: beside the model."""

    KEPT = "anna@xn--mller-kva.de"

    @pytest.fixture
    def write(self, db):
        def write(*addresses: str) -> None:
            with connection.cursor() as cursor:
                for address in addresses:
                    values = [address, UserFactory().email]
                    cursor.execute("UPDATE users SET email = %s WHERE email = %s", values)

        return write

    def normalise(self) -> None:
        import_module("accounts.migrations.0004_normal_addresses").normalise(apps, None)

    def addresses(self) -> list[str]:
        return sorted(User.objects.values_list("email", flat=True))

    def test_each_gets_its_normal_form(self, write):
        write("anna@müller.de", "x@straße.de", "plain@example.com", "boss")
        self.normalise()
        kept = [self.KEPT, "boss", "plain@example.com", "x@xn--strae-oqa.de"]
        assert self.addresses() == kept
        self.normalise()
        assert self.addresses() == kept

    @pytest.mark.parametrize(
        ("addresses", "says"),
        [
            (["anna@müller.de", KEPT], f"anna@müller.de and {KEPT} become one: {KEPT}"),
            (["anna@müller.de", "anna@mu\u0308ller.de"], f"become one: {KEPT}"),
            (["anna@☕.de"], "'anna@☕.de' has no normal form"),
            (["an\u200bna@example.com"], r"'an\\u200bna@example.com' has no normal form"),
        ],
    )
    def test_what_cannot_stand_is_named_and_nothing_changes(self, write, addresses, says):
        write("x@straße.de", *addresses)
        before = self.addresses()
        with pytest.raises(CommandError, match=says) as refused:
            self.normalise()
        assert "straße" not in str(refused.value)
        assert self.addresses() == before

    def test_the_command_refuses_goes_on_once_mended_and_back(self, elsewhere):
        both = f"anna@muller.de {self.KEPT}"
        assert manage(elsewhere, "shell", "-v0", "-c", TWO_THAT_BECOME_ONE).splitlines() == [
            "refused True",
            both,
            both,
            "[('email',), ('referral_code',)] True",
            f"{self.KEPT} 2",
        ]


TWO_THAT_BECOME_ONE = """
from django.core.management import CommandError, call_command
from django.db import connection
from uuid_utils.compat import uuid7
from accounts.models import User

def sql(statement, values=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()

def add(address):
    key = uuid7()
    row = {
        "id": str(key) if connection.features.has_native_uuid_field else key.hex,
        "email": address, "password": "", "display_name": "A", "referral_code": key.hex[-10:],
        "is_superuser": 0, "is_staff": 0, "is_active": 1, "is_teacher": 0, "time_zone": "UTC",
        "date_joined": "2026-11-26 12:00:00",
    }
    places = ", ".join(["%s"] * len(row))
    sql(f"INSERT INTO users ({', '.join(row)}) VALUES ({places})", [*row.values()])

def addresses():
    return [email for email, in sql("SELECT email FROM users ORDER BY email")]

def migrate(*words):
    call_command("migrate", "accounts", *words, verbosity=0)

migrate("0003")
add("anna@müller.de")
add("anna@xn--mller-kva.de")
before = addresses()
try:
    migrate()
except CommandError:
    print("refused", addresses() == before)
sql("UPDATE users SET email = 'ben@muller.de' WHERE email LIKE '%xn--%'")
migrate()
sql("UPDATE users SET email = 'anna@muller.de' WHERE email LIKE 'ben@%'")
print(*addresses())
migrate("0003")
print(*addresses())
migrate()
with connection.cursor() as cursor:
    known = connection.introspection.get_constraints(cursor, "users")
unique = {tuple(one["columns"]) for one in known.values() if one["unique"]} - {("id",)}
print(sorted(unique), {"users_email_lower", "users_not_self_referred"} <= known.keys())
print(User.objects.get(email="anna@müller.de").email, User.objects.count())
"""
