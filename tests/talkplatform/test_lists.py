"""Every list by each of its filters, orders and searches, on MariaDB: its faces are SQLite's alone.

What SQLite forgives ends here: SQL that only it takes, collations that do not mix, and what people
type that no column holds. Every page is opened there, too: by tests/browser/test_pages.py.
"""

from collections.abc import Iterator
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.admin import FEW, FewFilter
from accounts.models import User
from common.admin import SearchedAdmin
from courses.models import Announcement, Course, CourseSession
from payments.models import DebtWriteOff, Dispute, Grant, Withdrawal
from rooms.models import RoomDeed, RoomWatch
from tests.talkplatform.test_pages_site import Page

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db]

WORDS = (
    *("aisha@example.com", "0198c1de-9f3e-7d2a-8c1b-0123456789ab", "%_'\"\\", "é😀", "a\0b"),
    *("x" * 300, "99999999999999999999"),
)


def test_every_way_through_a_list_leads_somewhere():
    call_command("seed_demo", verbosity=0)
    for reader, lists in (("staff", staff_lists()), ("aisha", ["/", "/learning/"])):
        browser = Client()
        browser.force_login(User.objects.get(email=f"{reader}@example.com"))
        ways = [way for start in lists for way in ways_through(browser, start)]
        assert ways
        assert [way for way in ways if browser.get(way).status_code != 200] == []


def staff_lists() -> Iterator[str]:
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def ways_through(browser: Client, start: str) -> Iterator[str]:
    """The list by each filter and order that it offers, and by whatever may be searched in it."""
    text = browser.get(start).content.decode()
    for where in sorted({urljoin(start, where) for where in Page(text).leads}):
        parts = urlsplit(where)
        if parts.query and parts.path == start and not parts.netloc:
            yield where
    for field in ("q", "search"):
        if f'name="{field}"' in text:
            yield from (f"{start}?{urlencode({field: words})}" for words in WORDS)


# No more rows than there are sessions, or deeds of staff: they may be read one by one.
SMALL = {
    *(Announcement, Course, CourseSession, RoomDeed, RoomWatch),
    *(DebtWriteOff, Dispute, Grant, Withdrawal),
}


def by_what(screen: SearchedAdmin) -> Iterator[tuple[type[Model], str]]:
    """Each column by which this list is filtered or searched, with its table."""
    for one in screen.list_filter:
        name = one if isinstance(one, str) else one[0] if isinstance(one, tuple) else None
        if name:
            yield screen.model, FEW[name][1] if one == (name, FewFilter) else name
    yield from ((screen.model, name) for name in screen.id_fields)
    for words in screen.search_fields:
        model = screen.model
        *way, last = words.lstrip("^=").split("__")
        for step in way:
            yield model, step
            model = model._meta.get_field(step).related_model
        if words[0] in "^=":
            yield model, last


def begins_an_index(model: type[Model], name: str) -> bool:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    together = (*model._meta.indexes, *model._meta.constraints)
    first = {fields[0].lstrip("-") for one in together if (fields := getattr(one, "fields", ()))}
    return field.unique or field.db_index or field.name in first


SEARCHED = [one for one in admin.site._registry.values() if isinstance(one, SearchedAdmin)]


@pytest.mark.parametrize("screen", SEARCHED, ids=lambda screen: screen.opts.model_name)
def test_what_a_list_goes_by_begins_an_index(screen):
    columns = {one for one in by_what(screen) if one[0] not in SMALL}
    assert {name for model, name in columns if not begins_an_index(model, name)} == set()
