"""Staff see whether the books are sound, as the last audit found them."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import StaffRequest
from payments import audit
from payments.models import LedgerAccount
from talkplatform import requests
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


def carry_out() -> None:
    call_command("carry_out_requests")


def test_every_invariant_is_shown_as_the_last_audit_found_it(client, boss):
    assert "No audit has finished yet" in client.get(AUDIT).text
    call_command("check_ledger", verbosity=0)
    page = client.get(AUDIT).text
    assert "all hold" in page
    assert page.count(">holds<") == len(audit.INVARIANTS)
    assert AUDIT in client.get("/admin/").text


def test_the_page_itself_checks_nothing(client, boss):
    with CaptureQueriesContext(connection) as queries:
        client.get(AUDIT)
        client.post(AUDIT, follow=True)
    assert not [query for query in queries if "transfers" in query["sql"]]


def test_it_is_run_again_by_a_job(client, boss):
    asking = client.post(AUDIT, follow=True)
    assert "Another one was asked for" in asking.text
    assert asking["Refresh"]
    carry_out()
    page = client.get(AUDIT)
    assert page.text.count(">holds<") == len(audit.INVARIANTS)
    assert "Refresh" not in page
    assert "Another one was asked for" not in page.text


def test_pressed_twice_it_is_run_once_whoever_does(client, boss):
    client.post(AUDIT)
    client.post(AUDIT)
    client.force_login(StaffFactory())
    client.post(AUDIT)
    assert [asked.user for asked in StaffRequest.objects.all()] == [boss]
    carry_out()
    client.post(AUDIT)
    assert StaffRequest.objects.waiting().count() == 1


def test_offenders_are_named(client, boss):
    account = LedgerAccount.objects.get(owner=student_with_credit("5.00"), kind="wallet")
    LedgerAccount.objects.filter(pk=account.pk).update(balance=6)
    with pytest.raises(CommandError):
        call_command("check_ledger", verbosity=0)
    page = client.get(AUDIT).text
    assert "2 broken" in page
    assert str(account.pk) in page


def test_of_many_offenders_twenty_are_shown_and_all_counted(client, boss):
    for _ in range(21):
        student_with_credit("1.00")
    wrong = LedgerAccount.objects.filter(kind="wallet").update(balance=2)
    client.post(AUDIT)
    carry_out()
    page = client.get(AUDIT).text
    assert f"Broken: {wrong}" in page
    assert page.count("the balance is not") == 20


def test_one_that_fails_is_told_of_until_another_is_done(client, boss, monkeypatch, caplog):
    call_command("check_ledger", verbosity=0)
    client.post(AUDIT)
    with monkeypatch.context() as patch:
        patch.setitem(requests.DEEDS, audit.NAME, lambda asked: 1 / 0)
        with pytest.raises(CommandError, match="audit of"):
            carry_out()
    assert "ZeroDivisionError" in caplog.text
    assert "could not be finished" in client.get(AUDIT).text
    assert "all hold" in client.get(AUDIT).text
    client.post(AUDIT)
    carry_out()
    assert "could not be finished" not in client.get(AUDIT).text


def test_the_audit_is_not_for_every_clerk(client):
    client.force_login(StaffFactory(is_superuser=False))
    assert client.get(AUDIT).status_code == client.post(AUDIT).status_code == 403
    assert AUDIT not in client.get("/admin/").text
    assert not StaffRequest.objects.exists()
