"""What a reader sees when a page cannot be had: a page in our dress, with the right status."""

import os
import subprocess
import sys
from decimal import Decimal
from html import unescape

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from django.urls import include, path

from accounts.errors import TooManyAttempts
from common.errors import NotFound, Unavailable
from enrollments.errors import SoldOut
from payments.errors import InsufficientCredit
from talkplatform import urls
from tests.factories import UserFactory

FAILURES = {
    "defect": ZeroDivisionError("the secret cause"),
    "database": OperationalError(2006, "the secret cause"),
    "connection": InterfaceError(0, "the secret cause"),
    "locked": OperationalError("database is locked: the secret cause"),
    "character": OperationalError(1366, "the secret cause"),
    "unavailable": Unavailable(),
    "throttled": TooManyAttempts(retry_after=7),
    "not_found": NotFound(),
    "sold_out": SoldOut(),
    "credit": InsufficientCredit(missing=Decimal("18.00")),
    "forbidden": PermissionDenied("the secret cause"),
    "gone": Http404("the secret cause"),
    "suspicious": SuspiciousOperation("the secret cause"),
}
ANSWERLESS = "We can't answer right now."
NOT_SURE = "We could not confirm this. Look at My learning before trying again."


def fail(request, kind):
    raise FAILURES[kind]


urlpatterns = [
    path("failing/<slug:kind>/", fail),
    path("courses/<slug:kind>/", fail),
    path("api/failing/<slug:kind>", fail),
    path("", include(urls.urlpatterns)),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("defect", 500, "Something went wrong on our side."),
        ("database", 503, ANSWERLESS),
        ("connection", 503, ANSWERLESS),
        ("locked", 503, ANSWERLESS),
        ("character", 500, "Something went wrong on our side."),
        ("unavailable", 503, ANSWERLESS),
        ("throttled", 429, "Too many attempts. Try again in 7 seconds."),
        ("not_found", 404, "This doesn't exist, or you don't have access to it."),
        ("sold_out", 409, "The last seat was just taken."),
        ("credit", 402, "You need $18.00 more credit."),
        ("forbidden", 403, "You don't have access to this."),
        ("gone", 404, "This doesn't exist, or you don't have access to it."),
        ("suspicious", 400, "This request isn't valid. Nothing was changed."),
    ],
)
def test_a_page_that_fails_is_a_page_of_ours(browser, kind, status, says):
    answer = browser.get(f"/failing/{kind}/")
    page = unescape(answer.content.decode())
    assert answer.status_code == status
    assert says.lower() in page.lower()
    assert f'<p class="code">{status}</p>' in page
    assert page.count("<h1") == 1
    assert "css/base.css" in page
    assert "the secret cause" not in page
    assert "idempotency" not in page
    assert answer["Content-Security-Policy"]


@pytest.mark.parametrize(("kind", "wait"), [("throttled", "7"), ("database", "2")])
def test_who_has_to_wait_is_told_how_long(browser, kind, wait):
    assert browser.get(f"/failing/{kind}/")["Retry-After"] == wait
    assert browser.get(f"/api/failing/{kind}").status_code >= 400


def test_a_refusal_shows_who_is_signed_in(browser):
    browser.force_login(UserFactory(display_name="Ada"))
    for kind, there in {"not_found": True, "gone": True, "defect": False}.items():
        page = browser.get(f"/failing/{kind}/").content.decode()
        assert (">Ada</span>" in page) == there
        assert "Log in" not in page


@pytest.mark.parametrize("kind", ["defect", "database", "unavailable"])
def test_in_doubt_about_money_one_looks_first(browser, kind):
    assert NOT_SURE in browser.post(f"/courses/{kind}/").content.decode()
    assert NOT_SURE not in browser.get(f"/courses/{kind}/").content.decode()
    assert "We could not confirm this. Look before trying again." in (
        browser.post(f"/failing/{kind}/").content.decode()
    )


def test_where_only_a_button_leads_there_are_words(browser):
    answer = browser.get("/logout/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Go back and use the button there." in answer.content.decode()


@pytest.mark.parametrize("kind", ["defect", "database", "gone", "forbidden", "suspicious"])
def test_the_api_stays_json(browser, kind):
    answer = browser.get(f"/api/failing/{kind}")
    assert set(answer.json()) == {"code", "message", "details"}
    assert "the secret cause" not in answer.content.decode()


def test_a_host_that_is_not_ours_gets_a_page(browser):
    answer = browser.get("/", headers={"Host": "evil.example.com"})
    assert answer.status_code == 400
    assert "This request isn't valid. Nothing was changed." in unescape(answer.content.decode())


def test_an_address_without_its_slash_finds_the_page(browser):
    assert browser.get("/login?next=/credit/")["Location"] == "/login/?next=/credit/"
    assert browser.get("/nowhere").status_code == 404


WITHOUT_DATABASE = """
import django, sys
django.setup()
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
settings.ROOT_URLCONF = "tests.talkplatform.test_pages_errors"
browser = Client(raise_request_exception=False)
browser.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
path, method = sys.argv[1:]
answer = getattr(browser, method)(path)
print(answer.status_code, answer.headers.get("Retry-After"), answer.content.decode())
"""


def ask_without_database(path: str, method: str = "get") -> str:
    """What a process answers whose database is gone, to a browser that has a session."""
    answered = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATABASE, path, method],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": "mysql://nobody@localhost/nothing?unix_socket=/nowhere/at/all",
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return answered.stdout


@pytest.mark.parametrize("path", ["/", "/learning/", "/profile/", "/nowhere/", "/admin/"])
def test_without_a_database_there_is_still_a_page(path):
    said = ask_without_database(path)
    assert said.startswith("503 2 ")
    assert ANSWERLESS in unescape(said)
    assert "css/base.css" in said


def test_a_purchase_without_a_database_is_in_doubt():
    assert NOT_SURE in ask_without_database("/courses/defect/", "post")
