"""What becomes of a mail, whatever the mail server says, and at whatever command."""

import email
import time
from datetime import timedelta
from email.policy import default as policy
from threading import Thread
from typing import ClassVar

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.models import User
from common.transactions import operation
from notices import sending
from notices.kinds import Button, Letter, NoLongerTrue
from notices.models import Mailbox, MailServer, Notice
from notices.sending import send_due
from notices.services import claiming
from notices.services.outbox import put, send_again, try_address_again
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

AWAY = ["450 not now", "550 not ever", "stall", "drop"]
LATER = ["450 not now", "stall", "drop", "drip"]
SAID = {
    "450 not now": "450 not now",
    "550 not ever": "550 not ever",
    "stall": "no answer in time",
    "drop": "SMTPServerDisconnected",
}


@pytest.fixture
def ada():
    return UserFactory(email="ada@example.com", time_zone="Asia/Tokyo")


@pytest.fixture
def bob():
    return UserFactory(email="bob@example.org")


@pytest.fixture
def kind(make_kind):
    return make_kind(letter=lambda n: Letter(subject=n.text("title"), lead="It moved."))


def tell(kind, *readers, **options):
    """Something new to each of these readers."""
    before = Notice.objects.count()
    told = [
        kind.tell(reader.pk, about=before + n, facts={"title": f"{before + n}"}, **options)
        for n, reader in enumerate(readers)
    ]
    put(told)
    return told


def send():
    """A pass; what is the matter with whom is not waited for."""
    return [notice for notice in send_due() if notice]


def limit_for(fault):
    """How long a mail may take: not long where all of it is waited for."""
    return 0.5 if fault in {"stall", "drip"} else 5.0


def rested():
    """As if the pauses were over."""
    past = timezone.now() - timedelta(seconds=1)
    Mailbox.objects.exclude(rests_until=None).update(rests_until=past)
    MailServer.objects.exclude(rests_until=None).update(rests_until=past)


def became():
    return list(Notice.objects.order_by("pk").values_list("mail", flat=True))


def note():
    return Notice.objects.order_by("pk").first().mail_note


def test_a_mail_goes_out_once(mail_server, kind, ada, settings):
    settings.SITE_URL, settings.DEFAULT_FROM_EMAIL = "https://talk.example.org", "Us <us@talk.org>"
    [notice] = tell(kind, ada)
    send()
    send()
    [taken] = mail_server.taken()
    mail = email.message_from_string(taken["mail"], policy=policy)
    assert (taken["sender"], taken["to"], mail["To"]) == ("us@talk.org", [ada.email], ada.email)
    assert mail["From"] == "Us <us@talk.org>"
    assert mail["Message-ID"] == f"<{notice.pk}@talk.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == pytest.approx(time.time(), abs=10)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    row = Notice.objects.get()
    assert (row.mail, row.mail_note) == ("sent", "")
    assert row.mailed_at > row.created_at
    assert not Mailbox.objects.get().claimed_by


def test_one_readers_mails_go_out_in_order(mail_server, kind, ada, bob):
    told = tell(kind, *[ada, bob] * 5)
    send()
    ids = [mail["id"].strip("<>").split("@")[0] for mail in mail_server.taken()]
    mine = [str(notice.pk) for notice in told if notice.reader_id == ada.pk]
    assert [key for key in ids if key in mine] == mine
    assert len(ids) == 10


def test_who_waits_for_a_link_does_not_wait_for_announcements(mail_server, make_kind, ada, bob):
    letter = {"letter": lambda _: Letter(subject="A link", lead="Here.")}
    tell(make_kind("news", **letter), *[UserFactory() for _ in range(3)])
    tell(make_kind("link", text=None, **letter), bob)
    send()
    assert mail_server.addresses()[0] == bob.email


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


def broken(notice):
    raise KeyError(notice.text("title"))


@pytest.mark.parametrize(
    ("letter", "says"),
    [
        (broken, "KeyError"),
        (lambda _: Letter(subject="Spanish", lead="", rows=((1,),)), "ValueError"),
    ],
)
def test_what_cannot_be_said_is_set_aside_and_holds_nobody_up(
    mail_server, kind, make_kind, ada, bob, letter, says
):
    tell(make_kind("broken", letter=letter), ada)
    tell(kind, ada, bob)
    send()
    assert became() == ["set_aside", "sent", "sent"]
    assert says in note()


