"""Staff see whether the books are sound."""

import pytest
from django.contrib.auth.models import Group

from payments.models import LedgerAccount
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.factories import StaffFactory, student_with_credit

pytestmark = pytest.mark.django_db

AUDIT = "/admin/payments/ledgeraccount/audit/"


@pytest.fixture
def boss(client):
    make_groups()
    boss = StaffFactory(is_superuser=False)
    boss.groups.add(Group.objects.get(name="support"))
    client.force_login(boss)
    return boss


def test_every_invariant_is_shown_with_its_result(client, boss):
    page = client.get(AUDIT).content.decode()
    assert "all hold" in page
    assert page.count(">holds<") == 20
    assert AUDIT in client.get("/admin/").content.decode()


def test_offenders_are_named(client, boss):
    account = LedgerAccount.objects.get(owner=student_with_credit("5.00"), kind="wallet")
    LedgerAccount.objects.filter(pk=account.pk).update(balance=6)
    page = client.get(AUDIT).content.decode()
    assert "2 broken" in page
    assert str(account.pk) in page


def test_the_audit_is_not_for_every_clerk(client):
    client.force_login(StaffFactory(is_superuser=False))
    assert client.get(AUDIT).status_code == 403
    assert AUDIT not in client.get("/admin/").content.decode()
