"""Addresses are proved by a link or a new password, and changed to others."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import links, proving, services
from accounts.messages import tell_password_changed
from accounts.models import AddressChange, SignInRecord, User
from accounts.proving import (
    ask_to_change_address,
    doubt_address,
    keep_address,
    prove_address,
    send_link_again,
    use_password_link,
)
from accounts.services import change_password, change_profile, register, set_password
from accounts.tokens import open_family
from calendars.feeds import feed_address
from notices.kinds import Group
from notices.models import Mailbox, Notice, TurnedOff
from notices.sending import send_due
from notices.services.choosing import choose_emails
from notices.services.outbox import send_again
from tests.accounts.conftest import PASSWORD
from tests.accounts.conftest import Client as ApiClient
from tests.factories import UserFactory
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db

NEW = "ada@example.org"
CHANGE = {"email": NEW, "password": PASSWORD}
NEW_PASSWORD = {"new_password": "battery staple 9", "visitor": None}
CHANGED = {
    "current_password": PASSWORD,
    "new_password": "battery horse 77",
    "address": "198.51.100.1",
}
GONE = "This link no longer works"


@pytest.fixture
def eve() -> User:
    """Somebody new, who has not proved the address yet."""
    return register(email="eve@example.com", password=PASSWORD, display_name="Eve <b>!</b>")


def browser_of(user: User, address: str = "192.0.2.1") -> Client:
    browser = Client(REMOTE_ADDR=address)
    browser.force_login(user)
    return browser


def api_of(user: User) -> ApiClient:
    client = ApiClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_family(user)['access']}")
    return client


def ask(user: User, email: str = NEW) -> None:
    asked = {"password": PASSWORD, "address": "192.0.2.1"}
    ask_to_change_address(user=User.objects.get(pk=user.pk), email=email, **asked)


def send() -> list[tuple[str, str]]:
    """The mails that go out now: to whom, and what."""
    before = len(mail.outbox)
    list(send_due())
    return [(sent.to[0], sent.subject) for sent in mail.outbox[before:]]


def link(to: str) -> str:
    """The path of the last link that an address was sent."""
    send()
    bodies = [sent.body for sent in mail.outbox if sent.to == [to]]
    return re.findall(r"https?://[^/]+(/email/\S+)", "".join(bodies))[-1]


def press(path: str, browser: Client | None = None, password: str = PASSWORD):
    """The button of a link's page, where somebody who isn't logged in gives the password too."""
    return (browser or Client()).post(path, {"password": password}, follow=True)


def reset(email: str) -> str:
    """The path of a link for a new password that is mailed to this address."""
    Client(REMOTE_ADDR="203.0.113.9").post("/password/", {"email": email})
    send()
    return re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]


def choose_a_password(path: str, browser: Client | None = None):
    browser = browser or Client()
    form = browser.get(path)["Location"]
    return browser.post(form, {"new_password": "battery staple 9"}, follow=True)


def page(answer) -> str:
    return unescape(answer.content.decode())


class TestUnproved:
    def test_a_new_account_is_sent_a_link_and_nothing_else(self, eve):
        tell_password_changed(eve)
        assert send() == [(eve.email, "Confirm your email address for talkplatform")]
        notice = told(eve, "password_changed")
        assert (notice.mail, notice.mail_note) == ("dropped", "The address isn't confirmed.")
        assert list(Notice.objects.shown_to(eve.pk)) == [notice]

    def test_what_is_past_is_not_mailed_later(self, eve):
        tell_password_changed(eve)
        press(f"/email/{links.token_for(eve.pk, eve.email)}/")
        tell_password_changed(eve)
        assert send() == [(eve.email, "Your password was changed")]
        first = Notice.objects.filter(kind="password_changed").order_by("pk")[0]
        assert first.mail == "dropped"
        send_again(notice_id=first.pk)
        assert send() == []

    def test_the_mail_holds_nothing_that_somebody_chose(self, eve):
        send()
        [sent] = mail.outbox
        assert "Eve" not in sent.message().as_string()
        assert mailed(told(eve, "address_to_prove"))[:3] == [
            "Confirm your email address for talkplatform",
            "Someone, probably you, gave this email address for an account on talkplatform. "
            "Confirm it within 48 hours, so that we can write to you here.",
            "If it wasn't you, don't confirm it. You can ignore this email.",
        ]

    def test_every_page_says_so_until_it_is_proved(self, eve):
        browser = browser_of(eve)
        for path in ("/", "/profile/", "/learning/", "/no-such-page/"):
            assert page(browser.get(path)).count("Confirm your email address.") == 1
        assert "Confirm your email address." not in page(Client().get("/"))
        assert "Send it again" not in page(browser.get(link(eve.email)))
        press(link(eve.email))
        assert "Confirm your email address." not in page(browser.get("/"))

    def test_the_banner_costs_those_who_need_none_no_statement(self, ada):
        def statements(browser: Client) -> int:
            with CaptureQueriesContext(connection) as captured:
                browser.get("/profile/password/")
            return len(captured)

        browser = browser_of(ada)
        without = statements(browser)
        refuse(ada)
        assert statements(browser) == without
        User.objects.update(proved_since=None, email_refused=False)
        assert statements(browser) == without + 1  # the address that it is to be changed to

    def test_a_link_for_an_address_that_was_proved_meanwhile_is_not_mailed(self, eve):
        prove_address(links.token_for(eve.pk, eve.email), visitor=eve)
        assert send() == []

    def test_nor_one_of_an_account_that_was_deactivated(self, eve):
        User.objects.update(is_active=False)
        assert send() == []

    def test_a_superuser_made_at_the_console_is_proved(self):
        boss = User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")
        assert boss.email_proved


class TestTheLink:
    def test_opening_it_changes_nothing_and_its_button_proves(self, eve):
        path = link(eve.email)
        for _ in range(2):
            opened = Client().get(path)
            assert "eve@example.com" in page(opened)
            assert Client().head(path).status_code == 200
            assert not User.objects.get(pk=eve.pk).email_proved
        answer = press(path)
        assert answer.redirect_chain == [("/login/", 302)]
        assert "Your email address is confirmed." in page(answer)
        assert User.objects.get(pk=eve.pk).email_proved

    def test_a_second_press_is_as_good_as_the_first(self, eve):
        path, browser = link(eve.email), browser_of(eve)
        for _ in range(2):
            answer = press(path, browser)
            assert answer.redirect_chain == [("/profile/", 302)]
            assert "Your email address is confirmed." in page(answer)

    def test_a_form_of_elsewhere_does_not_press_it(self, eve):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(link(eve.email), {"password": PASSWORD}).status_code == 403
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_it_works_for_some_time(self, eve, settings):
        settings.PROOF_HOURS = 3
        path = link(eve.email)
        with time_machine.travel(timezone.now() + timedelta(hours=3, minutes=1)):
            assert GONE in page(Client().get(path))
            assert GONE in page(press(path))
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_of_a_deactivated_user_it_does_not(self, eve):
        path = link(eve.email)
        User.objects.update(is_active=False)
        assert GONE in page(Client().get(path))
        assert GONE in page(press(path))
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_it_proves_one_address_of_one_user(self, eve, ada):
        token = links.token_for(eve.pk, eve.email)
        User.objects.filter(pk=ada.pk).update(proved_since=None)
        forged = token.replace(eve.pk.hex, ada.pk.hex)
        for bad in (forged, token[:-1], token + "A", links.token_for(eve.pk, ada.email)):
            assert GONE in page(press(f"/email/{bad}/"))
        assert not User.objects.exclude(proved_since=None).exists()

    @pytest.mark.parametrize("token", ["x", "%00", "0" * 5000, "a.b.c", "{}.1.x", "\ud83e\udd8a"])
    def test_a_made_up_link_is_no_accident(self, token):
        token = token.encode(errors="ignore").decode()
        assert GONE in page(Client().get(f"/email/{token or 'x'}/"))

    def test_a_link_for_a_password_is_none_for_an_address(self, eve):
        Client().post("/password/", {"email": eve.email})
        send()
        [*_, token] = re.search(r"/password/(\S+)/\s", mail.outbox[-1].body)[1].split("/")
        assert GONE in page(press(f"/email/{token}/"))

    def test_what_leaves_the_page_names_no_token(self, eve):
        answer = Client().get(link(eve.email))
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer["Cache-Control"]
        assert not re.search(r'(?:src|href)="https?://', page(answer))

    def test_logs_cut_it_and_no_row_holds_it(self, eve, caplog):
        caplog.set_level("DEBUG")
        path = link(eve.email)
        token = path.strip("/").rpartition("/")[2]
        press(path)
        rows = [*Notice.objects.values(), *AddressChange.objects.values(), *User.objects.values()]
        assert len(token) >= 37
        assert eve.email not in token
        assert token not in f"{rows}{caplog.text}"

    def test_it_leads_to_the_configured_host(self, eve, settings):
        settings.SITE_URL = "https://talk.example.org"
        path = link(eve.email)
        assert f"https://talk.example.org{path}\n" in mail.outbox[-1].body


class TestAnotherLink:
    def test_it_is_sent_on_demand(self, eve):
        send()
        answer = browser_of(eve).post("/profile/email/link/", follow=True)
        assert "sent a link to eve@example.com" in page(answer)
        press(link(eve.email))
        assert User.objects.get(pk=eve.pk).email_proved
        assert len(mail.outbox) == 2

    def test_there_is_none_where_nothing_is_to_be_proved(self, ada):
        answer = browser_of(ada).post("/profile/email/link/")
        assert answer.status_code == 409
        assert "already confirmed" in page(answer)
        refused = api_of(ada).post("/api/auth/email/link")
        assert (refused.status_code, refused.json()["code"]) == (409, "already_proved")
        assert send() == []

    def test_there_are_three_an_hour_and_ten_a_day(self, eve):
        now, answers = timezone.now(), []
        for hour in range(5):
            with time_machine.travel(now + timedelta(hours=hour, minutes=hour)):
                browser = browser_of(eve, f"192.0.2.{hour}")
                answers += [browser.post("/profile/email/link/").status_code for _ in range(4)]
        assert answers.count(302) == 10
        assert answers[:4] == [302, 302, 302, 429]
        assert answers[-4:] == [429] * 4

    def test_nobody_else_uses_them_up(self, eve, ada):
        for _ in range(3):
            ask(ada, eve.email)
        assert send_link_again(user=eve, address="192.0.2.1") == eve.email

    @pytest.mark.parametrize("path", ["/profile/email/link/", "/profile/email/keep/"])
    def test_a_button_asks_for_it(self, eve, path):
        assert browser_of(eve).get(path).status_code == 405
        assert Client().post(path)["Location"] == f"/login/?next={path}"


class TestPasswordLink:
    def test_a_used_password_link_proves(self, eve):
        Client().post("/password/", {"email": eve.email})
        assert ("eve@example.com", "Choose a new password for talkplatform") in send()
        path = re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]
        guest = Client()
        form = guest.get(path)["Location"]
        assert not User.objects.get(pk=eve.pk).email_proved
        guest.post(form, {"new_password": "battery staple 9"})
        assert User.objects.get(pk=eve.pk).email_proved
        assert send() == [(eve.email, "Your password was changed")]

    def test_a_password_that_is_changed_otherwise_does_not(self, eve):
        set_password(user=eve, new_password="battery staple 9")
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_it_works_once(self, eve):
        path = reset(eve.email)
        choose_a_password(path)
        assert GONE in page(Client().get(path))

    def test_of_a_proved_account_it_ends_with_another_password(self, ada):
        path = reset(ada.email)
        change_password(user=ada, **CHANGED)
        assert GONE in page(Client().get(path))

    def test_with_a_password_that_was_changed_a_moment_ago_it_proves_nothing(
        self, eve, monkeypatch
    ):
        path, lift = reset(eve.email), proving.try_address_again

        def meanwhile(**options):
            monkeypatch.setattr(proving, "try_address_again", lift)
            change_password(user=User.objects.get(), **CHANGED)
            lift(**options)

        monkeypatch.setattr(proving, "try_address_again", meanwhile)
        assert GONE in page(choose_a_password(path))
        user = User.objects.get()
        assert (user.email_proved, user.display_name) == (False, eve.display_name)
        choose_a_password(path)
        assert User.objects.get().email_proved

    def test_it_reaches_an_address_that_was_refused_and_lifts_that(self, ada):
        refuse(ada)
        Client().post("/password/", {"email": ada.email})
        send()
        path = re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]
        guest = Client()
        guest.post(guest.get(path)["Location"], {"new_password": "battery staple 9"})
        assert not User.objects.get(pk=ada.pk).email_refused
        assert not Mailbox.objects.get().is_stopped


class Holdings:
    """All that somebody prepares who made an account, for as long as it may be another's."""

    def __init__(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(referred_by=UserFactory())
        choose_emails(reader_id=user.pk, on=(), off=[Group.REMINDERS])
        self.user, self.browser, self.api = user, browser_of(user), api_of(user)
        self.refresh, self.feed = open_family(user)["refresh"], feed_address(user)
        ask(user, "evil@example.com")
        self.change = link("evil@example.com")

    def left(self) -> set[str]:
        """What of it still works."""
        user = User.objects.get(pk=self.user.pk)
        works = {
            "feed": Client().get(self.feed).status_code == 200,
            "referral": user.referred_by is not None,
            "choices": TurnedOff.objects.filter(reader=user).exists(),
            "name": user.display_name == self.user.display_name,
            "session": self.browser.get("/profile/").status_code == 200,
            "token": self.api.get("/api/auth/me").status_code == 200,
            "refreshing": ApiClient().refresh(self.refresh).status_code == 200,
            "change": GONE not in page(self.browser.get(self.change)),
        }
        return {name for name, is_alive in works.items() if is_alive}


KEPT = {"feed", "referral", "choices", "name"}


class TestHandOver:
    """Eve registers an address that isn't hers, prepares what she can, and waits for its owner."""

    @pytest.fixture
    def owns(self, eve) -> Holdings:
        return Holdings(eve)

    def test_a_password_link_ends_it_all(self, eve, owns):
        answer = choose_a_password(reset(eve.email))
        assert "your name, your calendar's address" in page(answer)
        assert owns.left() == set()
        owner = User.objects.get(pk=eve.pk)
        assert (owner.email, owner.email_proved) == (eve.email, True)
        assert "Eve" not in owner.display_name

    @pytest.mark.parametrize("does", ["login", "token", "password"])
    def test_nothing_that_its_maker_does_ends_the_owners_link(self, eve, owns, does):
        """Or the address would be kept from its owner, however often they ask."""
        path = reset(eve.email)
        if does == "login":
            credentials = {"username": eve.email, "password": PASSWORD}
            with time_machine.travel(timezone.now() + timedelta(minutes=1)):
                assert Client().post("/login/", credentials).status_code == 302
        elif does == "token":
            assert ApiClient().sign_in(eve.email).status_code == 200
        else:
            change_password(user=User.objects.get(pk=eve.pk), **CHANGED)
        choose_a_password(path)
        assert owns.left() == set()
        assert User.objects.get(pk=eve.pk).check_password(NEW_PASSWORD["new_password"])

    def test_a_password_that_its_maker_was_changing_does_not_undo_it(self, eve, monkeypatch):
        """The old one was right a moment ago; then the owner's link was used."""
        path, check = reset(eve.email), services.validate_password

        def meanwhile(*given):
            monkeypatch.setattr(services, "validate_password", check)
            choose_a_password(path)
            return check(*given)

        monkeypatch.setattr(services, "validate_password", meanwhile)
        change = CHANGED | {"user": User.objects.get(pk=eve.pk)}
        with pytest.raises(ValidationError, match="That password isn't right"):
            change_password(**change)
        assert User.objects.get(pk=eve.pk).check_password(NEW_PASSWORD["new_password"])
        assert was_told(eve, "password_changed") == 1

    def test_a_name_that_its_maker_was_choosing_does_not_stay(self, eve):
        maker = User.objects.get(pk=eve.pk)
        choose_a_password(reset(eve.email))
        change_profile(user=maker, display_name="Eve was here", time_zone="Asia/Tokyo")
        owner = User.objects.get(pk=eve.pk)
        assert (owner.display_name, owner.time_zone) == ("Unnamed", "UTC")

    def test_so_it_does_after_the_owner_pressed_the_other_link(self, eve, owns):
        path = link(eve.email)
        for password in ("", "what could it be"):
            assert "Is <strong" in page(press(path, password=password))
        assert not User.objects.get(pk=eve.pk).email_proved
        assert "Choose a new one" in page(Client().get(path))
        choose_a_password(reset(eve.email))
        assert owns.left() == set()

    def test_pressing_it_afterwards_brings_nothing_back(self, eve, owns):
        path = link(eve.email)
        choose_a_password(reset(eve.email))
        for browser in (Client(), owns.browser):
            assert "Your email address is confirmed." in page(press(path, browser, password=""))
        assert owns.left() == set()

    def test_an_owner_who_is_logged_in_with_another_account_proves_nothing(self, eve, ada, owns):
        for password in ("", "battery staple 9"):
            press(link(eve.email), browser_of(ada), password=password)
        assert not User.objects.get(pk=eve.pk).email_proved

    def test_nor_does_who_presses_the_link_of_a_change(self, ada):
        """The account is proved already, and then asks for the address of somebody else."""
        ask(ada)
        path = link(NEW)
        assert "Choose a new one" not in page(Client().get(path))
        assert "required" in page(press(path, password=""))
        assert "That password isn't right." in page(press(path, password="what could it be"))
        assert User.objects.get(pk=ada.pk).email == "ada@example.com"
        assert ApiClient().register(email=NEW).status_code == 201

    def test_guessing_there_counts_as_anywhere(self, eve):
        path = link(eve.email)
        wrong = [Client().post(path, {"password": "guess"}).status_code for _ in range(6)]
        assert wrong == [200] * 5 + [429]
        assert ApiClient("127.0.0.1").sign_in(eve.email).status_code == 429

    @pytest.mark.parametrize("logged_in", [True, False])
    def test_who_confirmed_their_own_account_keeps_it_all(self, eve, owns, logged_in):
        path = link(eve.email)
        press(path, *([owns.browser, ""] if logged_in else []))
        answer = choose_a_password(reset(eve.email))
        assert "Log in with the new one." in page(answer)
        assert "reset" not in page(answer)
        assert owns.left() == KEPT

    def test_so_does_who_forgot_the_password_while_logged_in(self, eve, owns):
        choose_a_password(reset(eve.email), owns.browser)
        assert owns.left() == KEPT
        assert User.objects.get(pk=eve.pk).email_proved

    def test_so_does_who_proved_the_address_long_ago(self, ada):
        owns = Holdings(ada)
        choose_a_password(reset(ada.email))
        assert owns.left() == KEPT

    def test_a_second_password_link_takes_nothing_more(self, eve):
        choose_a_password(reset(eve.email))
        owner = User.objects.get(pk=eve.pk)
        change_profile(user=owner, display_name="Bob", time_zone="UTC")
        feed = feed_address(owner)
        use_password_link(user=owner, **NEW_PASSWORD)
        assert User.objects.get(pk=eve.pk).display_name == "Bob"
        assert Client().get(feed).status_code == 200

    def test_people_are_told_with_the_last_statement(self, eve, ada):
        """What is told locks what it adds, so nothing else may wait behind it."""
        changes = [
            lambda: use_password_link(user=eve, **NEW_PASSWORD),
            lambda: ask(ada),
            lambda: doubt_address(user=User.objects.get(pk=ada.pk), old="old@example.com"),
        ]
        for change in changes:
            with CaptureQueriesContext(connection) as captured:
                change()
            said = [query["sql"] for query in captured if not query["sql"].startswith("RELEASE")]
            told = ["INTO" in sql and "notices" in sql.split("(")[0] for sql in said]
            assert told.count(True) == 1
            assert [sql for sql in said if sql.startswith(("INSERT", "UPDATE", "DELETE"))][-1] in [
                sql for sql, is_told in zip(said, told, strict=True) if is_told
            ]


def refuse(user: User) -> None:
    """As if the mail server had refused the user's address for good."""
    stopped = {"stopped_address": user.email, "stopped_at": timezone.now()}
    Mailbox.objects.filter(reader=user).delete()
    Mailbox.objects.create(reader=user, refusal="550 no such user", **stopped)
    User.objects.filter(pk=user.pk).update(email_refused=True)


class TestRefused:
    def test_a_refused_address_is_said_on_every_page_and_proved_again(self, ada):
        refuse(ada)
        browser = browser_of(ada)
        for path in ("/", "/profile/"):
            assert page(browser.get(path)).count("Our emails don't reach you.") == 1
        answer = browser.post("/profile/email/link/", follow=True)
        assert "sent a link to ada@example.com" in page(answer)
        press(link(ada.email))
        assert "Our emails don't reach you." not in page(browser.get("/"))
        tell_password_changed(ada)
        assert send() == [(ada.email, "Your password was changed")]

    def test_staff_see_it_and_lift_it(self, ada):
        refuse(ada)
        boss = User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")
        staff = browser_of(boss)
        assert "refused" in page(staff.get("/admin/accounts/user/"))
        mailbox = f"/admin/notices/mailbox/{ada.pk}/change/"
        assert mailbox in page(staff.get(f"/admin/accounts/user/{ada.pk}/change/"))
        assert "550 no such user" in page(staff.get(mailbox))
        staff.post("/admin/notices/mailbox/decide/try/", {"mailbox": ada.pk})
        assert not User.objects.get(pk=ada.pk).email_refused
        tell_password_changed(ada)
        assert send() == [(ada.email, "Your password was changed")]

    def test_a_new_address_is_not_the_refused_one(self, ada):
        refuse(ada)
        ask(ada)
        press(link(NEW))
        assert not User.objects.get().email_refused
        assert not Mailbox.objects.get().is_stopped


class TestChange:
    def test_a_hash_that_is_renewed_on_the_way_leaves_the_link_alive(self, ada, settings):
        """As after each new release of Django: the old password comes in, and is hashed again."""
        settings.PASSWORD_HASHERS = [
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            *settings.PASSWORD_HASHERS,
        ]
        ask(ada)
        before = User.objects.get().password
        assert ApiClient().sign_in().status_code == 200
        assert User.objects.get().password != before
        assert User.objects.get().new_email == NEW
        press(link(NEW))
        assert User.objects.get().email == NEW

    def test_its_first_word_goes_to_the_old_address_even_if_it_was_made_before(self, ada):
        ask(ada)
        press(f"/email/{links.token_for(ada.pk, NEW)}/")
        assert User.objects.get().email == NEW
        assert sorted(send()) == [
            ("ada@example.com", "Someone asked to change your email address"),
            ("ada@example.com", "Your email address was changed"),
        ]

    def test_unless_nobody_had_proved_that(self, eve):
        ask(eve)
        press(f"/email/{links.token_for(eve.pk, NEW)}/", browser_of(eve))
        assert User.objects.get(pk=eve.pk).email == NEW
        assert send() == []
        assert told(eve, "address_change_asked").mail == "dropped"

    def test_it_takes_the_password_and_proof_of_the_new_one(self, ada):
        browser = browser_of(ada)
        answer = browser.post("/profile/email/", CHANGE, follow=True)
        assert f"We've sent a link to {NEW}." in page(answer)
        assert "Changes to" in page(answer)
        assert sorted(send()) == [
            ("ada@example.com", "Someone asked to change your email address"),
            (NEW, "Confirm your email address for talkplatform"),
        ]
        assert User.objects.get().email == "ada@example.com"
        done = press(link(NEW), browser)
        assert "Your email address is confirmed." in page(done)
        user = User.objects.get()
        assert (user.email, user.proved_since) == (NEW, ada.proved_since)
        assert not AddressChange.objects.exists()
        assert send() == [("ada@example.com", "Your email address was changed")]
        assert ApiClient().sign_in(NEW).status_code == 200
        assert ApiClient().sign_in("ada@example.com").status_code == 401

    def test_what_is_told(self, ada):
        with time_machine.travel(datetime(2027, 3, 29, 17, tzinfo=UTC), tick=False):
            ask(ada, "ada@müller.de")
            assert mailed(told(ada, "address_change_asked")) == [
                "Someone asked to change your email address",
                "Someone, probably you, asked to change the email address of your talkplatform "
                "account. It changes once the new address is confirmed.",
                "If this wasn't you, choose a new password now: that stops the change.",
                "New address: ada@müller.de",
                "When: Mon 29 Mar 2027, 17:00 UTC",
                "Choose a new password:",
                "/password/",
            ]
            press(link("ada@xn--mller-kva.de"))
        notice = told(ada, "address_changed")
        assert mailed(notice) == [
            "Your email address was changed",
            "The email address of your talkplatform account was changed, so this is the last email "
            "to the old one.",
            "If this wasn't you, reply to this email now. You can no longer choose a new password "
            "with this address.",
            "Old address: ada@example.com",
            "New address: ada@müller.de",
            "When: Mon 29 Mar 2027, 17:00 UTC",
        ]
        assert words_of(notice) == (
            "Your email address was changed from ada@example.com to ada@müller.de on Mon 29 Mar "
            "2027, 17:00 UTC."
        )

    def test_everybody_stays_logged_in_and_old_links_for_a_password_die(self, ada):
        elsewhere, pair = browser_of(ada), open_family(ada)
        Client().post("/password/", {"email": ada.email})
        send()
        path = re.search(r"https?://[^/]+(/password/\S+)", mail.outbox[-1].body)[1]
        ask(ada)
        press(link(NEW))
        assert elsewhere.get("/profile/").status_code == 200
        assert ApiClient().refresh(pair["refresh"]).status_code == 200
        assert GONE in page(Client().get(path))

    def test_an_address_mistyped_at_first_is_told_nothing(self, eve):
        ask(eve, NEW)
        assert NEW in page(browser_of(eve).get("/"))
        press(link(NEW))
        assert [to for to, _ in send()] == []
        assert {sent.to[0] for sent in mail.outbox if "Confirm" not in sent.subject} == set()
        user = User.objects.get(pk=eve.pk)
        assert (user.email, user.email_proved) == (NEW, True)
        assert told(eve, "address_changed").mail == "dropped"

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("password", "wrong guess", "That password isn't right."),
            ("password", "", "required"),
            ("email", "ada", "valid email address"),
            ("email", " ADA@Example.com", "This is your address already."),
            ("email", "", "required"),
            ("email", "a" * 250 + "@example.com", "at most 254"),
        ],
    )
    def test_what_will_not_do_is_named(self, ada, field, value, says):
        answer = browser_of(ada).post("/profile/email/", CHANGE | {field: value})
        assert answer.status_code == 200
        assert list(answer.context["form"].errors) == [field]
        assert says in page(answer)
        refused = api_of(ada).post("/api/auth/email", CHANGE | {field: value})
        assert refused.status_code == (403 if value == "wrong guess" else 400)
        assert refused.json()["code"] in {"wrong_password", "invalid_request"}
        assert send() == []
        assert not AddressChange.objects.exists()

    def test_guessing_the_password_has_an_end(self, ada):
        browser = browser_of(ada)
        wrong = CHANGE | {"password": "wrong guess"}
        answers = [browser.post("/profile/email/", wrong).status_code for _ in range(6)]
        assert answers == [200] * 5 + [429]
        assert browser.post("/profile/email/", CHANGE).status_code == 429

    def test_it_can_be_given_up(self, ada):
        ask(ada)
        path, browser = link(NEW), browser_of(ada)
        answer = browser.post("/profile/email/keep/", follow=True)
        assert "Your email address stays as it is." in page(answer)
        assert "Changes to" not in page(answer)
        assert GONE in page(press(path))
        assert User.objects.get().email == "ada@example.com"

    def test_a_link_for_an_address_that_is_no_longer_wanted_is_not_mailed(self, ada):
        ask(ada)
        keep_address(user=ada)
        assert [to for to, _ in send()] == ["ada@example.com"]

    def test_the_last_one_asked_for_counts(self, ada):
        ask(ada)
        first = link(NEW)
        ask(ada, "ada@example.net")
        assert GONE in page(press(first))
        press(link("ada@example.net"))
        assert User.objects.get().email == "ada@example.net"

    def test_a_link_of_before_another_change_brings_no_address_back(self, ada):
        ask(ada)
        first = link(NEW)
        press(first)
        ask(ada, "ada@example.net")
        press(link("ada@example.net"))
        old = f"/email/{links.token_for(ada.pk, 'ada@example.com')}/"
        for replayed in (first, old):
            assert GONE in page(press(replayed))
        assert User.objects.get().email == "ada@example.net"

    def test_a_new_password_stops_it(self, ada):
        """Someone who knew the old one prepared it: the owner has thrown them out."""
        ask(ada)
        path = link(NEW)
        set_password(user=User.objects.get(), new_password="battery staple 9")
        assert GONE in page(press(path))
        assert "Changes to" not in page(browser_of(User.objects.get()).get("/profile/"))
        assert User.objects.get().email == "ada@example.com"
        assert AddressChange.objects.exists()

    def test_a_new_password_stops_it_at_the_last_moment(self, ada, monkeypatch):
        """Set after the link was found to be good, and before anything is written."""
        ask(ada)
        lift = proving.try_address_again

        def meanwhile(**options):
            set_password(user=User.objects.get(), new_password="battery staple 9")
            lift(**options)

        monkeypatch.setattr(proving, "try_address_again", meanwhile)
        assert GONE in page(press(f"/email/{links.token_for(ada.pk, NEW)}/"))
        assert User.objects.get().email == "ada@example.com"

    def test_however_the_password_is_set(self, ada):
        ask(ada)
        path = link(NEW)
        user = User.objects.get()
        user.set_password("battery staple 9")
        user.save()
        assert GONE in page(press(path))

    def test_it_ends_with_its_time(self, ada, settings):
        settings.PROOF_HOURS = 3
        ask(ada)
        with time_machine.travel(timezone.now() + timedelta(hours=3, minutes=1)):
            assert User.objects.get().new_email == ""
            path = f"/email/{links.token_for(ada.pk, NEW)}/"
            assert GONE in page(press(path))
        assert User.objects.get().email == "ada@example.com"

    def test_another_link_goes_to_the_new_address(self, ada):
        ask(ada)
        send()
        answer = api_of(ada).post("/api/auth/email/link")
        assert (answer.status_code, answer.json()) == (202, {"sent_to": NEW})
        assert [to for to, _ in send()] == [NEW]

    @pytest.mark.parametrize("typed", ["Anna@MÜLLER.de ", "anna@xn--mller-KVA.de"])
    def test_the_new_one_has_its_normal_form(self, ada, typed):
        ask(ada, typed)
        press(link("anna@xn--mller-kva.de"))
        assert User.objects.get().email == "anna@xn--mller-kva.de"


