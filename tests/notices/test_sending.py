"""What a mail says when it goes out, and what does not go out at all."""

import email
import time
from datetime import timedelta
from email.policy import default as policy

import pytest
from django.utils import timezone

from accounts.models import User
from notices.kinds import Button, Letter, NoLongerTrue
from notices.models import Mailbox, MailServer, Notice
from notices.sending import send_due
from tests.factories import UserFactory
from tests.notices.going_out import became, note, rested, send, tell

pytestmark = pytest.mark.django_db


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
