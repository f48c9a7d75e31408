"""The profile, and passwords changed and forgotten."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import change_profile, set_password
from accounts.tokens import open_family
from notices.models import Notice
from notices.sending import send_due
from tests.accounts.conftest import PASSWORD
from tests.accounts.conftest import Client as ApiClient
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db

NEW = "battery staple 9"
CHANGE = {"current_password": PASSWORD, "new_password": NEW}
FORGOTTEN = {"email": "ada@example.com"}


@pytest.fixture
def guest() -> Client:
    return Client()


@pytest.fixture
def browser(ada) -> Client:
    browser = Client()
    browser.force_login(ada)
    return browser


@pytest.fixture
def elsewhere(ada) -> Client:
    """Another browser in which she is logged in."""
    other = Client()
    other.force_login(ada)
    return other


def is_logged_in(browser: Client) -> bool:
    return browser.get("/profile/").status_code == 200


def link_sent() -> str:
    """The path of the link in the mail, which goes out now."""
    list(send_due())
    return re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]


def follow(browser: Client, link: str) -> str:
    """Where the form is that the link leads to."""
    return browser.get(link)["Location"]


def test_the_profile_shows_and_changes_name_and_zone(ada, browser):
    answer = browser.post(
        "/profile/", {"display_name": " Ada L. ", "time_zone": "Asia/Tokyo"}, follow=True
    )
    ada.refresh_from_db()
    assert (ada.display_name, ada.time_zone) == ("Ada L.", "Asia/Tokyo")
    page = answer.content.decode()
    assert "Your profile has been saved." in page
    assert "Times are shown in Asia/Tokyo." in page
    assert "ada@example.com" in page


def test_the_profile_changes_nothing_else(ada, browser):
    browser.post(
        "/profile/",
        {"display_name": "A", "time_zone": "UTC", "email": "x@example.com", "is_teacher": "1"},
    )
    ada.refresh_from_db()
    assert (ada.email, ada.is_teacher) == ("ada@example.com", False)


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_name", ""), ("display_name", "x" * 101), ("time_zone", "Moon"), ("time_zone", "")],
)
def test_a_wrong_profile_is_not_saved(ada, browser, field, value):
    changed = {"display_name": "Other", "time_zone": "Asia/Tokyo"} | {field: value}
    answer = browser.post("/profile/", changed)
    assert list(answer.context["form"].errors) == [field]
    assert '<span class="menu-name">Ada</span>' in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.display_name, ada.time_zone) == ("Ada", "UTC")


def test_the_link_to_share_names_the_configured_host(ada, browser, settings):
    settings.SITE_URL = "https://talk.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    page = browser.get("/profile/", headers={"Host": "evil.example.com"}).content.decode()
    assert f"https://talk.example.org/?ref={ada.referral_code}" in page
    assert "evil.example" not in page


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", "a\0b", "x" * 64])
def test_a_zone_that_is_not_known_here_is_no_accident(ada, browser, zone):
    User.objects.update(time_zone=zone)
    answer = browser.get("/profile/")
    assert answer.status_code == 200
    assert "Times are shown in UTC." in answer.content.decode()


def test_an_old_name_of_a_zone_can_be_kept(ada, browser):
    User.objects.update(time_zone="CET")
    shown = browser.get("/profile/").context["form"]["time_zone"].value()
    assert shown.startswith("CET · UTC+")
    browser.post("/profile/", {"display_name": "Ada", "time_zone": shown})
    assert User.objects.get().time_zone == "CET"


@pytest.mark.parametrize("path", ["/profile/", "/profile/password/"])
def test_a_guest_has_no_profile(guest, path):
    assert guest.get(path)["Location"] == f"/login/?next={path}"
    assert guest.post(path, CHANGE)["Location"] == f"/login/?next={path}"


def test_a_new_password_ends_all_but_this_session(ada, browser, elsewhere):
    pair = open_family(ada)
    answer = browser.post("/profile/password/", CHANGE, follow=True)
    assert "Your password has been changed." in answer.content.decode()
    assert is_logged_in(browser)
    assert not is_logged_in(elsewhere)
    api = ApiClient()
    assert api.refresh(pair["refresh"]).status_code == 401
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert api.get("/api/auth/me").status_code == 401
    assert api.sign_in(password=NEW).status_code == 200
    assert was_told(ada, "password_changed") == 1


def test_whoever_has_a_new_password_is_told(ada):
    change_profile(user=ada, display_name="Ada", time_zone="Europe/Madrid")
    with time_machine.travel(datetime(2027, 3, 29, 17, tzinfo=UTC), tick=False):
        set_password(user=ada, new_password=NEW)
    notice = told(ada, "password_changed")
    assert mailed(notice) == [
        "Your password was changed",
        "The password for your talkplatform account was changed, and every device that was logged "
        "in with the old one has been logged out.",
        "If this wasn't you, choose a new password now.",
        "When: Mon 29 Mar 2027, 19:00 CEST",
        "Choose a new password:",
        "/password/",
    ]
    assert words_of(notice) == (
        "Your password was changed on Mon 29 Mar 2027, 19:00 CEST. If this wasn't you, choose a "
        "new one now."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("current_password", "wrong guess"), ("new_password", "12345678"), ("new_password", "")],
)
def test_a_password_that_will_not_do_changes_nothing(ada, browser, elsewhere, field, value):
    answer = browser.post("/profile/password/", CHANGE | {field: value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert is_logged_in(elsewhere)
    assert User.objects.get().check_password(PASSWORD)


def test_guessing_the_password_of_an_open_session_has_an_end(ada, browser):
    wrong = CHANGE | {"current_password": "wrong guess"}
    answers = [browser.post("/profile/password/", wrong) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5]["Retry-After"]
    assert browser.post("/profile/password/", CHANGE).status_code == 429
    assert User.objects.get().check_password(PASSWORD)


def test_a_forgotten_password_is_replaced_by_mail(ada, guest, elsewhere):
    pair = open_family(ada)
    assert guest.post("/password/", FORGOTTEN)["Location"] == "/password/sent/"
    form = follow(guest, link_sent())
    answer = guest.post(form, {"new_password": NEW}, follow=True)
    assert answer.redirect_chain == [("/login/", 302)]
    assert "Your password has been changed. Log in with the new one." in answer.content.decode()
    assert not is_logged_in(elsewhere)
    assert ApiClient().refresh(pair["refresh"]).status_code == 401
    assert guest.post("/login/", {"username": ada.email, "password": NEW}).status_code == 302


def test_a_new_password_lets_in_while_the_account_is_under_attack(ada, guest):
    for n in range(20):
        ApiClient(f"198.51.100.{n}").sign_in(password="wrong guess")
    assert ApiClient("127.0.0.1").sign_in().status_code == 429
    guest.post("/password/", FORGOTTEN)
    guest.post(follow(guest, link_sent()), {"new_password": NEW})
    assert guest.post("/login/", {"username": ada.email, "password": NEW}).status_code == 302


def test_the_mail_holds_nothing_that_somebody_chose(ada, guest):
    """Whoever registers an address that is not theirs would write to its owner in our name."""
    User.objects.update(display_name="You won! See evil.example")
    guest.post("/password/", FORGOTTEN)
    link_sent()
    assert "evil.example" not in mail.outbox[-1].body


def test_the_mail_links_to_the_configured_host_and_loads_nothing(ada, guest, settings):
    settings.SITE_URL = "https://talk.example.org"
    settings.ALLOWED_HOSTS = ["*"]
    poison = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
    guest.post("/password/", FORGOTTEN, headers=poison)
    link = link_sent()
    (sent,) = mail.outbox
    assert f"https://talk.example.org{link}\n" in sent.body
    assert "evil.example" not in sent.message().as_string()
    assert sent.to == ["ada@example.com"]
    [(page, kind)] = sent.alternatives
    assert kind == "text/html"
    assert f'href="https://talk.example.org{link}"' in page
    assert "src=" not in page
    assert "url(" not in page
    assert sent.subject == "Choose a new password for talkplatform"


@pytest.mark.parametrize("who", ["unknown", "deactivated", "no password"])
def test_nobody_learns_who_has_an_account(ada, guest, who):
    if who == "deactivated":
        User.objects.update(is_active=False)
    if who == "no password":
        ada.set_unusable_password()
        ada.save()
    email = "nobody@example.com" if who == "unknown" else ada.email
    answer = guest.post("/password/", {"email": email}, follow=True)
    User.objects.create_user("bob@example.com", PASSWORD, display_name="Bob")
    known = guest.post("/password/", {"email": "bob@example.com"}, follow=True)
    assert answer.redirect_chain == known.redirect_chain
    assert answer.content == known.content
    link_sent()
    assert [sent.to for sent in mail.outbox] == [["bob@example.com"]]


def test_a_link_works_once(ada, guest):
    guest.post("/password/", FORGOTTEN)
    link = link_sent()
    guest.post(follow(guest, link), {"new_password": NEW})
    again = Client().get(link)
    assert "This link no longer works" in again.content.decode()
    assert User.objects.get().check_password(NEW)


def test_a_link_works_for_an_hour(ada, guest):
    guest.post("/password/", FORGOTTEN)
    link = link_sent()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "This link no longer works" in guest.get(link).content.decode()


@pytest.mark.parametrize("key", ["x", "NA", "0", "%00", "MDE5MzZmNWU"])
def test_a_made_up_link_is_no_accident(ada, guest, key):
    answer = guest.get(f"/password/{key}/abc-def/")
    assert answer.status_code == 200
    assert "This link no longer works" in answer.content.decode()


def test_the_new_password_has_to_be_a_good_one(ada, guest):
    guest.post("/password/", FORGOTTEN)
    form = follow(guest, link_sent())
    answer = guest.post(form, {"new_password": "12345678"})
    assert list(answer.context["form"].errors) == ["new_password"]
    assert User.objects.get().check_password(PASSWORD)
    assert guest.post(form, {"new_password": NEW}).status_code == 302


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_mails_to_one_account_have_an_end(ada, email):
    answers = [
        Client(REMOTE_ADDR=f"192.0.2.{n}").post("/password/", {"email": email}) for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert 0 < int(answers[5]["Retry-After"]) <= 3600
    assert "Too many attempts." in answers[5].content.decode()


def test_mails_asked_for_from_one_address_have_an_end(ada, guest):
    answers = [guest.post("/password/", {"email": f"u{n}@example.com"}) for n in range(21)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]


def test_mail_that_does_not_go_out_is_no_accident(ada, guest, settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.MAIL_CONNECTIONS = 1
    assert guest.post("/password/", FORGOTTEN)["Location"] == "/password/sent/"
    assert list(send_due()) == []
    assert "the mail server fails" in caplog.text
    assert ada.email not in caplog.text
    assert Notice.objects.get().mail == "waiting"


def test_a_link_that_nobody_can_use_is_not_mailed(ada, guest):
    guest.post("/password/", FORGOTTEN)
    ada.is_active = False
    ada.save()
    list(send_due())
    assert mail.outbox == []
    assert Notice.objects.get().mail == "dropped"


def test_a_link_is_made_when_it_is_mailed_and_kept_nowhere(ada, guest, caplog):
    guest.post("/password/", FORGOTTEN)
    before = str(Notice.objects.values().get())
    token = link_sent().strip("/").rpartition("/")[2]
    after = str(Notice.objects.values().get())
    assert len(token) > 30
    assert token not in before + after + caplog.text
    assert "/password/" not in before + after + caplog.text