class TestTaken:
    """An address that somebody has gets the same answers, and its owner is told."""

    @pytest.fixture
    def bob(self) -> User:
        return UserFactory(email=NEW)

    def answers(self, user: User, email: str) -> list:
        browser, api = browser_of(user), api_of(user)
        shown = browser.post("/profile/email/", CHANGE | {"email": email}, follow=True)
        again = browser.post("/profile/email/link/", follow=True)
        called = api.post("/api/auth/email", CHANGE | {"email": email})
        me = api.get("/api/auth/me").json()
        said = [page(shown), page(again)]
        return [
            [re.sub(r'value="\w{64}"', "", text).replace(email, "…") for text in said],
            (called.status_code, called.content.replace(email.encode(), b"")),
            me["new_email"].replace(email, "…"),
            api.post("/api/auth/email", CHANGE | {"email": email}).status_code,
        ]

    def test_nobody_learns_who_has_an_account(self, ada, bob):
        taken = self.answers(ada, NEW)
        SignInRecord.objects.all().delete()
        keep_address(user=ada)
        Notice.objects.filter(reader=ada).delete()
        assert taken == self.answers(ada, "nobody@example.org")
        assert taken[-1] == 429

    def test_its_owner_is_told(self, ada, bob):
        ask(ada)
        assert sorted(send()) == [
            ("ada@example.com", "Someone asked to change your email address"),
            (NEW, "Your email address already has an account"),
        ]
        notice = told(bob, "address_taken")
        assert "ada" not in f"{mailed(notice)}{words_of(notice)}".lower()
        assert "/password/" in mailed(notice)

    def test_its_owner_is_told_ten_times_a_day_at_most(self, bob):
        for n in range(12):
            browser = browser_of(UserFactory(), f"192.0.2.{n}")
            assert browser.post("/profile/email/", CHANGE).status_code == 302
        assert was_told(bob, "address_taken") == 10

    def test_who_never_proved_it_is_told_too(self, ada, eve):
        """Somebody else may have registered it: a new password brings it back to its owner."""
        send()
        ask(ada, eve.email)
        assert (eve.email, "Your email address already has an account") in send()

    def test_no_link_is_ever_made_for_it(self, ada, bob):
        ask(ada)
        send_link_again(user=User.objects.get(pk=ada.pk), address="192.0.2.1")
        send()
        assert not [sent for sent in mail.outbox if "/email/" in sent.body]

    def test_one_that_is_taken_meanwhile_stays_with_its_owner(self, ada):
        ask(ada)
        path = link(NEW)
        UserFactory(email=NEW)
        answer = press(path)
        assert "now belongs to another account" in page(answer)
        assert User.objects.get(pk=ada.pk).email == "ada@example.com"
        assert User.objects.filter(email=NEW).count() == 1

    def test_whoever_registers_it_is_answered_as_ever(self, ada, client):
        answer = client.register(email=ada.email)
        assert answer.status_code == 400
        assert list(answer.json()["details"]) == ["email"]
        assert send() == []


