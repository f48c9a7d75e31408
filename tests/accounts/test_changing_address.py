"""An address is changed to another, once that is proved."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import links, proving
from accounts.models import AddressChange, User
from accounts.proving import keep_address
from accounts.services import set_password
from accounts.tokens import open_family
from tests.accounts.conftest import Client as ApiClient
from tests.accounts.proofs import (
    CHANGE,
    GONE,
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
from tests.telling import mailed, told, words_of

pytestmark = pytest.mark.django_db


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
