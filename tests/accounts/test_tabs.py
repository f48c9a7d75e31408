"""Logging in gives the browser a new token: what another tab shows still holds the old one."""

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import PASSWORD
from tests.factories import StaffFactory
from tests.forms import shown

pytestmark = pytest.mark.django_db

ADA = {"username": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def opened(browser, path):
    """What a tab would send."""
    return shown(browser.get(path))


@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_the_second_one_goes_on_where_it_wanted(ada, browser, path):
    one, two = opened(browser, "/login/"), opened(browser, f"{path}?next=/credit/")
    assert browser.post("/login/", one | ADA)["Location"] == "/learning/"
    answer = browser.post(path, two | ADA | {"password": "whatever it is"})
    assert (answer.status_code, answer["Location"]) == (302, "/credit/")
    assert browser.get("/profile/").context["user"] == ada


def test_staff_as_well(browser):
    staff = StaffFactory()
    body = {"username": staff.email, "password": PASSWORD}
    wanted = "/admin/accounts/user/"
    one, two = (opened(browser, f"/admin/login/?next={wanted}") for _ in range(2))
    for tab in (one, two):
        assert browser.post("/admin/login/", tab | body)["Location"] == wanted


@pytest.mark.parametrize("path", ["/login/", "/register/", "/password/"])
def test_a_guest_gets_the_form_again_and_it_works(ada, browser, path):
    old = opened(browser, f"{path}?next=/credit/")
    browser.post("/login/", opened(browser, "/login/") | ADA)
    browser.post("/logout/", opened(browser, "/profile/"))
    page = browser.post(path, old | ADA | {"email": ada.email}, follow=True)
    assert page.redirect_chain[0][0].startswith(path)
    assert "This page had expired, so nothing was sent." in page.text
    assert not page.context["user"].is_authenticated
    assert User.objects.count() == 1
    if path == "/login/":
        assert browser.post(path, shown(page) | ADA)["Location"] == "/credit/"


def test_the_old_form_leads_nowhere_else(ada, browser):
    old = opened(browser, "/login/")
    browser.post("/login/", old | ADA)
    answer = browser.post("/login/", old | {"next": "https://evil.example/"})
    assert answer["Location"] == "/learning/"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Cookie": ""}])
def test_a_form_of_elsewhere_is_refused(ada, browser, headers):
    old = opened(browser, "/login/")
    browser.post("/login/", opened(browser, "/login/") | ADA)
    if "Cookie" in headers:
        browser.cookies.clear()
    assert browser.post("/login/", old | ADA, headers=headers).status_code == 403


def test_every_other_form_asks_to_be_loaded_again(ada, browser):
    browser.post("/login/", opened(browser, "/login/") | ADA)
    old = opened(browser, "/profile/")
    browser.post("/logout/", old)
    browser.post("/login/", opened(browser, "/login/") | ADA)
    answer = browser.post("/profile/", old | {"display_name": "Eve"})
    assert answer.status_code == 403
    assert "This page has expired" in answer.text
