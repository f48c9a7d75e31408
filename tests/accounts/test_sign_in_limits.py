import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import call_command
from django.utils import timezone

from accounts.errors import TooManyAttempts
from accounts.models import SignInRecord, User
from accounts.services import change_password
from accounts.throttling import Budget, take
from tests.accounts.conftest import PASSWORD, Client

pytestmark = pytest.mark.django_db


def attack(address: str, email: str = "ada@example.com", times: int = 1) -> list[int]:
    client = Client(address)
    return [client.sign_in(email, "wrong guess").status_code for _ in range(times)]


def attack_from_everywhere() -> list[int]:
    return [status for n in range(25) for status in attack(f"198.51.100.{n}")]


class CountingHasher(MD5PasswordHasher):
    """Work is done here: the calls are what a stopwatch would see."""

    calls = 0

    def encode(self, password, salt):
        type(self).calls += 1
        return super().encode(password, salt)


@pytest.mark.parametrize("who", ["unknown", "wrong password", "deactivated"])
def test_whoever_guesses_learns_nothing(ada, client, settings, who):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    User.objects.update(is_active=who != "deactivated")
    before = CountingHasher.calls
    answer = client.sign_in(
        "nobody@example.com" if who == "unknown" else "ada@example.com",
        "wrong guess" if who == "wrong password" else PASSWORD,
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert answer.json()["details"] == {}
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert CountingHasher.calls == before + 1


def test_five_wrong_guesses_from_one_place_are_all(ada, client):
    assert attack("192.0.2.1", times=6) == [401] * 5 + [429]
    answer = client.sign_in()
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        assert attack("192.0.2.1", times=6) == [401] * 5 + [429]
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.sign_in().status_code == 200


def test_a_window_that_has_ended_opens_anew(db):
    budget = Budget("key", limit=2, window=timedelta(minutes=5))
    SignInRecord.objects.create(key="key", count=2, expires_at=timezone.now())
    take([budget])
    take([budget])
    with pytest.raises(TooManyAttempts):
        take([budget])


def test_of_several_budgets_all_are_taken_or_none(db):
    few, many = (Budget(name, limit, timedelta(minutes=5)) for name, limit in (("a", 1), ("b", 9)))
    take([many, few])
    with pytest.raises(TooManyAttempts):
        take([many, few])
    assert dict(SignInRecord.objects.values_list("key", "count")) == {"a": 1, "b": 1}


def test_an_unknown_account_is_limited_the_same(db):
    assert attack("192.0.2.1", "nobody@example.com", times=6) == [401] * 5 + [429]


@pytest.mark.parametrize("spelling", ["ADA@example.com", " ada@example.com ", "ada@EXAMPLE.com"])
@pytest.mark.both
def test_another_spelling_is_no_other_account(ada, spelling):
    attack("192.0.2.1", times=5)
    assert attack("192.0.2.1", spelling) == [429]


@pytest.mark.both
def test_an_accent_does_not_find_the_account(ada, client):
    assert client.sign_in("ádá@example.com").status_code == 401


def test_a_success_forgets_the_failures_before_it(ada, client):
    attack("192.0.2.1", times=4)
    assert client.sign_in().status_code == 200
    assert attack("192.0.2.1", times=6) == [401] * 5 + [429]


def test_signing_in_rightly_is_not_limited(ada, client):
    assert {client.sign_in().status_code for _ in range(60)} == {200}


def test_an_address_has_fifty_failures_over_all_accounts(ada):
    statuses = [s for n in range(51) for s in attack("192.0.2.1", f"user{n}@example.com")]
    assert statuses == [401] * 50 + [429]
    assert Client("192.0.2.1").sign_in().status_code == 429
    assert Client("192.0.2.2").sign_in().status_code == 200


def test_a_right_password_of_ones_own_does_not_renew_the_guesses(ada, client):
    User.objects.create_user("eve@example.com", PASSWORD, display_name="Eve")
    for n in range(50):
        attack("192.0.2.1", f"user{n}@example.com")
        client.sign_in("eve@example.com")
    assert attack("192.0.2.1", "user51@example.com") == [429]


def test_an_attack_from_another_place_does_not_lock_the_victim_out(ada, client):
    attack("198.51.100.1", times=10)
    assert client.sign_in().status_code == 200


def test_an_attack_from_everywhere_is_stopped_and_the_owner_gets_in(ada, client):
    client.sign_in()
    assert attack_from_everywhere() == [401] * 20 + [429] * 5
    assert client.sign_in().status_code == 200
    assert Client("203.0.113.7").sign_in().status_code == 429


def test_where_somebody_changed_their_password_they_get_in_whoever_attacks(ada, client):
    changed = {"current_password": PASSWORD, "new_password": "battery staple 9"}
    change_password(user=ada, address="192.0.2.1", **changed)
    attack_from_everywhere()
    assert client.sign_in(password="battery staple 9").status_code == 200


@pytest.mark.parametrize("path", ["/api/auth/register", "/register/"])
def test_where_somebody_registered_they_get_in_whoever_attacks(db, client, path):
    person = {"email": "ada@example.com", "password": PASSWORD, "display_name": "Ada"}
    as_form = {"format": "multipart"} if path == "/register/" else {}
    client.post(path, person | {"time_zone": "UTC"}, **as_form)
    attack_from_everywhere()
    assert client.sign_in().status_code == 200


def test_only_a_right_password_makes_an_address_known(ada, client):
    attack("192.0.2.1")
    attack_from_everywhere()
    assert client.sign_in().status_code == 429


def test_an_address_known_to_one_account_is_not_known_to_another(ada, client):
    User.objects.create_user("eve@example.com", PASSWORD, display_name="Eve")
    client.sign_in("eve@example.com")
    attack_from_everywhere()
    assert client.sign_in().status_code == 429


def test_a_forged_forwarding_header_is_no_new_address(ada):
    statuses = [
        Client().sign_in(password="wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{n}").status_code
        for n in range(6)
    ]
    assert statuses == [401] * 5 + [429]


def test_behind_a_proxy_what_it_wrote_counts_and_what_came_before_does_not(ada, settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}

    def guess(forwarded: str) -> int:
        client = Client("10.0.0.1")
        return client.sign_in(password="wrong", HTTP_X_FORWARDED_FOR=forwarded).status_code

    assert [guess(f"203.0.113.{n}, 192.0.2.1") for n in range(6)] == [401] * 5 + [429]
    assert guess("192.0.2.1, 192.0.2.9") == 401


def test_a_network_of_version_six_is_one_address(ada):
    statuses = [s for n in range(6) for s in attack(f"2001:db8:0:1::{n:x}")]
    assert statuses == [401] * 5 + [429]
    assert attack("2001:db8:0:2::1") == [401]
    assert attack("::ffff:192.0.2.1", times=5) == [401] * 5
    assert attack("192.0.2.1") == [429]


@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("value", [None, [], {}, 7, True, "", "a\0b", "a\ud800b", "x" * 255])
def test_malformed_credentials_are_named(client, field, value):
    answer = client.sign_in(**{field: value})
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [field]


def test_old_records_go_and_name_nobody(ada, client):
    attack("192.0.2.1", times=2)
    assert SignInRecord.objects.count() == 3
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        attack("192.0.2.2", "bob@example.com")
        call_command("prune_sign_ins", stdout=StringIO())
    assert SignInRecord.objects.filter(expires_at__lt=timezone.now()).count() == 0
    assert SignInRecord.objects.count() == 3
    assert all(re.fullmatch("[0-9a-f]{64}", record.key) for record in SignInRecord.objects.all())
