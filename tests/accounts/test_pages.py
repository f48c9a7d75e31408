"""Signing up, in and out in the browser, and who brought whom."""

from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common.zones import ZONE_COOKIE_NAME
from tests.accounts.conftest import PASSWORD
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ADA = {"username": "ada@example.com", "password": PASSWORD}
BOB = {
    "email": "bob@example.com",
    "display_name": "Bob",
    "password": PASSWORD,
    "time_zone": "Europe/Berlin",
    "referral_code": "",
}
ELSEWHERE = [
    "https://evil.example.com/",
    "http://evil.example.com",
    "//evil.example.com",
    "///evil.example.com",
    "/\\evil.example.com",
    "\\\\evil.example.com",
    "http:///evil.example.com",
    "https:evil.example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example.com",
    "\x01//evil.example.com",
    "http://testserver@evil.example.com/",
    "http://testserver.evil.example.com/",
    "ftp://testserver/",
    "",
]


@pytest.fixture
def guest() -> Client:
    return Client()


def referrer_of(email: str) -> User | None:
    return User.objects.get(email=email).referred_by


def test_a_guest_becomes_a_student_and_is_logged_in(guest):
    answer = guest.post("/register/", BOB, follow=True)
    user = User.objects.get()
    assert answer.redirect_chain == [("/", 302)]
    assert answer.wsgi_request.user == user
    assert "Your account is ready. Welcome, Bob." in answer.content.decode()
    assert (user.display_name, user.time_zone, user.is_teacher) == ("Bob", "Europe/Berlin", False)
    assert user.check_password(PASSWORD)