@pytest.mark.parametrize(
    "separator", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028"]
)
def test_a_title_writes_no_header_of_its_own(mail_server, make_kind, ada, separator):
    """Python splits header lines where `str.splitlines` does, and forms let such characters in."""
    subject = f"Moved: Lesson{separator}Reply-To : help@evil.example{separator}X-Evil : 1"
    tell(make_kind("moved", letter=lambda _: Letter(subject=subject, lead="It moved.")), ada)
    send()
    assert became() == ["sent"]
    mail = email.message_from_string(mail_server.taken()[0]["mail"], policy=policy)
    assert mail["Subject"] == "Moved: Lesson Reply-To : help@evil.example X-Evil : 1"
    assert (mail["Reply-To"], mail["X-Evil"]) == (None, None)
    assert mail["From"]
    assert mail["Message-ID"]


def test_what_no_code_knows_is_set_aside(mail_server, kind, ada):
    tell(kind, ada)
    Notice.objects.update(kind="forgotten")
    send()
    assert became() == ["set_aside"]


def gone(notice):
    raise NoLongerTrue("The session was called off.")


def test_what_is_no_longer_true_or_comes_too_late_is_dropped(mail_server, kind, make_kind, ada):
    tell(make_kind("reminder", letter=gone), ada)
    tell(kind, ada, until=timezone.now() - timedelta(seconds=1))
    tell(kind, ada, until=timezone.now() + timedelta(hours=1))
    send()
    assert became() == ["dropped", "dropped", "sent"]
    assert note() == "The session was called off."


def test_who_is_deactivated_gets_what_cannot_be_turned_off(mail_server, kind, make_kind, ada):
    tell(make_kind("reminder", letter=kind.letter, group="reminders"), ada)
    tell(kind, ada)
    ada.is_active = False
    ada.save()
    send()
    assert became() == ["dropped", "sent"]


def test_words_are_of_the_moment_at_which_it_is_sent(mail_server, make_kind, ada):
    letter = {"letter": lambda n: Letter(subject=n.reader.display_name, lead="Hello")}
    tell(make_kind(**letter), ada)
    ada.display_name, ada.email = "Ada King", "king@example.com"
    ada.save()
    send()
    [taken] = mail_server.taken()
    assert taken["to"] == ["king@example.com"]
    assert "Subject: Ada King" in taken["mail"]


def test_an_address_that_changes_while_mails_go_out_counts_from_the_next_one(
    mail_server, kind, ada
):
    tell(kind, ada, ada, ada)
    for _ in send_due():
        User.objects.filter(pk=ada.pk).update(email="king@example.com")
    assert mail_server.addresses() == ["ada@example.com", *["king@example.com"] * 2]


def test_what_is_stopped_or_no_longer_proved_meanwhile_counts_from_the_next_one(
    mail_server, kind, ada
):
    tell(kind, ada, ada, ada)
    passing = send_due()
    next(passing)
    Mailbox.objects.update(stopped_address=ada.email, refusal="550 gone")
    next(passing)
    Mailbox.objects.update(stopped_address="")
    User.objects.filter(pk=ada.pk).update(proved_since=None)
    next(passing)
    assert became() == ["sent", "dropped", "dropped"]


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
    settings.EMAIL_BACKEND = "tests.notices.test_sending.Watchful"
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


def test_no_link_stays_in_a_row_or_a_log(mail_server, make_kind, ada, caplog):
    caplog.set_level("DEBUG")
    secret = "c0ffee-0123456789abcdef"
    link = f"/password/NA/{secret}/"
    letter = {"letter": lambda _: Letter(subject="A", lead="B", button=Button("C", link))}
    tell(make_kind(**letter), *[ada] * 3)
    mail_server.fails(END=f"451 greylisted: {link}")
    send()
    mail_server.fails(END=f"554 refused: http://localhost{link} {link}")
    rested()
    next(send_due())
    mail_server.fails()
    rested()
    send()
    assert became() == ["set_aside", "sent", "sent"]
    assert secret in mail_server.taken()[-1]["mail"]
    rows = [*Notice.objects.values(), *Mailbox.objects.values(), *MailServer.objects.values()]
    assert secret not in f"{rows}{caplog.text}"
