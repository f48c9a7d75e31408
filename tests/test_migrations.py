"""Forwards, back to zero, and forwards again, in a database of its own."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection

from accounts.models import User
from tests.factories import UserFactory
from tests.migrating import elsewhere, manage, migrate, migrated

__all__ = ["elsewhere", "migrated"]

DOWNWARDS = ("talkplatform", "payments", "enrollments", "courses", "admin", "accounts")
TABLES = """
from django.db import connection
print(*connection.introspection.table_names())
"""
CHANGES = "call_command('makemigrations', check=True, dry_run=True)"


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


@pytest.mark.mariadb
def test_who_was_there_before_addresses_were_proved_is_mailed_as_ever(elsewhere):
    before, top = ("accounts", "0006"), ()
    told = migrate(elsewhere, before, SIGN_UP_AS_BEFORE, top, before, top, WHO_IS_PROVED)
    assert told == "old@example.com\n"


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


@pytest.mark.mariadb
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


@pytest.mark.mariadb
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


@pytest.mark.mariadb
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