def test_nobody_makes_himself_teacher_or_staff(guest):
    guest.post("/register/", BOB | {"is_teacher": "1", "is_staff": "1", "is_superuser": "1"})
    user = User.objects.get()
    assert {user.is_staff, user.is_superuser, user.is_teacher} == {False}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("email", "ADA@example.com", "An account with this email address already exists."),
        ("email", "nobody", "Enter a valid email address."),
        ("password", "12345678", "too common"),
        ("password", "", "required"),
        ("display_name", "  ", "required"),
        ("time_zone", "Europe/Atlantis", "Choose a place from the list"),
        ("referral_code", "nobody", "This referral code doesn't exist."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(ada, guest, field, value, says):
    answer = guest.post("/register/", BOB | {field: value, "next": "/credit/"})
    form = answer.context["form"]
    page = answer.content.decode()
    assert answer.status_code == 200
    assert list(form.errors) == [field]
    assert says in unescape(str(form.errors))
    for kept in {"email", "display_name", "referral_code"} - {field}:
        assert f'name="{kept}"' in page
        assert form[kept].value() == BOB[kept]
    zone = value if field == "time_zone" else "Berlin, Germany · UTC+"
    assert form["time_zone"].value().startswith(zone)
    assert 'name="next" value="/credit/"' in page
    assert "data-guess-zone" not in page
    assert User.objects.count() == 1


def test_the_zone_is_guessed_while_nothing_is_chosen(guest):
    page = guest.get("/register/").content.decode()
    assert "data-guess-zone" in page
    assert 'name="time_zone" value="UTC"' in page
    assert '<option value="Buenos Aires, Argentina · UTC\u22123 now">' in page


def test_the_zone_that_the_device_told_is_filled_in(guest):
    guest.cookies[ZONE_COOKIE_NAME] = "Asia/Tokyo"
    assert 'name="time_zone" value="Tokyo, Japan · UTC+9 now"' in guest.get("/register/").text


def test_registrations_from_one_address_have_an_end(ada, guest):
    taken = BOB | {"email": ada.email}
    answers = [guest.post("/register/", taken) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert 0 < int(answers[60]["Retry-After"]) <= 3600
    assert "Too many attempts." in answers[60].content.decode()
    assert answers[60].context["form"]["display_name"].value() == "Bob"
    assert Client(REMOTE_ADDR="192.0.2.2").post("/register/", BOB).status_code == 302


def kept_code(guest):
    kept = guest.cookies.get(settings.REFERRAL_COOKIE_NAME)
    return kept and kept.value


def test_visits_by_a_link_make_no_rows(ada, guest):
    for _ in range(3):
        Client().get("/", {"ref": ada.referral_code})
    assert not Session.objects.exists()


def test_a_link_brings_its_owner_a_student(ada, guest):
    guest.get(f"/?ref={ada.referral_code.upper()}")
    guest.get("/login/")
    page = guest.get("/register/")
    assert page.context["form"]["referral_code"].value() == ada.referral_code
    guest.post("/register/", BOB | {"referral_code": page.context["form"]["referral_code"].value()})
    assert referrer_of("bob@example.com") == ada
    assert not kept_code(guest)


@pytest.mark.parametrize("path", ["/", "/register/", "/login/", "/nowhere/"])
def test_any_page_remembers_who_sent_the_guest(ada, guest, path):
    guest.get(f"{path}?ref={ada.referral_code}")
    assert kept_code(guest) == ada.referral_code


def test_the_last_link_counts(ada, guest):
    other = UserFactory()
    for code in (ada.referral_code, other.referral_code):
        guest.get("/", {"ref": code})
    assert kept_code(guest) == other.referral_code


@pytest.mark.both
@pytest.mark.parametrize("code", ["nobody", "", "x" * 500, "a\0b", "é", "%ff", "' or 1=1"])
def test_a_code_that_is_nobodys_changes_nothing(ada, guest, code):
    assert guest.get("/register/", {"ref": code}).status_code == 200
    assert not guest.cookies.get("session")
    guest.get("/", {"ref": ada.referral_code})
    guest.get("/", {"ref": code})
    assert kept_code(guest) == ada.referral_code


def test_a_deactivated_user_brings_nobody(ada, guest):
    User.objects.update(is_active=False)
    guest.get("/", {"ref": ada.referral_code})
    assert not kept_code(guest)


def test_a_code_that_is_nobodys_any_more_stops_no_guest(ada, guest):
    guest.get("/", {"ref": ada.referral_code})
    User.objects.update(is_active=False)
    code = guest.get("/register/").context["form"]["referral_code"].value() or ""
    assert guest.post("/register/", BOB | {"referral_code": code}).status_code == 302
    assert referrer_of("bob@example.com") is None


def test_somebody_signed_in_is_brought_by_nobody(ada, guest):
    guest.force_login(ada)
    guest.get("/profile/", {"ref": UserFactory().referral_code})
    assert not kept_code(guest)


def test_logging_in_starts_another_session(ada, guest):
    guest.get("/", {"ref": UserFactory().referral_code})
    before = guest.session.session_key
    answer = guest.post("/login/", ADA)
    assert (answer.status_code, answer["Location"]) == (302, "/learning/")
    assert guest.session.session_key != before
    assert guest.get("/profile/").status_code == 200


def test_a_wrong_password_is_refused_in_words(ada, guest):
    answer = guest.post("/login/", ADA | {"password": "wrong guess"})
    assert answer.status_code == 200
    assert "That email or password isn't right." in unescape(answer.text)
    assert answer.context["form"]["username"].value() == "ada@example.com"
    assert guest.get("/profile/")["Location"] == "/login/?next=/profile/"


def test_guessing_has_an_end(ada, guest):
    answers = [guest.post("/login/", ADA | {"password": "wrong guess"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 0 < int(answers[5]["Retry-After"]) <= 300
    assert "Too many attempts. Try again in" in answers[5].content.decode()
    assert guest.post("/login/", ADA).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert guest.post("/login/", ADA).status_code == 302


@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_one_goes_on_where_one_came_from(ada, guest, path):
    where = "/courses/?q=a%20b&page=2"
    assert (
        f'value="{where}"'.replace("&", "&amp;")
        in guest.get(path, {"next": where}).content.decode()
    )
    answer = guest.post(path, ADA | BOB | {"next": where})
    assert answer["Location"] == where


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_one_never_goes_on_elsewhere(ada, guest, path, where):
    home = {"/login/": "/learning/", "/register/": "/"}[path]
    assert "evil.example" not in guest.get(path, {"next": where}).content.decode()
    assert guest.post(path, ADA | BOB | {"next": where})["Location"] == home
    # And the same for somebody who is logged in already.
    assert guest.get(path, {"next": where})["Location"] == home


def test_under_https_one_does_not_go_on_without(ada, guest):
    answer = guest.post("/login/", ADA | {"next": "http://testserver/credit/"}, secure=True)
    assert answer["Location"] == "/learning/"


def test_a_word_that_is_no_address_leads_nowhere_else(ada, guest):
    assert guest.post("/login/", ADA | {"next": "catalogue"})["Location"] == "catalogue"


@pytest.mark.parametrize("path", ["/login/", "/register/"])
def test_who_is_logged_in_has_no_business_there(ada, guest, path):
    guest.force_login(ada)
    assert guest.get(path, {"next": "/credit/"})["Location"] == "/credit/"
    assert guest.post(path, BOB).status_code == 302
    assert User.objects.count() == 1


def test_logging_out_takes_a_button(ada, guest):
    guest.force_login(ada)
    assert guest.get("/logout/").status_code == 405
    assert guest.get("/profile/").status_code == 200
    answer = guest.post("/logout/", follow=True)
    assert "You are logged out." in answer.content.decode()
    assert guest.get("/profile/").status_code == 302


@pytest.mark.parametrize("path", ["/login/", "/register/", "/logout/", "/password/"])
def test_a_form_from_elsewhere_is_refused_in_our_dress(ada, path):
    answer = Client(enforce_csrf_checks=True).post(path, ADA | BOB)
    assert answer.status_code == 403
    assert "This page has expired" in answer.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize("path", ["/login/", "/register/", "/password/", "/profile/"])
def test_no_other_method_does_anything(ada, guest, path):
    guest.force_login(ada)
    assert guest.delete(path).status_code == 405
    assert guest.put(path).status_code == 405
