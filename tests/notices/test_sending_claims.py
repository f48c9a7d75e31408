"""Each mail is sent by one sender, and neither a transaction nor another reader waits for it."""

import time
from datetime import timedelta
from threading import Thread
from typing import ClassVar

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, connection
from django.utils import timezone

from common.transactions import operation
from notices import sending
from notices.models import Mailbox, Notice
from notices.services import claiming
from tests.factories import UserFactory
from tests.notices.going_out import became, note, send, tell

pytestmark = pytest.mark.django_db


def test_a_claim_keeps_others_off_until_it_runs_out(mail_server, kind, ada):
    tell(kind, ada)
    held = claiming.claim(ada.pk)
    assert claiming.claim(ada.pk) is None
    assert send() == []
    Mailbox.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert claiming.keep(held) is None
    assert len(send()) == 1
    claiming.release(held)
    assert Mailbox.objects.get().claimed_by == ""


def test_a_claim_is_kept_for_the_next_mail_and_let_go_by_its_holder_alone(mail_server, kind, ada):
    tell(kind, ada)
    first = claiming.claim(ada.pk)
    again = claiming.keep(first)
    assert again.deadline >= first.deadline
    Mailbox.objects.update(claimed_by="somebody else")
    assert claiming.keep(again) is None
    claiming.release(again)
    assert Mailbox.objects.get().claimed_by == "somebody else"


def test_a_claim_outlasts_what_is_sent_under_it(mail_server, kind, ada, settings):
    """By the clock of the database: those of senders may differ by minutes."""
    settings.MAIL_SECONDS = 100
    tell(kind, ada)
    before = time.monotonic()
    held = claiming.claim(ada.pk)
    assert before < held.deadline - 100 <= time.monotonic()
    left = Mailbox.objects.annotate(left=claiming.DatabaseNow()).get()
    assert (left.claimed_until - left.left).total_seconds() == pytest.approx(200, abs=2)


def test_a_note_that_comes_too_late_changes_nothing(kind, ada):
    [notice] = tell(kind, ada)
    claiming.note(notice, Notice.Mail.SENT)
    claiming.note(notice, Notice.Mail.SET_ASIDE, "554 spam")
    assert (became(), note()) == (["sent"], "")


def test_nobody_sends_while_rows_are_locked(mail_server, kind, ada):
    tell(kind, ada)
    with pytest.raises(RuntimeError, match="cannot be part of an operation"):
        operation(send)()
    assert became() == ["waiting"]


class Watchful(BaseEmailBackend):
    """Sends nothing, and notes whether a transaction waits for what it does."""

    within: ClassVar[list[bool]] = []

    def send_messages(self, messages):
        self.within.append(connection.in_atomic_block)
        return len(messages)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_the_mail_server(kind, ada, bob, settings):
    settings.EMAIL_BACKEND = "tests.notices.test_sending_claims.Watchful"
    tell(kind, ada, ada, bob)
    send()
    assert (became(), Watchful.within) == (["sent"] * 3, [False] * 3)


def test_what_was_taken_is_noted_once_the_database_is_back(mail_server, kind, ada, monkeypatch):
    away = [OperationalError(2006, "gone away"), OperationalError(2003, "no connection")]
    write = claiming.note

    def note_at_last(*args):
        if away:
            raise away.pop()
        write(*args)

    monkeypatch.setattr(claiming, "note", note_at_last)
    monkeypatch.setattr(sending, "close_old_connections", lambda: None)
    tell(kind, ada)
    send()
    assert (became(), away, len(mail_server.taken())) == (["sent"], [], 1)


def test_a_database_that_is_away_sets_nothing_aside(mail_server, make_kind, ada):
    def unreadable(_):
        raise OperationalError(2006, "gone away")

    tell(make_kind(letter=unreadable), ada)
    with pytest.raises(OperationalError):
        send()
    assert became() == ["waiting"]


@pytest.mark.django_db(transaction=True)
def test_many_are_sent_at_once_and_what_goes_wrong_is_raised(
    mail_server, kind, settings, make_kind
):
    settings.MAIL_CONNECTIONS = 3
    tell(kind, *[UserFactory() for _ in range(9)])
    assert len(send()) == 9
    assert became() == ["sent"] * 9

    def unreadable(_):
        raise OperationalError(2006, "gone away")

    tell(make_kind("unreadable", letter=unreadable), UserFactory())
    with pytest.raises(OperationalError):
        send()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_the_dead_server_of_somebody_else(mail_server, kind, settings):
    """Three times as many whose server hangs as there are workers, and all of them come first."""
    settings.MAIL_CONNECTIONS, settings.MAIL_SECONDS = 3, 2.0
    mail_server.fails(**{"RCPT_dead.example": "stall"})
    tell(kind, *[UserFactory(email=f"u{n}@dead.example") for n in range(9)])
    passing = Thread(target=closing(send))
    passing.start()
    began = time.monotonic()
    wait_for(lambda: Mailbox.objects.filter(failures=1).count() >= 3)
    others = tell(kind, *[UserFactory(email=f"u{n}@alive.example") for n in range(6)])
    told_at = time.monotonic()
    wait_for(lambda: len(mail_server.taken()) == len(others))
    assert time.monotonic() - told_at < 1.5
    assert time.monotonic() - began < 5
    settings.MAIL_SECONDS = 0.1
    passing.join(30)
    assert not passing.is_alive()


def closing(call):
    def run():
        try:
            call()
        finally:
            connection.close()

    return run


def wait_for(true):
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
