"""Addresses that are refused, taken, or asked for too often."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.messages import tell_password_changed
from accounts.models import AddressChange, SignInRecord, User
from accounts.proving import (
    keep_address,
    send_link_again,
)
from notices.models import Mailbox, Notice
from tests.accounts.conftest import PASSWORD
from tests.accounts.proofs import (
    CHANGE,
    NEW,
    api_of,
    ask,
    browser_of,
    link,
    page,
    press,
    refuse,
    send,
)
from tests.factories import UserFactory
from tests.telling import mailed, told, was_told, words_of

pytestmark = pytest.mark.django_db


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
