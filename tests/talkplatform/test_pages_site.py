"""Every page, read by everybody: its headers, its references, and nothing written into it."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import Resolver404, resolve

from accounts.models import User
from talkplatform.headers import guard
from tests.sharing import kept

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# One's own picture, on the page that checks camera and sound.
MEDIA = {"enrollments:room_check": "; media-src 'self' blob:"}
# As many pages of one kind are read: two courses may be in different states.
OF_A_KIND = 3
STARTS = [
    *("/", "/login/", "/register/", "/password/", "/password/sent/", "/password/x/y/"),
    *("/learning/", "/credit/", "/profile/", "/profile/password/", "/teaching/", "/admin/"),
    *("/api/docs", "/nowhere/", "/logout/", "/healthz"),
]


class Page(HTMLParser):
    """What a page loads, where it leads, and what is written into it that our policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.leads: set[str] = set()
        self.forbidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "style" or "style" in given or any(name.startswith("on") for name in given):
            self.forbidden.append(self.get_starttag_text() or tag)
        data = given.get("type", "").endswith("json")
        if tag == "script" and not given.get("src") and not data:
            self.forbidden.append("a script without a source")
        self._follow(tag, given)

    def _follow(self, tag: str, given: dict[str, str]) -> None:
        for name in ("src", "href", "action"):
            address = given.get(name, "")
            if address.startswith("javascript:"):
                self.forbidden.append(address)
            elif address and name == "href" and tag == "a":
                self.leads.add(address)
            elif address and name != "action" and given.get("rel") != "canonical":
                self.loads.add(address)


@pytest.fixture
def collected(tmp_path, settings) -> Path:
    """The static files as production has them, under names that are made from what they hold."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


@pytest.fixture(scope="module")
def shared_demo(django_db_setup, django_db_blocker) -> Iterator[None]:
    with kept(django_db_blocker):
        call_command("seed_demo", verbosity=0)
        yield


@pytest.fixture
def demo(shared_demo, db) -> None:
    """The demo world, which no test here changes for the others."""


def kind_of(path: str) -> str:
    try:
        match = resolve(urlsplit(path).path)
    except Resolver404:
        return path
    return match.view_name or path


def crawl(browser: Client) -> Iterator[tuple[str, HttpResponse]]:
    """Every page that links lead to, a few of each kind."""
    waiting, seen, kinds = list(STARTS), set(STARTS), Counter[str]()
    while waiting:
        path = waiting.pop(0)
        kinds[kind_of(path)] += 1
        if kinds[kind_of(path)] > OF_A_KIND:
            continue
        answer = browser.get(path)
        yield path, answer
        if not answer["Content-Type"].startswith("text/html"):
            continue
        here = {urljoin(path, where) for where in Page(answer.content.decode()).leads}
        fresh = {where.partition("#")[0] for where in here if where.startswith("/")} - seen
        seen |= fresh
        waiting += sorted(fresh)


@pytest.mark.parametrize(
    "email", [None, "aisha@example.com", "sofia@example.com", "staff@example.com"]
)
def test_every_page_keeps_to_the_policy(demo, collected, email):
    browser = Client()
    if email:
        browser.force_login(User.objects.get(email=email))
    kinds = set()
    for path, answer in crawl(browser):
        assert answer.status_code < 500, path
        check_headers(path, answer, signed_in=bool(email))
        if answer.status_code != 302 and answer["Content-Type"].startswith("text/html"):
            kinds.add(kind_of(path))
            check_page(path, Page(answer.content.decode()), collected)
    assert {"enrollments:catalogue", "enrollments:course"} <= kinds
    if email == "staff@example.com":
        assert {"admin:index", "admin:accounts_user_changelist"} <= kinds
        assert {"admin:courses_course_change", "admin:courses_course_add"} <= kinds
    if email:
        assert {"enrollments:learning", "payments:credit", "accounts:profile"} <= kinds


def check_headers(path: str, answer: HttpResponse, *, signed_in: bool) -> None:
    assert answer["Content-Security-Policy"] == POLICY + MEDIA.get(kind_of(path), ""), path
    assert answer["X-Content-Type-Options"] == "nosniff", path
    assert answer["Referrer-Policy"] == "same-origin", path
    assert answer["X-Frame-Options"] == "DENY", path
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin", path
    assert "camera=(self)" in answer["Permissions-Policy"], path
    if signed_in:
        assert "private" in answer["Cache-Control"], path
        assert "no-store" in answer["Cache-Control"], path


def check_page(path: str, page: Page, collected: Path) -> None:
    assert not page.forbidden, path
    for address in page.loads:
        parts = urlsplit(address)
        assert not parts.scheme, (path, address)
        assert not parts.netloc, (path, address)
        if parts.path.startswith("/static/"):
            assert (collected / parts.path.removeprefix("/static/")).is_file(), (path, address)


def test_the_debug_page_keeps_its_styles(settings):
    settings.DEBUG = True
    assert not guard(lambda request: HttpResponse(status=500))(
        Client().get("/healthz").wsgi_request
    ).has_header("Content-Security-Policy")


def test_what_a_guest_reads_may_be_kept(db):
    assert not Client().get("/").has_header("Cache-Control")


@pytest.mark.parametrize("path", ["/?ref=0123456789", "/login/", "/register/"])
def test_whoever_else_reads_it_does_not_get_the_cookie(db, path):
    User.objects.create_user("a@example.com", display_name="A", referral_code="0123456789")
    answer = Client().get(path)
    assert answer.cookies
    assert answer["Cache-Control"] == "private, no-store"


def test_an_answer_to_a_token_is_not_kept(db):
    answer = Client().get("/api/courses", headers={"Authorization": "Bearer x"})
    assert answer["Cache-Control"] == "private, no-store"


def test_cookies_are_nobody_elses_business(db, client):
    ada = User.objects.create_user("ada@example.com", "x", display_name="Ada")
    client.post("/login/", {"username": ada.email, "password": "x"})
    for name in ("session", "csrf"):
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert not cookie["domain"]
    assert client.cookies["session"]["max-age"] == 14 * 24 * 3600


def test_under_https_cookies_belong_to_this_host_alone():
    code = """
