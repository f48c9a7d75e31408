"""What operators run, and what it tells them."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import pruning
from payments.models import IdempotencyRecord, LedgerAccount, Transfer
from tests.balances import balance
from tests.factories import UserFactory, student_with_credit

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out, no_color=True)
    return out.getvalue()


class TestCheckLedger:
    def test_a_clean_ledger_is_ok_line_by_line(self):
        student_with_credit()
        lines = run("check_ledger").splitlines()
        assert [line.split()[:2] for line in lines] == [[f"I{n}", "ok"] for n in range(1, 22)]

    def test_offenders_are_shown_and_the_exit_is_1(self, capsys):
        student = student_with_credit("500.25")
        wallet = LedgerAccount.objects.get(owner=student, kind="wallet")
        LedgerAccount.objects.filter(pk=wallet.pk).update(balance=Decimal("1.50"))
        out = StringIO()
        with pytest.raises(CommandError, match=r"The books are wrong: I1, I11\.") as refused:
            call_command("check_ledger", stdout=out, no_color=True)
        assert refused.value.returncode == 1
        lines = out.getvalue().splitlines()
        assert lines[0].startswith("I1  FAILED")
        assert f"{wallet.pk}: the balance is not" in lines[1]
        assert "balance 1.50, moved 500.25" in lines[1]
        assert lines[2].startswith("I2  ok")

    def test_no_more_than_twenty_are_shown(self):
        for _ in range(22):
            student_with_credit("1.00")
        LedgerAccount.objects.filter(kind="wallet").update(balance=2)
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("check_ledger", stdout=out, no_color=True)
        text = out.getvalue()
        assert text.count("the balance is not") == 20
        assert "and 2 more" in text

    def test_json(self):
        student = student_with_credit()
        LedgerAccount.objects.filter(owner=student, kind="wallet").update(balance=1)
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("check_ledger", "--json", stdout=out)
        findings = json.loads(out.getvalue())
        assert [finding["code"] for finding in findings if not finding["ok"]] == ["I1", "I11"]
        assert set(findings[0]["offenders"][0]) == {"id", "problem"}


class TestGrantCredit:
    def test_grants_and_says_so(self):
        student = UserFactory()
        out = run("grant_credit", student.email.upper(), "12.50", "--reason", "Sorry")
        made = Transfer.objects.get()
        assert (made.kind, made.amount, made.note) == ("grant", Decimal("12.50"), "Sorry")
        assert balance(student) == Decimal("12.50")
        assert f"Granted 12.50 to {student.email.upper()} ({made.dedupe_key})" in out

    def test_the_same_request_grants_once(self):
        student, request_id = UserFactory(), str(uuid4())
        for _ in range(2):
            run("grant_credit", student.email, "5", "--reason", "x", "--request-id", request_id)
        assert balance(student) == Decimal("5.00")

    def test_two_grants_are_two(self):
        student = UserFactory()
        for _ in range(2):
            run("grant_credit", student.email, "5", "--reason", "x")
        assert balance(student) == Decimal("10.00")

    @pytest.mark.parametrize("amount", ["0", "0.001", "1e1", "NaN", "five", "99999999999"])
    def test_a_bad_amount_is_refused(self, amount):
        student = UserFactory()
        with pytest.raises(CommandError, match=r"an amount such as 12\.50"):
            run("grant_credit", student.email, amount, "--reason", "x")
        assert balance(student) == 0

    def test_a_stranger_is_refused(self):
        with pytest.raises(CommandError, match=r"Nobody has the address who@example\.com"):
            run("grant_credit", "who@example.com", "5", "--reason", "x")

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_a_reason_is_needed(self, reason):
        student = UserFactory()
        with pytest.raises(CommandError, match="reason of 1 to 500"):
            run("grant_credit", student.email, "5", "--reason", reason)
        assert balance(student) == 0


class TestPruneIdempotencyKeys:
    @pytest.fixture
    def keys(self, settings):
        settings.IDEMPOTENCY_KEY_DAYS = 30
        user, now = UserFactory(), timezone.now()
        ages = [timedelta(days=30, minutes=n) for n in range(1, 6)] + [timedelta(days=29, hours=23)]
        IdempotencyRecord.objects.bulk_create(
            IdempotencyRecord(user=user, key=str(n), fingerprint="x", created_at=now - age)
            for n, age in enumerate(ages)
        )

    def test_deletes_the_old_alone(self, keys):
        assert run("prune_idempotency_keys") == "Deleted 5 idempotency keys.\n"
        assert [record.key for record in IdempotencyRecord.objects.all()] == ["5"]
        assert run("prune_idempotency_keys") == "Deleted 0 idempotency keys.\n"

    def test_in_batches(self, keys, monkeypatch):
        monkeypatch.setattr(pruning, "BATCH", 2)
        with CaptureQueriesContext(connection) as queries:
            run("prune_idempotency_keys")
        deletes = [query for query in queries if query["sql"].startswith("DELETE")]
        assert len(deletes) == 3
        assert IdempotencyRecord.objects.count() == 1
