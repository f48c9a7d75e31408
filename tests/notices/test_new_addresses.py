"""A new address that the mail server refuses, as its user sees it."""

from typing import Any

import pytest
from django.test import Client

from accounts.proving import ask_to_change_address
from notices.models import Mailbox
from notices.sending import send_due
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "ada@nowhere.example"


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_refused_new_address_is_said_to_its_user(mail_server: Any, is_taken: bool) -> None:
    """Whether or not it belongs to somebody: nobody can learn that from what is said."""
    ada = UserFactory(email="ada@example.com")
    if is_taken:
        UserFactory(email=NEW)
    mail_server.fails(**{f"RCPT_{NEW}": "550 no such user"})
    asked = {"password": PASSWORD, "address": "192.0.2.1"}
    ask_to_change_address(user=ada, email=NEW, **asked)
    list(send_due())
    assert mail_server.addresses() == [ada.email]
    assert not Mailbox.objects.get(pk=ada.pk).is_stopped
    browser = Client()
    browser.force_login(ada)
    said = browser.get("/profile/").content.decode()
    assert NEW in said
    assert "couldn't be delivered" in said
