"""A password link proves an address, and hands the account over to its owner."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import proving, services
from accounts.models import User
from accounts.proving import (
    doubt_address,
    use_password_link,
)
from accounts.services import change_password, change_profile, set_password
from accounts.tokens import open_family
from calendars.feeds import feed_address, feed_of
from notices.kinds import Group
from notices.models import Mailbox, TurnedOff
from notices.services.choosing import choose_emails
from tests.accounts.conftest import PASSWORD
from tests.accounts.conftest import Client as ApiClient
from tests.accounts.proofs import (
    CHANGED,
    GONE,
    NEW,
    NEW_PASSWORD,
    api_of,
    ask,
    browser_of,
    choose_a_password,
    link,
    page,
    press,
    refuse,
    reset,
    send,
)
from tests.factories import UserFactory
from tests.telling import was_told

pytestmark = pytest.mark.django_db


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
        self.refresh, self.feed = open_family(user)["refresh"], feed_address(feed_of(user))
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


def by_staff(path: str, body: dict[str, str]) -> None:
    boss = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser(
        "boss@example.com", PASSWORD, display_name="Boss"
    )
    answer = browser_of(boss).post(f"/admin/accounts/user/{path}/", body)
    assert answer.status_code == 302, page(answer)


def make(email: str) -> User:
    """An account that staff make in the admin."""
    password = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    by_staff("add", {"email": email, "display_name": "Anna"} | password)
    return User.objects.get(email=email)


def give(user: User, email: str) -> None:
    """Have staff change the address of an account."""
    same = {"display_name": user.display_name, "time_zone": "UTC", "is_active": "on"}
    by_staff(f"{user.pk}/change", same | {"email": email})


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

    @pytest.mark.parametrize("address", ["eve@example.net", "ada@example.net"])
    def test_so_does_who_confirms_the_address_that_staff_corrected(self, eve, owns, address):
        give(eve, address)
        press(link(address), owns.browser, "")
        choose_a_password(reset(address))
        assert owns.left() == KEPT

    def test_a_second_password_link_takes_nothing_more(self, eve):
        choose_a_password(reset(eve.email))
        owner = User.objects.get(pk=eve.pk)
        change_profile(user=owner, display_name="Bob", time_zone="UTC")
        feed = feed_address(feed_of(owner))
        use_password_link(user=owner, **NEW_PASSWORD)
        assert User.objects.get(pk=eve.pk).display_name == "Bob"
        assert Client().get(feed).status_code == 200


class TestVouched:
    """Staff gave the address, and know whose account it is."""

    @pytest.fixture
    def made(self) -> User:
        """Somebody whose account staff made."""
        return make("t@example.com")

    def test_who_was_given_an_account_keeps_what_they_have(self, made):
        owns = Holdings(made)
        answer = choose_a_password(reset(made.email))
        assert "reset" not in page(answer)
        assert owns.left() == KEPT
        assert User.objects.get(pk=made.pk).email_proved

    def test_so_does_who_was_given_another_address(self, ada):
        owns = Holdings(ada)
        give(ada, NEW)
        choose_a_password(reset(NEW))
        assert owns.left() == KEPT
        assert User.objects.get(pk=ada.pk).email_proved

    def test_so_do_both_when_staff_correct_what_they_gave(self, ada, made):
        for user, addresses in ((ada, (NEW, "ada@example.net")), (made, ("s@example.com",))):
            owns = Holdings(user)
            for address in addresses:
                give(user, address)
            choose_a_password(reset(addresses[-1]))
            assert owns.left() == KEPT

    def test_whose_maker_proved_nothing_is_a_strangers_whatever_staff_correct(self, eve):
        """Staff believe the owner of an address, who believes the account to be their own."""
        owns = Holdings(eve)
        for address in ("eva@example.com", "eve@example.org"):
            give(eve, address)
        answer = choose_a_password(reset("eve@example.org"))
        assert "your name, your calendar's address" in page(answer)
        assert owns.left() == set()

    def test_who_reads_a_mail_that_staff_misdirected_proves_nothing_by_it(self, made, ada):
        path = link(made.email)
        for browser in (Client(), browser_of(ada)):
            press(path, browser, password="")
        assert not User.objects.get(pk=made.pk).email_proved


class TestLast:
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
