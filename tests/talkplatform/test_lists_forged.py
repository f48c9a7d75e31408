"""Staff's lists and pages by addresses and ids that none of our links and forms has."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from tests.factories import StaffFactory

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db]

SCREENS = list(admin.site._registry.values())
FORGED = ("x", "-1", "9" * 40, "a\0b", "é😀")
PAGES = ("change", "delete", "history")
# At midnight in Tokyo, it is a day of the year before in UTC.
DAYS = ("9999-12-31", "0001-01-01")


@pytest.fixture
def browser() -> Client:
    """A superuser's, who comes behind every check of permissions."""
    browser = Client(raise_request_exception=False)
    browser.force_login(StaffFactory(time_zone="Asia/Tokyo"))
    return browser


def address_of(screen: admin.ModelAdmin) -> str:
    return reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_changelist")


def asked(screen: admin.ModelAdmin, browser: Client) -> Iterator[str]:
    """Each parameter of a list, its filters among them, with nonsense for a value."""
    filters = browser.get(address_of(screen)).context["cl"].filter_specs
    names = [name for one in filters for name in one.expected_parameters() if name]
    for value in (*FORGED, *DAYS):
        yield urlencode({"q": value, "o": value, "all": value})
        yield from (urlencode({name: value}) for name in ("p", "no_such_field", *names))


def named(screen: admin.ModelAdmin) -> str:
    return str(screen.opts.model_name)


@pytest.mark.parametrize("screen", SCREENS, ids=named)
def test_what_is_forged_finds_nothing(screen, browser):
    start = address_of(screen)
    paths = [f"{start}?{query}" for query in asked(screen, browser)]
    rows = [f"{start}{quote(value)}/{page}/" for value in FORGED for page in PAGES]
    assert [path for path in (*paths, *rows) if browser.get(path).status_code >= 500] == []
    assert [path for path in rows if browser.post(path).status_code >= 500] == []


@pytest.mark.parametrize("screen", SCREENS, ids=named)
def test_an_action_on_rows_that_are_forged_does_nothing(screen, browser, rf):
    request = rf.get("/")
    request.user = StaffFactory()
    sent = [
        {"action": action, "index": "0", ACTION_CHECKBOX_NAME: [value], "post": "yes"}
        for action in ("delete_selected", *screen.get_actions(request))
        for value in FORGED
    ]
    start = address_of(screen)
    assert [body for body in sent if browser.post(start, body).status_code >= 500] == []
