"""What the mail server refuses, and who waits for it: the queue, a reader, or nobody."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from notices.models import Mailbox, MailServer
from notices.sending import send_due
from notices.services import claiming
from notices.services.outbox import send_again, try_address_again
from tests.notices.going_out import became, note, rested, send, tell

pytestmark = pytest.mark.django_db

AWAY = ["450 not now", "550 not ever", "stall", "drop"]
LATER = ["450 not now", "stall", "drop", "drip"]
SAID = {
    "450 not now": "450 not now",
    "550 not ever": "550 not ever",
    "stall": "no answer in time",
    "drop": "SMTPServerDisconnected",
}


def limit_for(fault):
    """How long a mail may take: not long where all of it is waited for."""
    return 0.5 if fault in {"stall", "drip"} else 5.0


@pytest.mark.once
@pytest.mark.parametrize("fault", AWAY)
@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL"])
def test_what_is_said_to_us_makes_the_queue_wait(
    mail_server, kind, ada, bob, settings, command, fault
):
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = "talk"
    settings.MAIL_SECONDS = limit_for(fault)
    tell(kind, ada, bob)
    mail_server.fails(**{command: fault})
    assert send() == send() == []
    server = MailServer.objects.get()
    assert server.failures == 1
    assert server.rests_until > timezone.now()
    assert server.failing_since <= timezone.now()
    assert server.problem.startswith(SAID[fault])
    assert (became(), set(Mailbox.objects.values_list("failures"))) == (["waiting"] * 2, {(0,)})
    rested()
    send()
    assert MailServer.objects.get().failures == 2
    mail_server.fails()
    settings.MAIL_SECONDS = 5.0
    rested()
    send()
    assert became() == ["sent"] * 2
    server.refresh_from_db()
    assert (server.failures, server.problem, server.failing_since) == (0, "", None)


def test_several_that_find_it_failing_at_once_count_once(settings):
    """Otherwise each failure would double the pause as often as there are connections."""
    settings.MAIL_PAUSE_SECONDS = 10
    for _ in range(4):
        claiming.server_failed("421 not now")
    server = MailServer.objects.get()
    assert server.failures == 1
    assert server.rests_until - server.failing_since <= timedelta(seconds=10)
    rested()
    claiming.server_failed("421 not now")
    assert MailServer.objects.get().failures == 2


def test_a_server_that_is_not_there_makes_the_queue_wait(mail_server, kind, ada, settings):
    settings.EMAIL_PORT = 1
    tell(kind, ada)
    send()
    assert became() == ["waiting"]
    assert MailServer.objects.get().problem.startswith("ConnectionRefusedError")
    settings.EMAIL_PORT = mail_server.port
    rested()
    send()
    assert became() == ["sent"]


@pytest.mark.once
@pytest.mark.parametrize("fault", LATER)
@pytest.mark.parametrize("command", ["RCPT", "DATA", "END"])
def test_what_is_said_of_one_reader_keeps_nobody_else_waiting(
    mail_server, kind, ada, bob, settings, command, fault
):
    settings.MAIL_SECONDS = limit_for(fault)
    tell(kind, ada, ada, bob)
    mail_server.fails(**{f"{command}_example.com": fault})
    began = time.monotonic()
    send()
    assert time.monotonic() - began < settings.MAIL_SECONDS + 3
    assert became() == ["waiting", "waiting", "sent"]
    box = Mailbox.objects.get(reader=ada)
    assert (box.failures, box.stopped_address, box.claimed_until) == (1, "", None)
    assert box.rests_until > timezone.now()
    assert not MailServer.objects.filter(failures__gt=0).exists()
    mail_server.fails()
    settings.MAIL_SECONDS = 5.0
    send()
    assert became() == ["waiting", "waiting", "sent"]
    rested()
    send()
    assert became() == ["sent"] * 3
    assert Mailbox.objects.get(reader=ada).failures == 0


def test_pauses_grow_and_have_an_end(mail_server, kind, ada, settings):
    settings.MAIL_PAUSE_SECONDS = 10
    tell(kind, ada)
    mail_server.fails(RCPT="450 not now")
    pauses = []
    for failures in (0, 1, 2, 20):
        Mailbox.objects.update(failures=failures)
        rested()
        send()
        pauses.append((Mailbox.objects.get().rests_until - timezone.now()).total_seconds())
    assert pauses == pytest.approx([10, 20, 40, 3600], abs=5)
    MailServer.objects.create(failures=20)
    mail_server.fails(MAIL="450 not now")
    rested()
    send()
    pause = MailServer.objects.get().rests_until - timezone.now()
    assert pause.total_seconds() == pytest.approx(300, abs=5)


def test_what_is_never_taken_holds_nobody_up_for_ever(mail_server, kind, ada):
    tell(kind, ada, ada)
    Mailbox.objects.create(reader=ada, failures=claiming.TRIES - 1)
    mail_server.fails(**{"END_example.com": "451 try again"})
    send()
    assert (became(), note()) == (["set_aside", "waiting"], "451 try again")
    mail_server.fails()
    rested()
    send()
    assert became() == ["set_aside", "sent"]


def test_an_answer_that_is_lost_sends_it_again_under_one_name(mail_server, kind, ada):
    tell(kind, ada)
    mail_server.fails(END="lose")
    send()
    assert became() == ["waiting"]
    mail_server.fails()
    rested()
    send()
    first, second = mail_server.taken()
    assert first["id"] == second["id"]
    assert became() == ["sent"]


def test_a_refused_address_gets_no_more(mail_server, kind, make_kind, ada, bob):
    tell(kind, ada, ada, bob)
    mail_server.fails(**{"RCPT_ada@example.com": "550 no such user"})
    send()
    assert (became(), note()) == (["dropped", "dropped", "sent"], "550 no such user")
    box = Mailbox.objects.get(reader=ada)
    assert box.is_stopped
    assert box.refusal == "550 no such user"
    assert set(User.objects.filter(email_refused=True)) == {ada}
    assert mail_server.addresses() == [bob.email]
    mail_server.fails()
    tell(kind, ada)
    tell(make_kind("proof", text=None, letter=kind.letter, proves=True), ada)
    send()
    assert became()[-2:] == ["dropped", "sent"]


def test_staff_have_a_refused_address_tried_again(mail_server, kind, ada):
    [notice] = tell(kind, ada)
    mail_server.fails(RCPT="550 no such user")
    send()
    mail_server.fails()
    try_address_again(reader_id=ada.pk)
    send_again(notice_id=notice.pk)
    send()
    assert became() == ["sent"]
    assert not Mailbox.objects.get().is_stopped
    assert not User.objects.get().email_refused


def test_another_address_is_not_stopped(mail_server, kind, make_kind, ada):
    tell(kind, ada)
    mail_server.fails(**{"RCPT_ada@example.com": "550 no such user"})
    send()
    ada.email = "ada@example.net"
    ada.save(update_fields=["email"])
    tell(kind, ada)
    tell(make_kind("farewell", letter=kind.letter, address=lambda _: "ada@example.com"), ada)
    send()
    assert became() == ["dropped", "sent", "dropped"]
    assert mail_server.addresses() == ["ada@example.net"]


@pytest.mark.parametrize("answer", ["552 too large", "554 spam: http://x.org/password/abc"])
@pytest.mark.parametrize("command", ["DATA", "END"])
def test_a_refused_mail_is_set_aside_and_the_next_one_sent(mail_server, kind, ada, command, answer):
    told = tell(kind, ada, ada)
    mail_server.fails(**{command: answer})
    next(send_due())
    mail_server.fails()
    send()
    assert became() == ["set_aside", "sent"]
    assert note() == answer.replace("http://x.org/password/abc", "…")
    send_again(notice_id=told[0].pk)
    send()
    assert became() == ["sent", "sent"]


def test_a_full_quota_is_about_us(mail_server, kind, ada, bob):
    """MAIL FROM says nothing of the mail, so 552 cannot mean that it is too large."""
    tell(kind, ada, bob)
    mail_server.fails(MAIL="552 storage exceeded")
    send()
    assert (became(), MailServer.objects.get().problem) == (["waiting"] * 2, "552 storage exceeded")


def test_a_login_that_is_asked_for_late_is_about_us(mail_server, kind, ada):
    tell(kind, ada)
    mail_server.fails(RCPT="530 authentication required")
    send()
    assert (became(), MailServer.objects.get().failures) == (["waiting"], 1)
