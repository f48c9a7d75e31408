"""Whose turn a job is, when it is due the next time, and what becomes of its pass."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from threading import Event

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command, get_commands
from django.db import OperationalError
from django.utils import timezone

from accounts.models import AddressChange, SignInRecord, TokenFamily
from common import pruning
from common.passes import ending_once, in_time
from payments.models import LedgerAccount
from talkplatform import jobs
from talkplatform.jobs import LEASE, MINUTES, NIGHTLY, OFTEN, PLANS, Plan, claim, finish
from talkplatform.runner import Pass, Runner, attempt
from tests.factories import UserFactory, student_with_credit
from tests.talkplatform.plans import AUDIT, HOUR, SECOND, SETTLING, A, B, at, change, on_time, row

__all__ = ["on_time"]

pytestmark = pytest.mark.django_db


class TestTheTable:
    @pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
    def test_each_is_a_command_that_operators_can_run(self, plan):
        assert plan.name in get_commands()
        assert timedelta(0) < plan.limit < plan.every + LEASE or plan.every < NIGHTLY

    def test_no_name_comes_twice(self):
        assert max(Counter(plan.name for plan in PLANS).values()) == 1

    def test_the_documents_list_them(self):
        text = (settings.BASE_DIR / "docs/operations.md").read_text()
        [part] = re.findall(r"^## Jobs\n.*?^## ", text, re.MULTILINE | re.DOTALL)
        listed = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
        assert listed == [plan.name for plan in PLANS]

    def test_every_minute_and_every_night(self):
        assert SETTLING.next_after(at(12, 0, 1)) == SETTLING.next_after(at(12, 0, 59)) == at(12, 1)
        assert AUDIT.next_after(at(2, 59)) == at(3)
        assert AUDIT.next_after(at(3)) == at(3) + NIGHTLY

    def test_late_is_twice_the_period_and_of_a_night_26_hours(self):
        assert SETTLING.late_after == 2 * OFTEN == timedelta(minutes=2)
        assert AUDIT.late_after == timedelta(hours=26)


class TestTurns:
    def test_what_cannot_wait_is_begun_at_once_and_the_rest_at_night(self):
        assert claim(SETTLING, A)
        assert not claim(AUDIT, A)
        assert row(AUDIT).due.hour == 3

    def test_nobody_else_begins_what_somebody_is_at(self):
        assert claim(SETTLING, A)
        assert not claim(SETTLING, B)
        assert not claim(SETTLING, A)

    def test_what_is_done_is_due_a_minute_later(self):
        assert claim(SETTLING, A)
        finish(SETTLING, A)
        done = row()
        assert done.last_finished
        assert timedelta(0) < done.due - timezone.now() <= OFTEN
        assert (done.leased_until, done.leased_by, done.last_failed) == (None, "", None)
        assert not claim(SETTLING, B)
        change(SETTLING, due=timezone.now())
        assert claim(SETTLING, B)

    def test_a_lease_that_ran_out_is_taken_over_and_it_is_said_who_lost_it(self):
        assert claim(SETTLING, A)
        assert timedelta(0) < row().leased_until - timezone.now() <= LEASE
        change(SETTLING, leased_until=timezone.now())
        assert claim(SETTLING, B)
        taken = row()
        assert (taken.leased_by, taken.error) == (B, f"{A} did not end it.")
        assert taken.last_failed
        finish(SETTLING, A, error="Too late to say so.")
        assert not jobs.keep(SETTLING, A)
        assert row().leased_by == B
        assert jobs.keep(SETTLING, B)

    def test_a_pass_that_failed_is_noted_and_the_next_comes_in_its_time(self):
        assert claim(SETTLING, A)
        finish(SETTLING, A, error="x" * 1000)
        failed = row()
        assert (failed.error, failed.last_finished) == ("x" * 500, None)
        assert failed.due > timezone.now()

    def test_what_was_cut_short_goes_on_at_once(self):
        assert claim(SETTLING, A)
        finish(SETTLING, A, cut=True)
        assert (row().last_finished, row().last_failed) == (None, None)
        assert claim(SETTLING, B)

    def test_a_clock_that_was_ahead_does_not_stop_a_job_for_long(self):
        claim(SETTLING, A)
        finish(SETTLING, A)
        change(SETTLING, due=timezone.now() + 300 * NIGHTLY)
        assert not claim(SETTLING, A)
        assert row().due - timezone.now() <= OFTEN

    def test_what_has_something_to_do_is_due_early(self):
        waits = []
        plan = replace(SETTLING, early=lambda: bool(waits))
        assert claim(plan, A)
        finish(plan, A)
        assert not claim(plan, B)
        waits.append("a mail")
        assert claim(plan, B)
        assert not claim(plan, A)

    def test_it_reads_and_changes_nothing_where_nothing_is_due(
        self, django_assert_num_queries, on_time
    ):
        with django_assert_num_queries(1):
            assert not claim(SETTLING, A)


class TestPasses:
    def test_it_ends_between_two_pieces_once_told(self):
        told = Event()
        with ending_once(told.is_set):
            pieces = in_time(range(9))
            assert [next(pieces), next(pieces)] == [0, 1]
            told.set()
            assert list(pieces) == []
        assert list(in_time(range(9))) == [*range(9)]

    @pytest.mark.parametrize("over", ["deadline", "leased_until"])
    def test_once_its_time_or_its_lease_is_over(self, over):
        running = Pass(SETTLING, Event())
        assert not running.has_to_end()
        setattr(running, over, 0.0)
        assert running.has_to_end()
        assert running.cut

    def test_its_lease_is_kept_no_longer_than_it_has_time(self):
        claim(SETTLING, A)
        running = Pass(SETTLING, Event())
        change(SETTLING, leased_until=timezone.now())
        running.keep(A)
        assert row().leased_until - timezone.now() > LEASE / 2
        change(SETTLING, leased_until=timezone.now())
        running.deadline = 0.0
        running.keep(A)
        assert row().leased_until <= timezone.now()
        assert running.hangs()

    def test_what_is_deleted_in_batches_stops_as_well(self, monkeypatch):
        monkeypatch.setattr(pruning, "BATCH", 2)
        past = timezone.now() - SECOND
        SignInRecord.objects.bulk_create(
            SignInRecord(key=str(n), expires_at=past) for n in range(5)
        )
        rows = SignInRecord.objects.order_by("expires_at")
        with ending_once(lambda: True):
            assert pruning.delete_in_batches(rows) == 2
        assert pruning.delete_in_batches(rows) == 3
        assert pruning.delete_in_batches(rows) == 0

    def test_a_look_that_comes_late_is_taken_and_of_several_one(self):
        """As after a pause of the machine: by default it would be left out a second later."""
        scheduler = Runner()._scheduler
        scheduler.start(paused=True)
        looks = scheduler.get_jobs()
        scheduler.shutdown()
        assert len(looks) == len(PLANS) + 1
        assert {(look.misfire_grace_time, look.coalesce, look.max_instances) for look in looks} == {
            (None, True, 1)
        }

    @pytest.mark.django_db(transaction=True)
    def test_a_database_that_is_away_is_said_once_until_it_is_back(self, caplog, monkeypatch):
        def away(*args):
            raise OperationalError(2002, "gone")

        runner = Runner([SETTLING])
        for _ in range(2):
            with monkeypatch.context() as patch:
                patch.setattr(jobs, "claim", away)
                runner._look(SETTLING)
                runner._look(SETTLING)
            monkeypatch.setattr(jobs, "claim", lambda *args: False)
            runner._look(SETTLING)
        assert caplog.text.count("nobody knows whose turn it is") == 2

    def test_what_fails_says_why(self, caplog):
        assert attempt(AUDIT) == ""
        student_with_credit("5.00")
        LedgerAccount.objects.filter(kind="wallet").update(balance=1)
        assert attempt(AUDIT) == "The books are wrong: I1, I11."
        assert "the balance is not" in caplog.text

    def test_so_does_what_breaks(self, caplog):
        assert attempt(Plan("nothing", OFTEN, MINUTES)) == "Unknown command: 'nothing'"

        class Defect(Plan):
            def run(self, **options):
                raise error

        for error in (ZeroDivisionError(1), SystemExit(1)):
            told = f"{type(error).__name__}: 1"
            assert attempt(Defect("defect", OFTEN, MINUTES)) == told
        assert "Traceback" in caplog.text


def test_sign_ins_that_are_over_are_forgotten():
    for expires in (-HOUR, HOUR):
        when = timezone.now() + expires
        Session.objects.create(session_key=str(expires), expire_date=when)
        SignInRecord.objects.create(key=str(expires), expires_at=when)
        user = UserFactory()
        TokenFamily.objects.create(user=user, jti=str(expires), expires_at=when)
        AddressChange.objects.create(user=user, email=f"new-{user.email}", expires_at=when)
    out = StringIO()
    call_command("prune_sign_ins", stdout=out)
    assert out.getvalue() == (
        "Deleted 1 sessions, 1 token families, 1 counted attempts, 1 changes of address, "
        "0 requests of staff.\n"
    )
    left = [Session.objects.get().expire_date]
    left += [kind.objects.get().expires_at for kind in (SignInRecord, TokenFamily, AddressChange)]
    assert min(left) > timezone.now()
