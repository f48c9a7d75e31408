"""Links in emails, read and pressed."""

import re
from html import unescape

from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.proving import ask_to_change_address
from accounts.tokens import open_family
from notices.models import Mailbox
from notices.sending import send_due
from tests.accounts.conftest import PASSWORD
from tests.accounts.conftest import Client as ApiClient

NEW = "ada@example.org"
CHANGE = {"email": NEW, "password": PASSWORD}
NEW_PASSWORD = {"new_password": "battery staple 9", "visitor": None}
CHANGED = {
    "current_password": PASSWORD,
    "new_password": "battery horse 77",
    "address": "198.51.100.1",
}
GONE = "This link no longer works"


def browser_of(user: User, address: str = "192.0.2.1") -> Client:
    browser = Client(REMOTE_ADDR=address)
    browser.force_login(user)
    return browser


def api_of(user: User) -> ApiClient:
    client = ApiClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_family(user)['access']}")
    return client


def ask(user: User, email: str = NEW) -> None:
    asked = {"password": PASSWORD, "address": "192.0.2.1"}
    ask_to_change_address(user=User.objects.get(pk=user.pk), email=email, **asked)


def send() -> list[tuple[str, str]]:
    """The mails that go out now: to whom, and what."""
    before = len(mail.outbox)
    list(send_due())
    return [(sent.to[0], sent.subject) for sent in mail.outbox[before:]]


def link(to: str) -> str:
    """The path of the last link that an address was sent."""
    send()
    bodies = [sent.body for sent in mail.outbox if sent.to == [to]]
    return re.findall(r"https?://[^/]+(/email/\S+)", "".join(bodies))[-1]


def press(path: str, browser: Client | None = None, password: str = PASSWORD):
    """The button of a link's page, where somebody who isn't logged in gives the password too."""
    return (browser or Client()).post(path, {"password": password}, follow=True)


def reset(email: str) -> str:
    """The path of a link for a new password that is mailed to this address."""
    Client(REMOTE_ADDR="203.0.113.9").post("/password/", {"email": email})
    send()
    return re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]


def choose_a_password(path: str, browser: Client | None = None):
    browser = browser or Client()
    form = browser.get(path)["Location"]
    return browser.post(form, {"new_password": "battery staple 9"}, follow=True)


def page(answer) -> str:
    return unescape(answer.content.decode())


def refuse(user: User) -> None:
    """As if the mail server had refused the user's address for good."""
    stopped = {"stopped_address": user.email, "stopped_at": timezone.now()}
    Mailbox.objects.filter(reader=user).delete()
    Mailbox.objects.create(reader=user, refusal="550 no such user", **stopped)
    User.objects.filter(pk=user.pk).update(email_refused=True)
