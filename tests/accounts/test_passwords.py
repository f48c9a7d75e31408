"""Passwords are hashed with Argon2id; old hashes are renewed, and cost the same to guess at."""

import re
import subprocess
import sys

import pytest
from django.conf import settings as real
from django.contrib.auth.hashers import MD5PasswordHasher, PBKDF2PasswordHasher, make_password
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts import forms, services
from accounts.errors import InvalidCredentials
from accounts.models import SignInRecord, User
from accounts.passwords import renewed, salt_of
from accounts.proving import ask_to_change_address
from accounts.services import change_password, set_password, sign_in
from tests.accounts.conftest import PASSWORD, Client
from tests.serving import running

ARGON2 = "argon2$argon2id$v=19$m=19456,t=2,p=1$"
# As the driver says it, and as SQLite does.
DEADLOCK = (1213, "Deadlock found") if connection.vendor == "mysql" else ("database is locked",)
HERE = {"address": "192.0.2.1"}
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD} | HERE


class New(MD5PasswordHasher):
    """Quick, and counts its work: the calls are what a stopwatch would see."""

    calls = 0

    def encode(self, password, salt):
        type(self).calls += 1
        return super().encode(password, salt)


class Old(PBKDF2PasswordHasher):
    iterations = 1000
    rounds = 0

    def encode(self, password, salt, iterations=None):
        type(self).rounds += iterations or self.iterations
        return super().encode(password, salt, iterations)