class TestBombing:
    def test_one_account_asks_for_five_an_hour(self, ada):
        browser = browser_of(ada)
        changes = [CHANGE | {"email": f"u{n}@example.org"} for n in range(6)]
        answers = [browser.post("/profile/email/", change) for change in changes]
        assert [answer.status_code for answer in answers] == [302] * 5 + [429]
        assert 0 < int(answers[5]["Retry-After"]) <= 3600
        assert AddressChange.objects.get().email == "u4@example.org"

    def test_one_place_asks_for_twenty_an_hour(self):
        answers = []
        for n in range(7):
            browser = browser_of(UserFactory())
            for m in range(3):
                change = CHANGE | {"email": f"u{n}-{m}@example.org"}
                answers.append(browser.post("/profile/email/", change).status_code)
        assert answers == [302] * 20 + [429]

    def test_one_account_asks_for_three_an_hour_and_five_a_day_to_one_address(self, ada):
        now, answers = timezone.now(), []
        for hour in range(3):
            with time_machine.travel(now + timedelta(hours=hour, minutes=hour)):
                browser = browser_of(ada, f"192.0.2.{hour}")
                answers += [browser.post("/profile/email/", CHANGE).status_code for _ in range(4)]
        assert answers == [302] * 3 + [429] + [302] * 2 + [429] * 6

    def wanted(self, *people: User) -> list[int]:
        browsers = [browser_of(user, f"192.0.2.{n}") for n, user in enumerate(people)]
        return [browser.post("/profile/email/", CHANGE).status_code for browser in browsers]

    def test_one_address_is_sent_ten_a_day_and_nobody_learns_why(self):
        assert self.wanted(*(UserFactory() for _ in range(13))) == [302] * 13
        assert [to for to, _ in send()].count(NEW) == 10
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
            assert self.wanted(UserFactory()) == [302]
            assert [to for to, _ in send()].count(NEW) == 1

    def test_who_wants_it_truly_is_sent_a_link_whoever_else_asked(self, ada):
        """A crowd of new accounts uses up its own share alone."""
        crowd = [UserFactory(proved_since=None) for _ in range(12)]
        assert self.wanted(*crowd) == [302] * 12
        assert [to for to, _ in send()].count(NEW) == 10
        ask(ada)
        assert [to for to, _ in send()].count(NEW) == 1
        press(link(NEW))
        assert User.objects.get(pk=ada.pk).email == NEW


