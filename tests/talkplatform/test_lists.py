"""Every list by each of its filters, orders and searches, on MariaDB: its faces are SQLite's alone.

What SQLite forgives ends here: SQL that only it takes, collations that do not mix, and what people
type that no column holds. Every page is opened there, too: by tests/browser/test_pages.py.
"""

from collections.abc import Iterator
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
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
