"""Mails sent, and old notices forgotten, by commands."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notices.models import Mailbox, MailServer, Notice
from notices.services.outbox import put
from notices.services.reading import acknowledge_notice, read_all_notices
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def reader():
    return UserFactory()


def tell(kind, reader, *, days_ago=0):
    put([notice := kind.tell(reader.pk, about=days_ago)])
    Notice.objects.filter(pk=notice.pk).update(created_at=NOW - timedelta(days=days_ago))


def test_a_pass_says_what_it_did(make_kind, reader, mailoutbox, capsys):
    tell(make_kind("broken"), reader)
    Mailbox.objects.create(reader=UserFactory(), rests_until=NOW + timedelta(hours=1))
    tell(make_kind(), Mailbox.objects.get().reader)
    call_command("send_mail")
    assert capsys.readouterr().out == "Mails: 1 done with, 1 waiting.\n"


def test_a_pass_fails_while_the_mail_server_does(make_kind, reader):
    MailServer.objects.create(failures=1, problem="535 who are you", rests_until=NOW + timedelta(1))
    tell(make_kind(), reader)
    with pytest.raises(CommandError, match="535 who are you"):
        call_command("send_mail")
    assert Notice.objects.get().mail == "waiting"


@pytest.mark.parametrize(("mail", "left"), [("sent", 1), ("none", 1), ("waiting", 2)])
def test_what_is_old_is_forgotten_unless_it_waits(make_kind, reader, settings, mail, left, capsys):
    settings.NOTICE_DAYS = 30
    for days in (29, 30):
        tell(make_kind(), reader, days_ago=days)
    Notice.objects.update(mail=mail)
    call_command("prune_notices")
    call_command("prune_notices")
    assert Notice.objects.count() == left
    assert f"Deleted {2 - left} notices." in capsys.readouterr().out


def test_what_is_to_be_acknowledged_stays_until_it_is(make_kind, reader, settings):
    settings.NOTICE_DAYS = 30
    kind = make_kind(must_acknowledge=True)
    for days in (31, 32):
        tell(kind, reader, days_ago=days)
    Notice.objects.update(mail="sent")
    known = Notice.objects.earliest("created_at")
    acknowledge_notice(reader_id=reader.pk, notice_id=known.pk)
    read_all_notices(reader_id=reader.pk)
    call_command("prune_notices")
    assert list(Notice.objects.exclude(pk=known.pk)) == list(Notice.objects.all())
    assert Notice.objects.count() == 1