class TestUndelivered:
    """A new address that its mail server refuses, or whose mail never arrives."""

    SAID = "couldn't be delivered"

    def fail(self, kind: str, became: str = "dropped") -> None:
        Notice.objects.filter(kind=kind, mail="waiting").update(mail=became, mail_note="550 no")

    @pytest.mark.parametrize("became", ["dropped", "set_aside"])
    def test_its_user_reads_so_on_the_profile_until_it_is_sent_again(self, ada, became):
        ask(ada)
        browser = browser_of(ada)
        assert self.SAID not in page(browser.get("/profile/"))
        self.fail("address_to_prove", became)
        assert self.SAID in page(browser.get("/profile/"))
        assert "Use another address" in page(browser.get("/profile/"))
        browser.post("/profile/email/link/")
        assert self.SAID not in page(browser.get("/profile/"))
        ask(ada, "ada@example.net")
        assert self.SAID not in page(browser.get("/profile/"))

    def test_who_has_proved_none_reads_so_on_every_page(self, eve):
        ask(eve)
        self.fail("address_to_prove")
        said = page(browser_of(eve).get("/learning/"))
        assert f"Our email {self.SAID}." in said
        assert NEW in said

    def test_the_refusal_of_ones_own_address_is_not_that_of_the_new_one(self, eve):
        send()
        self.fail("address_to_prove")
        ask(eve)
        assert self.SAID not in page(browser_of(eve).get("/profile/"))

    def test_nobody_learns_that_it_is_taken_by_its_silence(self, ada):
        UserFactory(email=NEW)
        ask(ada)
        self.fail("address_taken")
        assert self.SAID in page(browser_of(ada).get("/profile/"))


