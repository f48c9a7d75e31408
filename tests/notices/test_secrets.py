"""What lets somebody in stands in the mail alone: in no row, and in no log, whatever goes wrong."""

import re
from collections.abc import Callable, Iterator
from email import message_from_string, policy
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from accounts.models import User
from calendars.feeds import feed_address, feed_of
from notices.kinds import Group, Letter
from notices.models import Mailbox, MailServer, Notice
from notices.sending import send_due
from notices.services.outbox import put
from talkplatform.logs import Discreet
from tests.factories import student_with_credit

pytestmark = pytest.mark.django_db


def secrets_in(text: str) -> list[str]:
    """The words that nobody could guess; a key of a row is none."""
    return [word for word in re.findall(r"[\w.-]+", text) if len(word) > 30 and not is_key(word)]


def is_key(part: str) -> bool:
    try:
        return bool(UUID(part))
    except ValueError:
        return False


def links_in(mail: str) -> Iterator[str]:
    """Those in its text, its page and its headers."""
    message = message_from_string(mail, policy=policy.default)
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    for text in [*map(str, message.values()), *(part.get_content() for part in parts)]:
        unfolded = re.sub(r"\r?\n ", "", text)  # as calendars write long lines
        yield from re.findall(r"https?://[^\s\"'<>]+", unfolded)


def every_row() -> Iterator[str]:
    for model in apps.get_models():
        if not model.__module__.startswith("django.contrib.sessions"):
            yield from map(str, model._default_manager.values())


@pytest.fixture
def reader() -> User:
    return student_with_credit(email="ada@example.com")


@pytest.fixture
def browser(reader: User) -> Client:
    browser = Client()
    browser.force_login(reader)
    return browser


def by_the_password(reader: User, browser: Client, make_kind: Any) -> str:
    Client().post("/password/", {"email": reader.email})
    return "/password/"


def by_the_address(reader: User, browser: Client, make_kind: Any) -> str:
    User.objects.update(proved_since=None)
    browser.post("/profile/email/link/")
    return "/email/"


def by_unsubscribing(reader: User, browser: Client, make_kind: Any) -> str:
    put([make_kind(letter=letter, group=Group.REMINDERS).tell(reader.pk, about=1)])
    return "/unsubscribe/"


def by_the_calendar(reader: User, browser: Client, make_kind: Any) -> str:
    """Its address stands on a page, and in no mail."""
    browser.post("/calendar/renew/")
    put([make_kind(letter=letter).tell(reader.pk, about=1)])
    return "/calendar/"


def letter(_: Notice) -> Letter:
    return Letter(subject="Soon", lead="It starts soon.")


WAYS = [by_the_password, by_the_address, by_unsubscribing, by_the_calendar]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_in_no_row_and_no_log(
    mail_server: Any,
    reader: User,
    browser: Client,
    make_kind: Any,
    way: Callable[[User, Client, Any], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    caplog.handler.addFilter(Discreet())
    path = way(reader, browser, make_kind)
    waiting = Notice.objects.filter(reader=reader, mail="waiting")
    assert waiting.exists()
    for fault in ("450 greylisted", "drop", "lose"):
        mail_server.fails(END=fault)
        list(send_due())
        past = timezone.now()
        Mailbox.objects.update(rests_until=past)
        MailServer.objects.update(rests_until=past)
    mail_server.fails()
    list(send_due())
    assert not waiting.exists()
    mails = [taken["mail"] for taken in mail_server.taken() if reader.email in taken["to"]]
    links = [
        feed_address(feed_of(User.objects.get(pk=reader.pk))),
        *(n for m in mails for n in links_in(m)),
    ]
    ours = [urlsplit(link).path for link in links]
    found = {one: secrets_in(one) for one in ours}
    assert any(found[one] for one in ours if one.startswith(path))
    for one in ours:
        Client().get(one)
        Client().post(f"{one}?no=way")
    hidden = {secret for secrets in found.values() for secret in secrets}
    rows, logged = "\n".join(every_row()), caplog.text
    assert [secret for secret in hidden if secret in rows or secret in logged] == []
    # Nor any that was made too early, and so is another.
    assert [secret for row in Notice.objects.values() for secret in secrets_in(str(row))] == []
