"""Staff approve, pay and reject withdrawals: each once, never their own, with a trace."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import OperationalError, connection

from accounts.models import User
from enrollments.services.purchasing import purchase_session
from payments.admin.withdrawals import WithdrawalAdmin
from payments.models import Transfer, Withdrawal
from payments.services.withdrawals import request_withdrawal
from settlement.services.deciding import release_hold
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.balances import balance
from tests.factories import (
    StaffFactory,
    TeacherFactory,
    end_session,
    make_course,
    student_with_credit,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_are_clean")]

LIST = "/admin/payments/withdrawal/"
IBAN = "ES91 2100 0418 4502 0005 1332"
APPROVE, COMPLETE, REJECT = (f"{LIST}decide/{verb}/" for verb in ("approve", "complete", "reject"))


def of_group(name: str) -> User:
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name=name))
    return clerk


@pytest.fixture
def boss(client) -> User:
    boss = of_group("finance")
    client.force_login(boss)
    return boss


def earn(teacher: User) -> None:
    """70.00 of a session for 100.00."""
    session = make_course(sessions=1, price_per_session="100.00", teacher=teacher).sessions.get()
    purchase = purchase_session(student=student_with_credit(), session_id=session.pk)
    end_session(session)
    release_hold(hold_id=purchase.hold.pk, actor=StaffFactory(), reason="Took place")


@pytest.fixture
def teacher() -> User:
    teacher = TeacherFactory(email="sofia@example.com")
    earn(teacher)
    return teacher


@pytest.fixture
def asked(boss, teacher) -> Withdrawal:
    return ask(teacher)


def ask(user: User, amount: str = "30.00") -> Withdrawal:
    return request_withdrawal(user=user, amount=Decimal(amount), payout_details=IBAN)


def body(*withdrawals: Withdrawal, **answers: str) -> dict:
    fields = {f"{w.pk}-{name}": text for w in withdrawals for name, text in answers.items()}
    return {"withdrawal": [w.pk for w in withdrawals]} | fields


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def status(withdrawal: Withdrawal) -> str:
    return Withdrawal.objects.get(pk=withdrawal.pk).status


def test_approved_then_paid(client, boss, asked, teacher):
    page = client.post(APPROVE, body(asked), follow=True)
    assert said(page) == ["$30.00 of sofia@example.com: approved."]
    page = client.post(COMPLETE, body(asked, reference="SEPA-77"), follow=True)
    assert said(page) == ["$30.00 of sofia@example.com: paid."]
    asked.refresh_from_db()
    assert (asked.status, asked.payout_reference) == ("completed", "SEPA-77")
    payout = Transfer.objects.get(withdrawal=asked, kind=Transfer.Kind.PAYOUT)
    assert payout.actor == boss
    assert (balance(teacher, "earnings"), balance(teacher, "withdrawing")) == (40, 0)
    page = client.get(f"{LIST}{asked.pk}/history/").content.decode()
    assert "Approved" in page
    assert "Paid: SEPA-77" in page


def test_where_the_first_waits_in_vain_the_others_are_not_begun(client, boss, teacher, settings):
    settings.DATABASE_WAIT_SECONDS = 0
    asked, tries = [ask(teacher), ask(teacher)], []

    def keep_locked(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "withdrawals" in sql:
            tries.append(sql)
            raise OperationalError(1205, "Lock wait timeout exceeded")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep_locked):
        page = client.post(APPROVE, body(*asked))
    assert (page.status_code, len(tries)) == (503, 1)
    assert "Look before trying again" in page.text
    assert [*map(status, asked)] == ["requested", "requested"]


def test_without_its_line_in_the_history_nothing_is_decided(client, boss, asked):
    def forget(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "django_admin_log" in sql:
            raise OperationalError(1290, "The server is running with --read-only")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(forget):
        assert client.post(APPROVE, body(asked)).status_code == 503
    assert status(asked) == "requested"


def test_rejected_with_a_reason(client, boss, asked, teacher):
    client.post(REJECT, body(asked, reason="No such account"))
    asked.refresh_from_db()
    assert (asked.status, asked.notes) == ("rejected", "No such account")
    assert balance(teacher, "earnings") == 70
    entry = LogEntry.objects.get(object_id=str(asked.pk))
    assert (entry.user, entry.change_message) == (boss, "Rejected: No such account")


def test_sent_twice_it_is_done_once(client, asked, teacher):
    client.post(APPROVE, body(asked))
    assert "already approved" in said(client.post(APPROVE, body(asked), follow=True))[-1]
    for _ in range(2):
        client.post(COMPLETE, body(asked, reference="SEPA-77"))
    assert balance(teacher, "withdrawing") == 0
    assert LogEntry.objects.filter(object_id=str(asked.pk)).count() == 2


def test_nothing_is_paid_before_it_is_approved(client, asked, teacher):
    page = client.post(COMPLETE, body(asked, reference="SEPA-77"), follow=True)
    assert "has to be approved" in said(page)[0]
    assert (status(asked), balance(teacher, "withdrawing")) == ("requested", 30)


def test_nobody_decides_on_their_own(client, boss, asked):
    earn(boss)
    own = ask(boss)
    page = client.get(APPROVE, {"withdrawal": own.pk})
    assert "This is your own withdrawal" in page.content.decode()
    results = said(client.post(APPROVE, body(own, asked), follow=True))
    assert sorted(("approved." in result) for result in results) == [False, True]
    assert (status(own), status(asked)) == ("requested", "approved")


@pytest.mark.parametrize("answer", [{}, {"reference": " "}, {"reference": "x" * 101}])
def test_a_payment_needs_its_reference(client, asked, answer):
    client.post(APPROVE, body(asked))
    page = client.post(COMPLETE, body(asked, **answer))
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert status(asked) == "approved"


def test_a_rejection_needs_its_reason(client, asked):
    assert client.post(REJECT, body(asked)).status_code == 200
    assert status(asked) == "requested"


def test_the_list_asks_before_anything_is_done(client, asked):
    page = client.post(LIST, {"action": "approve", "_selected_action": [asked.pk]})
    text = page.content.decode()
    assert "$30.00" in text
    assert IBAN in text
    assert client.get(APPROVE, {"withdrawal": asked.pk, "confirmed": "yes"}).status_code == 200
    assert status(asked) == "requested"


def test_where_it_is_paid_to_is_masked_but_for_those_who_pay(client, asked):
    assert IBAN not in client.get(LIST).content.decode()
    assert IBAN in client.get(f"{LIST}{asked.pk}/change/").content.decode()
    client.force_login(of_group("support"))
    for url in (LIST, f"{LIST}{asked.pk}/change/"):
        text = client.get(url).content.decode()
        assert "1332" in text
        assert IBAN not in text
        assert asked.payout_details not in text


def test_support_looks_and_does_not_touch(client, asked):
    client.force_login(of_group("support"))
    for url in (APPROVE, COMPLETE, REJECT):
        assert client.get(url, {"withdrawal": asked.pk}).status_code == 403
        assert client.post(url, body(asked, reference="x", reason="x")).status_code == 403
    client.post(LIST, {"action": "approve", "_selected_action": [asked.pk]})
    assert "decide/approve" not in client.get(f"{LIST}{asked.pk}/change/").content.decode()
    assert status(asked) == "requested"


def test_a_lost_key_does_not_hide_the_withdrawal(client, asked):
    Withdrawal.objects.update(payout_details="sealed with another key")
    page = client.get(f"{LIST}{asked.pk}/change/")
    assert "cannot be read" in page.content.decode()


def test_too_many_at_once_are_refused(client, asked, teacher, monkeypatch):
    monkeypatch.setattr(WithdrawalAdmin, "at_most", 1)
    page = client.post(APPROVE, body(asked, ask(teacher)), follow=True)
    assert "at most 1" in said(page)[0]
    assert status(asked) == "requested"


@pytest.mark.parametrize("key", ["x", "", uuid4()])
def test_what_is_not_there_is_not_decided(client, boss, key):
    assert "no such withdrawal" in client.get(APPROVE, {"withdrawal": key}).content.decode()
    assert client.get(f"{LIST}decide/delete/").status_code == 404
