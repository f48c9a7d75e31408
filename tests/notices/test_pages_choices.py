"""The page behind the link in a mail, and the page for who is logged in."""

import logging
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notices.choices import is_off, way_out
from notices.kinds import Group
from notices.models import TurnedOff
from notices.services.choosing import turn_off
from talkplatform.logs import Discreet
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def link(reader):
    return way_out(reader.pk, Group.REMINDERS)


@pytest.fixture
def program():
    """What reads mail: without cookies, and it sends no token with a form."""
    return Client(enforce_csrf_checks=True)


def words(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_link_changes_nothing(program, link, method):
    """Mail scanners open every link."""
    with CaptureQueriesContext(connection) as captured:
        response = getattr(program, method)(link)
    assert response.status_code == 200
    assert [q["sql"] for q in captured if not q["sql"].startswith("SELECT")] == []
    assert not TurnedOff.objects.exists()
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"data": "List-Unsubscribe=One-Click", "content_type": FORM},
        {"data": "", "content_type": FORM},
    ],
    ids=["multipart", "urlencoded", "empty"],
)
def test_one_click_turns_it_off(program, link, reader, body):
    for _ in range(2):
        response = program.post(link, **body)
        assert (response.status_code, response.cookies) == (200, {})
        assert "Reminders are turned off" in words(response)
    assert is_off(reader.pk, Group.REMINDERS)
    assert TurnedOff.objects.count() == 1


def test_the_form_on_the_page_does_the_same(program, link, reader):
    page = program.get(link).content.decode()
    main = re.search(r"<main.*</main>", page, re.DOTALL)[0]
    [form] = re.findall(r"<form.*?</form>", main, re.DOTALL)
    assert re.findall(r"<input[^>]*>", form) == [
        '<input type="hidden" name="List-Unsubscribe" value="One-Click">'
    ]
    assert 'action="' not in form
    assert program.post(link, ONE_CLICK).status_code == 200
    assert is_off(reader.pk, Group.REMINDERS)
    again = program.get(link)
    assert "Reminders are turned off" in words(again)
    assert "One-Click" not in again.content.decode()


def test_it_signs_nobody_in_and_names_nobody(program, link, reader):
    for response in (program.get(link), program.post(link, ONE_CLICK)):
        assert reader.email not in response.content.decode()
        assert reader.display_name not in response.content.decode()
    assert program.get("/notices/emails/").status_code == 302


def test_it_is_for_its_reader_whoever_is_logged_in(link, reader):
    other = UserFactory()
    browser = Client()
    browser.force_login(other)
    assert browser.post(link, ONE_CLICK).status_code == 200
    assert is_off(reader.pk, Group.REMINDERS)
    assert not is_off(other.pk, Group.REMINDERS)


def test_what_is_forged_is_not_there_and_logs_cut_it(program, link, caplog):
    token = link.split("/")[2]
    wrong = link.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))
    caplog.handler.addFilter(Discreet())
    with caplog.at_level(logging.WARNING):
        for response in (program.get(wrong), program.post(wrong, ONE_CLICK)):
            assert response.status_code == 404
    assert not TurnedOff.objects.exists()
    assert "Not Found: /unsubscribe/" in caplog.text
    assert token[10:-1] not in caplog.text


def test_digests_are_not_shown_anywhere_else(program):
    digests = way_out(StaffFactory().pk, Group.DIGESTS)
    assert "under Notices" not in words(program.post(digests, ONE_CLICK))
    reminders = way_out(UserFactory().pk, Group.REMINDERS)
    assert "under Notices" in words(program.post(reminders, ONE_CLICK))


# Logged in


def ticked(page):
    return re.findall(r'<input type="checkbox" id="(\w+)"[^>]* checked>', page)


def test_each_is_turned_off_and_on_by_its_own(reader):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(reader)
    page = browser.get("/notices/emails/").content.decode()
    assert ticked(page) == ["reminders", "announcements"]
    assert browser.post("/notices/emails/", {"on": "reminders"}).status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]

    def save(*on):
        form = {"on": on, "csrfmiddlewaretoken": token}
        response = browser.post("/notices/emails/", form, follow=True)
        assert response.redirect_chain == [("/notices/emails/", 302)]
        assert "Your choice has been saved." in words(response)
        return ticked(response.content.decode())

    assert save("announcements") == ["announcements"]
    assert is_off(reader.pk, Group.REMINDERS)
    assert save() == []
    assert save("reminders", "digests", "receipts") == ["reminders"]
    assert save("reminders", "announcements") == ["reminders", "announcements"]
    assert not TurnedOff.objects.exists()


def test_staff_choose_their_digests_and_others_keep_theirs_as_it_is(reader):
    clerk, browser = StaffFactory(), Client()
    browser.force_login(clerk)
    assert ticked(browser.get("/notices/emails/").content.decode()) == [*Group.values]
    browser.post("/notices/emails/", {"on": ["reminders", "announcements"]})
    assert is_off(clerk.pk, Group.DIGESTS)
    turn_off(reader_id=reader.pk, group=Group.DIGESTS)
    browser.force_login(reader)
    browser.post("/notices/emails/", {"on": ["reminders", "digests"]})
    assert is_off(reader.pk, Group.DIGESTS)


def test_the_profile_leads_there(reader):
    browser = Client()
    browser.force_login(reader)
    assert 'href="/notices/emails/"' in browser.get("/profile/").content.decode()
