from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import TokenFamily, User
from accounts.services import change_password
from accounts.tokens import GRACE
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def refused(answer) -> bool:
    return (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def later(**by: float):
    return time_machine.travel(timezone.now() + timedelta(**by))


def test_a_refresh_token_gives_a_pair_that_goes_on(pair, client):
    for _ in range(3):
        answer = client.refresh(pair["refresh"])
        assert answer.status_code == 200
        assert set(answer.json()) == {"access", "refresh"}
        assert answer.json()["refresh"] != pair["refresh"]
        pair = answer.json()
    assert TokenFamily.objects.count() == 1


def test_a_stale_header_is_in_nobodys_way(pair, client):
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")
    assert client.refresh(pair["refresh"]).status_code == 200
    assert client.sign_in().status_code == 200


def test_a_token_sent_twice_in_a_moment_is_refused_and_no_more(pair, client):
    fresh = client.refresh(pair["refresh"]).json()["refresh"]
    assert refused(client.refresh(pair["refresh"]))
    assert client.refresh(fresh).status_code == 200


def test_a_later_reuse_ends_the_family(pair, client):
    other = client.sign_in().json()["refresh"]
    fresh = client.refresh(pair["refresh"]).json()["refresh"]
    with later(seconds=GRACE.total_seconds() + 1):
        assert refused(client.refresh(pair["refresh"]))
        assert refused(client.refresh(fresh))
        assert client.refresh(other).status_code == 200


def test_the_reuse_of_an_older_token_ends_the_family_at_once(pair, client):
    second = client.refresh(pair["refresh"]).json()["refresh"]
    third = client.refresh(second).json()["refresh"]
    assert refused(client.refresh(pair["refresh"]))
    assert refused(client.refresh(third))


def test_a_changed_password_ends_the_refresh_tokens(pair, ada, client):
    change_password(
        user=ada, current_password=PASSWORD, new_password="battery staple 9", address="192.0.2.1"
    )
    assert refused(client.refresh(pair["refresh"]))


def test_a_deactivated_user_refreshes_nothing(pair, client):
    User.objects.update(is_active=False)
    assert refused(client.refresh(pair["refresh"]))


def test_a_family_lives_on_with_its_use_and_ends_without(pair, client):
    with later(days=13):
        fresh = client.refresh(pair["refresh"]).json()["refresh"]
    with later(days=26):
        fresh = client.refresh(fresh).json()["refresh"]
    with later(days=41):
        assert refused(client.refresh(fresh))


def test_logout_ends_the_family_however_often(pair, client):
    fresh = client.refresh(pair["refresh"]).json()["refresh"]
    assert client.logout(pair["refresh"]).status_code == 204
    assert client.logout(fresh).status_code == 204
    assert client.logout(fresh).status_code == 204
    assert refused(client.refresh(fresh))


def test_logout_ends_one_sign_in_and_not_the_others(pair, client):
    other = client.sign_in().json()["refresh"]
    client.logout(pair["refresh"])
    assert client.refresh(other).status_code == 200


@pytest.mark.parametrize("call", ["refresh", "logout"])
def test_what_is_no_refresh_token_is_refused(pair, client, call):
    for token in (pair["access"], "garbage", "a.b.c", "[" * 1900, "é.ü.☃"):
        assert refused(getattr(client, call)(token))


@pytest.mark.parametrize("call", ["refresh", "logout"])
@pytest.mark.parametrize("token", [None, 7, [], {}, "", "a\0b", "a\ud800b", "x" * 2001])
def test_what_is_no_token_at_all_is_malformed(client, call, token):
    answer = getattr(client, call)(token)
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == ["refresh"]


def test_a_refresh_token_of_no_family_is_refused(pair, client):
    token = RefreshToken(pair["refresh"])
    del token["family"]
    assert refused(client.refresh(str(token)))
