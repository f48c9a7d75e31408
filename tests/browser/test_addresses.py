"""An address is proved, and changed: in a real browser, whose form says where it comes from."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from accounts.models import User
from accounts.proving import ask_to_change_address
from notices.sending import send_due
from tests.browser.doing import click, fill, press, says
from tests.browser.watch import inaccessible, overflowing
from tests.factories import PASSWORD, student_with_credit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OLD, NEW = "ada.lovelace@example.com", "ada@analytical-engines.example.org"
SCREENS = [({"width": 360, "height": 740}, "light"), ({"width": 1280, "height": 800}, "dark")]


def link_to(address: str) -> str:
    """The path of the link that was mailed there last."""
    list(send_due())
    [*_, body] = [sent.body for sent in mail.outbox if sent.to == [address]]
    return re.search(r"https?://[^/]+(/email/\S+)", body)[1]


def test_an_address_is_proved_and_changed(open_window):
    page = open_window(student_with_credit("0", email=OLD, proved_since=None))
    page.goto("/learning/")
    banner = page.get_by_role("region", name="Your email address")
    expect(banner).to_contain_text(OLD)
    page.goto(link_to(OLD))
    press(page, "Yes, confirm this address")
    says(page, "Your email address is confirmed.")
    expect(banner).to_have_count(0)
    click(page, "Change email address")
    fill(page, email=NEW, password="wrong guess")
    press(page, "Send the link")
    says(page, "That password isn't right.")
    fill(page, email=NEW, password=PASSWORD)
    press(page, "Send the link")
    expect(page.get_by_text("Changes to")).to_contain_text(NEW)
    page.goto(link_to(NEW))
    press(page, "Yes, confirm this address")
    says(page, "Your email address is confirmed.")
    assert User.objects.get().email == NEW


@pytest.mark.parametrize("path", ["/learning/", "/profile/", "/profile/email/"])
@pytest.mark.parametrize("state", [{"proved_since": None}, {"email_refused": True}], ids=str)
def test_what_is_said_of_an_address_is_good_on_every_screen(open_page, path, state):
    user = student_with_credit("0", email=OLD, **state)
    asked = {"email": NEW, "password": PASSWORD, "address": "192.0.2.1"}
    ask_to_change_address(user=user, **asked)
    page = open_page(user, reduced_motion="reduce")
    page.goto(path)
    expect(page.get_by_role("region", name="Your email address")).to_be_visible()
    for size, scheme in SCREENS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert overflowing(page) + inaccessible(page) == []
