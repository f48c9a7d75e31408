"""What staff ask for is carried out once, by however many processes, of which some die."""

import csv
from functools import partial
from subprocess import PIPE
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts import exporting
from accounts.models import FilePiece, StaffRequest, StaffRequestQuerySet
from accounts.staff_requests import ask, keep_result, text_of
from common import exports
from enrollments.services.enrolling import enroll_full_course
from payments import audit
from payments.admin.books import AUDITORS
from payments.models import PaymentHold
from tests.concurrency.racing import kinds, race
from tests.factories import StaffFactory, make_course, student_with_credit
from tests.serving import kill, running

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

HOLDS, RIGHT = 5, "payments.export_paymenthold"
# It stops in the middle of the second piece, of which the row is changed and nothing committed.
DIES = """
import time, django
django.setup()
from django.core.management import call_command
from accounts import staff_requests
from common import exports

class Compressing:
    pieces = 0
    def compress(self, *args, **options):
        self.pieces += 1
        if self.pieces == 2:
            print("in the middle", flush=True)
            time.sleep(3600)
        return zlib.compress(*args, **options)

zlib, staff_requests.zlib = staff_requests.zlib, Compressing()
exports.CHUNK = 2
call_command("carry_out_requests")
"""


@pytest.fixture
def boss() -> Any:
    return StaffFactory()


@pytest.fixture
def asked(boss, monkeypatch) -> StaffRequest:
    """A file of three pieces."""
    monkeypatch.setattr(exports, "CHUNK", 2)
    course = make_course(sessions=1)
    for _ in range(HOLDS):
        enroll_full_course(student=student_with_credit(), course_id=course.pk)
    ask(user=boss, what="holds", permission=RIGHT)
    return StaffRequest.objects.get()


def carry_out() -> None:
    call_command("carry_out_requests")


def is_whole(asked: StaffRequest) -> bool:
    """Whether the file has every hold once, the newest first."""
    lines = b"".join(text_of(asked)).decode("utf-8-sig").splitlines()
    holds = PaymentHold.objects.order_by("-pk")
    return [row["reference"] for row in csv.DictReader(lines)] == [str(hold.pk) for hold in holds]


def test_two_at_once_make_one_file(asked, meeting, retried):
    """Both have the first piece, and one of them goes on."""
    meeting().before(exporting, "add_piece")
    assert race(carry_out, carry_out) == [None, None]
    asked.refresh_from_db()
    assert (asked.state, asked.rows, asked.pieces.count()) == ("done", HOLDS, 3)
    assert is_whole(asked)
    assert retried == []


def test_without_the_comparison_only_the_key_of_a_piece_is_refused(asked, meeting, monkeypatch):
    """The race is real: one says that it failed to make what the other makes."""
    monkeypatch.setattr(
        StaffRequestQuerySet, "as_left_by", lambda rows, asked: rows.filter(pk=asked.pk)
    )
    meeting().before(exporting, "add_piece")
    assert kinds(race(carry_out, carry_out)) == {"CommandError": 1, "NoneType": 1}


def test_of_two_audits_at_once_the_first_result_stays(boss, interruption):
    ask(user=boss, what=audit.NAME, permission=AUDITORS, for_everybody=True)
    other = partial(keep_result, audit.NAME, "the other's", asked=StaffRequest.objects.get())
    interruption.after(audit, "run")
    assert race(interruption.by(other), carry_out) == [None, None]
    [found] = StaffRequest.objects.all()
    assert (found.state, found.result) == ("done", "the other's")


def test_what_a_killed_process_was_at_another_finishes(asked, boss):
    with running("-c", DIES, output=PIPE, DJANGO_SETTINGS_MODULE="talkplatform.settings") as lost:
        assert lost.stdout.readline() == "in the middle\n"
        kill(lost)
    asked.refresh_from_db()
    assert (asked.state, asked.rows, asked.pieces.count()) == ("waiting", 2, 1)
    carry_out()
    asked.refresh_from_db()
    assert (asked.state, asked.rows) == ("done", HOLDS)
    assert is_whole(asked)
    assert FilePiece.objects.count() == 3
    url = f"/admin/accounts/staffrequest/{asked.pk}/file/"
    for reader, status in ((boss, 200), (StaffFactory(), 404)):
        browser = Client()
        browser.force_login(reader)
        assert browser.get(url).status_code == status
