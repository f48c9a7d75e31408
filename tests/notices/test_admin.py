"""Staff see what went to whom, when, and why not; they have it sent again."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from notices.models import Mailbox, MailServer, Notice
from notices.services.outbox import put
from talkplatform.management.commands.make_staff_groups import make_groups
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST, BOXES = "/admin/notices/notice/", "/admin/notices/mailbox/"
SEND, TRY = f"{LIST}decide/send/", f"{BOXES}decide/try/"


@pytest.fixture
def clerk(client) -> User:
    make_groups()
    clerk = StaffFactory(is_superuser=False)
    clerk.groups.add(Group.objects.get(name="support"))
    client.force_login(clerk)
    return clerk


@pytest.fixture
def notice(make_kind) -> Notice:
    put([make_kind().tell(UserFactory(email="ada@example.com").pk, about=1)])
    return Notice.objects.get()


def set_aside(notice: Notice) -> None:
    note = "554 this is spam"
    Notice.objects.update(mail="set_aside", mailed_at=timezone.now(), mail_note=note)


def page(client, path, **query):
    return client.get(path, query).content.decode()


@pytest.mark.both
def test_what_went_to_whom_and_why_not(client, clerk, notice):
    set_aside(notice)
    for shown in (page(client, LIST), page(client, f"{LIST}{notice.pk}/change/")):
        assert "ada@example.com" in shown
        assert "554 this is spam" in shown
        assert "set aside" in shown.lower()
    assert "ada@example.com" in page(client, LIST, q="ada@example.com", kind="moved")
    assert "ada@example.com" not in page(client, LIST, q="bob@example.com")


def test_a_mail_is_sent_again_once(client, clerk, notice):
    set_aside(notice)
    assert "554 this is spam" in page(client, SEND, notice=notice.pk)
    client.post(SEND, {"notice": notice.pk})
    notice.refresh_from_db()
    assert (notice.mail, notice.mailed_at) == ("waiting", None)
    assert LogEntry.objects.get().user == clerk
    again = client.post(SEND, {"notice": notice.pk}, follow=True)
    assert "This notice has no mail" in again.content.decode()
    assert LogEntry.objects.count() == 1


def test_what_is_no_mail_cannot_be_sent(client, clerk, notice):
    Notice.objects.update(mail="none")
    client.post(SEND, {"notice": notice.pk})
    assert Notice.objects.get().mail == "none"


def test_an_address_that_was_refused_is_tried_again(client, clerk, notice):
    refusal = {"stopped_at": timezone.now(), "refusal": "550 no such user"}
    Mailbox.objects.create(reader=notice.reader, stopped_address="ada@example.com", **refusal)
    assert "550 no such user" in page(client, BOXES, stopped_at__isempty=0)
    assert "550 no such user" in page(client, TRY, mailbox=notice.reader_id)
    client.post(TRY, {"mailbox": notice.reader_id})
    assert not Mailbox.objects.get().is_stopped
    assert "550 no such user" not in page(client, BOXES)
    # A bookmark of "not stopped", which was offered once.
    assert notice.reader.email in page(client, BOXES, stopped_at__isempty=1)


def test_how_the_mail_server_fares(client, clerk):
    MailServer.objects.create(failures=3, problem="535 authentication failed")
    assert "535 authentication failed" in page(client, "/admin/notices/mailserver/")


def test_the_first_page_says_what_keeps_mails_back(client, clerk, notice):
    assert "No mail goes out" not in page(client, "/admin/")
    problem = {"failing_since": timezone.now(), "problem": "535 authentication failed"}
    MailServer.objects.create(failures=3, **problem)
    Mailbox.objects.create(reader=notice.reader, stopped_at=timezone.now())
    set_aside(notice)
    shown = page(client, "/admin/")
    for words in ("535 authentication failed", "1 mail set aside", "1 address refused"):
        assert words in shown
    client.force_login(StaffFactory(is_superuser=False))
    assert "1 mail set aside" not in page(client, "/admin/")


@pytest.mark.parametrize("path", [LIST, BOXES, SEND, TRY])
def test_staff_of_no_group_see_nothing(client, notice, path):
    client.force_login(StaffFactory(is_superuser=False))
    assert client.get(path).status_code == 403
    assert client.post(path).status_code == 403