@pytest.fixture
def hashers(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.New", f"{__name__}.Old"]


def have(user: User, password: str) -> None:
    """As the row of a user may be found."""
    User.objects.filter(pk=user.pk).update(password=password)


def work(call) -> tuple[int, int]:
    before = New.calls, Old.rounds
    call()
    return New.calls - before[0], Old.rounds - before[1]


def test_passwords_are_hashed_as_the_settings_say():
    """Read by a process of its own, since the suite has a quicker hasher."""
    told = subprocess.run(
        [sys.executable, "-c", MEASURE],
        env={"SECRET_KEY": "k" * 40, "ENV_FILE": "/dev/null", "PATH": ""},
        cwd=real.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert told[0].startswith(ARGON2)
    assert told[1:3] == ["argon2", "pbkdf2_sha256"]
    # Kilobytes that a hash takes at most, of each process that hashes at the moment.
    assert 19_000 < int(told[3]) < 30_000


MEASURE = """
import os, re
os.environ["DJANGO_SETTINGS_MODULE"] = "talkplatform.settings"
import django
django.setup()
from django.contrib.auth.hashers import get_hashers, make_password
names = [hasher.algorithm for hasher in get_hashers()]
import argon2
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
print(make_password("correct horse battery"), *names)
print(peak() - before)
"""


@pytest.mark.django_db
class TestWork:
    """What a refusal costs says nothing about the account."""

    UNKNOWN, STORED = "nobody@example.com", CREDENTIALS["email"]

    @pytest.mark.parametrize(
        "stored", ["new", "old", "older", "unusable", "of no hasher", "deactivated", "nobody's"]
    )
    @pytest.mark.parametrize("password", [PASSWORD, "wrong guess"])
    def test_every_refusal_costs_the_same(self, ada, hashers, stored, password):
        if stored == "deactivated":
            User.objects.update(is_active=False)
        elif password == PASSWORD:
            password = "another guess"
        have(
            ada,
            {
                "new": New().encode(PASSWORD, "salt" * 8),
                "old": Old().encode(PASSWORD, "salt" * 8),
                "older": Old().encode(PASSWORD, "salt" * 8, 600),
                "unusable": make_password(None),
                "of no hasher": "scrypt$what$ever",
                "deactivated": Old().encode(PASSWORD, "salt" * 8),
                "nobody's": make_password(PASSWORD),
            }[stored],
        )
        email = self.UNKNOWN if stored == "nobody's" else self.STORED

        def guess():
            with pytest.raises(InvalidCredentials):
                sign_in(email=email, password=password, **HERE, opens=lambda user: user)

        assert work(guess) == (1, 1000)

    def test_coming_in_costs_the_new_hasher_alone(self, ada, hashers):
        have(ada, New().encode(PASSWORD, "salt" * 8))
        assert work(lambda: sign_in(**CREDENTIALS, opens=lambda user: user)) == (1, 0)

    def test_without_old_hashes_so_does_a_refusal(self, ada, settings):
        settings.PASSWORD_HASHERS = [f"{__name__}.New"]
        assert work(lambda: Client().sign_in(password="wrong guess")) == (1, 0)
        assert work(lambda: Client().sign_in(email=self.UNKNOWN)) == (1, 0)


@pytest.mark.django_db
class TestRenewal:
    @pytest.fixture(autouse=True)
    def old(self, ada, hashers) -> str:
        encoded = Old().encode(PASSWORD, "salt" * 8)
        have(ada, encoded)
        return encoded

    @property
    def stored(self) -> str:
        return User.objects.get().password

    def test_the_next_sign_in_renews_an_old_hash(self, client):
        access = client.sign_in().json()["access"]
        assert self.stored.startswith("md5$")
        stored = self.stored
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        assert client.get("/api/auth/me").status_code == 200
        client.credentials()
        assert client.sign_in().status_code == 200
        assert self.stored == stored

    @pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
    def test_so_does_that_of_a_page_whose_session_goes_on(self, path):
        User.objects.update(is_staff=True, is_superuser=True)
        browser = Browser()
        browser.post(path, {"username": "ada@example.com", "password": PASSWORD})
        assert self.stored.startswith("md5$")
        assert browser.get("/profile/").status_code == 200

    @pytest.mark.parametrize(("salt", "stays"), [("salt" * 8, True), ("short", False)])
    def test_it_keeps_its_salt_if_that_is_long_enough(self, ada, settings, salt, stays):
        settings.PASSWORD_HASHERS = ["accounts.passwords.Argon2", f"{__name__}.Old"]
        have(ada, Old().encode(PASSWORD, salt))
        sign_in(**CREDENTIALS, opens=lambda user: user)
        assert self.stored.startswith(ARGON2)
        assert (salt_of(self.stored) == salt) is stays
        assert renewed(PASSWORD, User.objects.get()) == ""

    def test_a_wrong_guess_renews_nothing(self, old, client):
        client.sign_in(password="wrong guess")
        assert self.stored == old

    def test_confirming_it_renews_nothing_so_that_nobody_is_logged_out(self, ada, old):
        ask_to_change_address(user=ada, email="ada@example.org", password=PASSWORD, **HERE)
        assert self.stored == old

    def test_who_comes_in_from_two_places_at_once_gets_in_at_both(self, ada, monkeypatch):
        """The other one has renewed the hash by the time this one would."""
        check = services.renewed

        def meanwhile(password, user):
            monkeypatch.setattr(services, "renewed", check)
            assert Client().sign_in().status_code == 200
            return check(password, user)

        monkeypatch.setattr(services, "renewed", meanwhile)
        client = Client()
        access = client.sign_in().json()["access"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        assert client.get("/api/auth/me").status_code == 200

    def test_a_password_that_was_changed_meanwhile_lets_nobody_in(self, ada, monkeypatch):
        check = services.renewed

        def meanwhile(password, user):
            set_password(user=User.objects.get(), new_password="battery staple 9")
            return check(password, user)

        monkeypatch.setattr(services, "renewed", meanwhile)
        assert Client().sign_in().status_code == 401
        assert self.stored.startswith("md5$")


@pytest.mark.django_db
class TestKnownAddresses:
    """Where the owner signed in before, an attack on the account from elsewhere doesn't count."""

    PREPARED = 6

    def guesses(self) -> int:
        answers = [
            Client(f"198.51.100.{n}").sign_in(password="wrong guess").status_code
            for n in range(self.PREPARED)
            for _ in range(5)
        ]
        return answers.count(401)

    @pytest.fixture(autouse=True)
    def prepared(self, ada):
        """Somebody who knows the password signs in at many places."""
        for n in range(self.PREPARED):
            assert Client(f"198.51.100.{n}").sign_in().status_code == 200

    def test_a_new_password_makes_them_unknown(self, ada):
        change_password(
            user=ada, current_password=PASSWORD, new_password="battery staple 9", **HERE
        )
        assert self.guesses() == 20

    def test_a_new_hash_of_the_same_password_does_not(self, settings):
        """It is renewed by a login from anywhere; the owner's own places have to stay known."""
        settings.PASSWORD_HASHERS = [f"{__name__}.Old", *settings.PASSWORD_HASHERS]
        assert Client("203.0.113.77").sign_in().status_code == 200
        assert User.objects.get().password.startswith("pbkdf2")
        assert self.guesses() == 5 * self.PREPARED

    def test_so_does_a_password_link(self, ada, client):
        services.set_password(user=ada, new_password="battery staple 9")
        assert self.guesses() == 20

    def test_where_the_owner_comes_in_with_it_is_known(self, ada):
        set_password(user=ada, new_password="battery staple 9")
        owner = Client("203.0.113.7")
        assert owner.sign_in(password="battery staple 9").status_code == 200
        self.guesses()
        assert owner.sign_in(password="battery staple 9").status_code == 200
        assert Client("203.0.113.8").sign_in(password="battery staple 9").status_code == 429


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
class TestTwoTransactions:
    """One takes the attempt, before the password is looked at; one gives it back."""

    def said(self, call) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            call()
        return [query["sql"] for query in captured]

    def transactions(self, said: list[str]) -> int:
        return said.count("COMMIT")

    def writes(self, said: list[str]) -> list[str]:
        last = len(said) - said[::-1].index("COMMIT")
        return [sql for sql in said[last:] if re.match("INSERT|UPDATE|DELETE", sql)]

    def test_of_the_api(self, ada):
        Client().sign_in()
        said = self.said(lambda: Client().sign_in())
        assert self.transactions(said) == 2
        assert self.writes(said) == []

    def test_of_a_page(self, ada):
        browser = Browser()
        words = {"username": "ada@example.com", "password": PASSWORD}
        said = self.said(lambda: browser.post("/login/", words))
        assert self.transactions(said) == 2
        assert self.writes(said) == []
        assert browser.get("/profile/").status_code == 200

    def test_a_refusal_is_one(self, ada):
        assert self.transactions(self.said(lambda: Client().sign_in(password="guess"))) == 1

    def test_a_process_that_dies_between_them_gives_nothing_back(self, ada):
        for _ in range(5):
            with running("-m", "tests.accounts.dying", ada.email) as dying:
                assert dying.wait(timeout=60) == -9
        assert sorted(SignInRecord.objects.values_list("count", flat=True)) == [5, 5, 5]
        assert Client("192.0.2.1").sign_in().status_code == 429

    def test_a_session_is_opened_with_it_or_not_at_all(self, ada, monkeypatch):
        """The second transaction fails at its end, and is tried again as a whole."""
        login, tries = forms.login, []

        def once_in_vain(request, user):
            login(request, user)
            tries.append(request.session.session_key)
            if len(tries) == 1:
                request.session.save()
                raise OperationalError(*DEADLOCK)

        monkeypatch.setattr(forms, "login", once_in_vain)
        browser = Browser()
        browser.post("/login/", {"username": "ada@example.com", "password": PASSWORD})
        assert browser.get("/profile/").status_code == 200
        assert [row.session_key for row in Session.objects.all()] == tries[1:]