class TestStaff:
    @pytest.fixture
    def staff(self) -> Client:
        boss = User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")
        return browser_of(boss)

    def test_an_address_that_staff_give_is_proved_like_any_other(self, ada, staff):
        ask(ada, "ada@example.net")
        body = {"email": NEW, "display_name": "Ada", "time_zone": "UTC", "is_active": "on"}
        assert staff.post(f"/admin/accounts/user/{ada.pk}/change/", body).status_code == 302
        user = User.objects.get(pk=ada.pk)
        assert (user.email, user.email_proved, user.new_email) == (NEW, False, "")
        assert sorted(send()) == [
            ("ada@example.com", "Someone asked to change your email address"),
            ("ada@example.com", "Your email address was changed"),
            (NEW, "Confirm your email address for talkplatform"),
        ]
        press(link(NEW))
        assert User.objects.get(pk=ada.pk).email_proved

    @pytest.mark.django_db(transaction=True)
    def test_staff_save_in_a_transaction_that_is_really_committed(self, staff):
        """Tests run in a transaction of their own, which hides that one cannot begin in another."""
        passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        person = {"email": "bob@example.com", "display_name": "Bob"}
        staff.post("/admin/accounts/user/add/", person | passwords)
        bob = User.objects.get(email="bob@example.com")
        body = {"email": NEW, "display_name": "Bob", "time_zone": "UTC", "is_active": "on"}
        staff.post(f"/admin/accounts/user/{bob.pk}/change/", body)
        assert User.objects.get(pk=bob.pk).email == NEW
        assert was_told(bob, "address_to_prove") == 2

    def test_other_changes_by_staff_doubt_no_address(self, ada, staff):
        body = {"email": ada.email, "display_name": "A", "time_zone": "UTC", "is_active": "on"}
        staff.post(f"/admin/accounts/user/{ada.pk}/change/", body)
        user = User.objects.get(pk=ada.pk)
        assert (user.display_name, user.email_proved) == ("A", True)
        assert send() == []

    def test_a_user_whom_staff_make_is_sent_a_link(self, staff):
        passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
        body = {"email": NEW, "display_name": "Bob"} | passwords
        assert staff.post("/admin/accounts/user/add/", body).status_code == 302
        assert send() == [(NEW, "Confirm your email address for talkplatform")]
        assert "not confirmed" in page(staff.get("/admin/accounts/user/"))


class TestApi:
    def test_a_profile_says_what_is_the_matter_with_the_address(self, eve):
        api = api_of(eve)
        fields = ("email", "email_proved", "email_refused", "new_email")
        me = api.get("/api/auth/me").json()
        assert [me[name] for name in fields] == [eve.email, False, False, ""]
        answer = api.post("/api/auth/email", CHANGE)
        assert (answer.status_code, answer.json()) == (202, {"sent_to": NEW})
        assert api.get("/api/auth/me").json()["new_email"] == NEW
        press(link(NEW))
        me = api.get("/api/auth/me").json()
        assert [me[name] for name in fields] == [NEW, True, False, ""]
        refuse(User.objects.get())
        assert api.get("/api/auth/me").json()["email_refused"] is True
        answer = api.post("/api/auth/email/link")
        assert (answer.status_code, answer.json()) == (202, {"sent_to": NEW})
