"""A mail in text and HTML: the same words, in the reader's zone, and nothing that is loaded."""

import re
import socket
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import User
from common.formats import moment, money
from notices import rendering
from notices.kinds import Button, Letter, Quote
from notices.models import Notice
from notices.rendering import mail_of
from notices.services.outbox import put
from tests.factories import UserFactory

pytestmark = [pytest.mark.once, pytest.mark.django_db]

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = (ROOT / "templates/notices/letter.html").read_text()
SUMMER, WINTER = datetime(2026, 10, 24, 16, tzinfo=UTC), datetime(2026, 10, 25, 17, tzinfo=UTC)
FACTS = {"old": SUMMER, "new": WINTER, "paid": Decimal("16.00")}


def everything(notice):
    return Letter(
        subject="Tom & Jerry's: moved",
        lead="It's <moved>.\n\nReturn it for a refund.",
        rows=(
            ("New time", moment(notice.time("new"))),
            ("Old time", moment(notice.time("old"))),
            ("You paid", money(notice.sum("paid"))),
        ),
        quote=Quote("I'm <b>ill</b>.\nSorry!", by="Sofía"),
        button=Button("Open it", "/courses/1/?a=b&c=d"),
    )


@pytest.fixture
def site(settings):
    settings.SITE_URL = "https://talk.example.org"


def mail(make_kind, zone="Europe/Berlin", **changes):
    kind = make_kind(**{"letter": everything, **changes})
    put([kind.tell(UserFactory().pk, about=1, facts=FACTS)])
    User.objects.update(time_zone=zone)
    message = mail_of(Notice.objects.get())
    return message.body, message.alternatives[0][0]


def test_the_text_says_it_all_as_it_was_written(make_kind, site):
    text, _ = mail(make_kind)
    assert text == (
        "It's <moved>.\n\nReturn it for a refund.\n\n"
        "New time: Sun 25 Oct 2026, 18:00 CET\n"
        "Old time: Sat 24 Oct 2026, 18:00 CEST\n"
        "You paid: $16.00\n\n"
        "Sofía:\n> I'm <b>ill</b>.\n> Sorry!\n\n"
        "Open it:\nhttps://talk.example.org/courses/1/?a=b&c=d\n\n"
        "-- \ntalkplatform, https://talk.example.org\nTimes are shown in Europe/Berlin.\n"
    )


def test_the_page_says_the_same_and_escapes_it(make_kind, site):
    _, page = mail(make_kind)
    for words in (
        "Tom &amp; Jerry",
        "&lt;moved&gt;",
        "&lt;b&gt;ill&lt;/b&gt;.<br>Sorry!",
        "Sun 25 Oct 2026, 18:00 CET",
        "Sat 24 Oct 2026, 18:00 CEST",
        "$16.00",
        'href="https://talk.example.org/courses/1/?a=b&amp;c=d"',
        "Times are shown in Europe/Berlin.",
    ):
        assert words in page
    assert "<b>" not in page


def test_nothing_is_loaded_and_every_link_is_ours(make_kind, site):
    _, page = mail(make_kind)
    assert not re.search(r"src=|url\(|@import|<link|<script|<img|@font-face", page)
    links = re.findall(r'(?:href|action)="([^"]*)"', page)
    assert links
    assert all(link.startswith("https://talk.example.org/") for link in links)


def test_nothing_is_fetched_to_make_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        sheet = f'<link rel="stylesheet" href="http://{host}:{port}/x.css">'
        rendering._inliner.inline(f"<html><head>{sheet}</head><body><p>Moved</p></body></html>")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_any_style_element_it_looks_the_same_by_day(make_kind, site):
    _, page = mail(make_kind)
    bare = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "background-color: #2745c7" in re.search(r'<td class="button"[^>]*>', bare)[0]
    assert not re.search(r"<(h1|p|td|th|table|body|div)(?![^>]*style=)[^>]*class=", bare)


def test_dark_colours_win_over_what_is_inlined(make_kind, site):
    _, page = mail(make_kind)
    [dark] = re.findall(
        r"<style>\s*@media \(prefers-color-scheme: dark\) {(.*)}\s*</style>", page, re.DOTALL
    )
    declarations = re.findall(r"[\w-]+:[^;]+;", dark)
    assert len(declarations) > 10
    assert all("!important" in declaration for declaration in declarations)


def test_colours_are_those_of_the_pages():
    """Written out, since mail programs know no variables: so they have to be kept the same."""
    tokens = (ROOT / "static/css/tokens.css").read_text()
    used = set(re.findall(r"#[0-9a-f]{6}\b", TEMPLATE))
    assert used <= set(re.findall(r"#[0-9a-f]{6}\b", tokens))
    assert not re.search(r"var\(|light-dark\(|@layer", TEMPLATE)


@pytest.mark.parametrize(
    ("zone", "time", "named"),
    [("Asia/Tokyo", "Mon 26 Oct 2026, 02:00 JST", "Asia/Tokyo"), ("Mars/Base", "17:00 UTC", "UTC")],
)
def test_times_are_in_the_zone_of_the_reader_which_is_named(make_kind, zone, time, named):
    for part in mail(make_kind, zone):
        assert time in part
        assert f"Times are shown in {named}." in part


def test_a_mail_without_a_notice_names_no_zone(make_kind):
    text, page = mail(make_kind, text=None, letter=lambda _: Letter(subject="A", lead="B"))
    assert "Times are shown" not in text + page
    assert '<table class="rows"' not in page