from talkplatform import settings as s
print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE)
"""
    environment = {"SECRET_KEY": "k" * 60, "ENV_FILE": "/dev/null", "HTTPS": "true"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "__Host-session True __Host-csrf True\n"


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d4944415478da63fcffff3f0300050001ff5b2b2e520000000049454e44ae426082"
)


@pytest.fixture
def uploads(tmp_path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = tmp_path / "media" / "courses"
    folder.mkdir(parents=True)
    (tmp_path / "media" / "secret.png").write_bytes(PNG)
    (tmp_path / "outside.png").write_bytes(PNG)
    return folder


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "image/png"), ("a.JPG", "image/jpeg"), ("a b.webp", "image/webp")],
)
def test_a_picture_is_served_as_nothing_else(client, uploads, name, kind):
    (uploads / name).write_bytes(PNG)
    answer = client.get(f"/media/courses/{name}")
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert answer.getvalue() == PNG
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "public, max-age=86400"
    again = client.get(
        f"/media/courses/{name}", headers={"If-Modified-Since": answer["Last-Modified"]}
    )
    assert again.status_code == 304
    assert client.post(f"/media/courses/{name}").status_code == 405


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.pdf", "a", "a.png.html"])
def test_what_is_no_picture_by_name_is_not_served(client, uploads, name):
    (uploads / name).write_bytes(b"<script>alert(1)</script>")
    assert client.get(f"/media/courses/{name}").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        *("nothing.png", "", "..", "../secret.png", "..%2fsecret.png", "%2e%2e/secret.png"),
        *("..\\secret.png", "../../outside.png", "..%2f..%2foutside.png", "a%00.png", "folder.png"),
        *("%2fetc%2fpasswd.png", "/etc/passwd.png"),
    ],
)
def test_nothing_outside_the_folder_is_served(client, uploads, name):
    (uploads / "folder.png").mkdir()
    for folder in ("courses", "teachers"):
        assert client.get(f"/media/{folder}/{name}").status_code == 404


@override_settings(MEDIA_ROOT="/nowhere/at/all")
def test_before_anything_was_uploaded_there_is_nothing(client):
    for folder in ("courses", "teachers"):
        assert client.get(f"/media/{folder}/a.png").status_code == 404
