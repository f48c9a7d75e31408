"""Parallel uses of one token, one address, one budget: each race, and its twin unguarded."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from accounts import services, throttling, tokens
from accounts.errors import TokenNotValid
from accounts.models import TokenFamily, User
from accounts.services import register
from tests.accounts.conftest import PASSWORD, Client

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

MANY = 8


def at_once(call: Callable[[], object], times: int = MANY) -> list[object]:
    """What each of many threads got, or what it raised; all start together."""
    barrier = Barrier(times)

    def run() -> object:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(times)]]


def kinds(outcomes: list[object]) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes)


def test_one_refresh_token_used_in_parallel_gives_one_pair(pair):
    outcomes = at_once(lambda: tokens.rotate(pair["refresh"]))
    assert kinds(outcomes) == {"dict": 1, "TokenNotValid": MANY - 1}
    [fresh] = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert tokens.rotate(fresh["refresh"])


def test_read_first_and_written_after_it_would_give_many(pair, monkeypatch):
    """The race is real: the same answer by a SELECT and an UPDATE lets several through."""
    everybody_has_read = Barrier(MANY)

    def use(token, next_jti):
        family = TokenFamily.objects.get(pk=token["family"])
        everybody_has_read.wait(timeout=20)
        if family.jti != token["jti"]:
            return False
        family.jti = next_jti
        family.save()
        return True

    monkeypatch.setattr(tokens, "_use", use)
    assert kinds(at_once(lambda: tokens.rotate(pair["refresh"]))) == {"dict": MANY}


def test_a_rotation_beside_a_logout_leaves_nothing_alive(pair):
    calls = iter([tokens.end, *[tokens.rotate] * (MANY - 1)])
    outcomes = at_once(lambda: next(calls)(pair["refresh"]))
    assert not set(kinds(outcomes)) - {"NoneType", "dict", "TokenNotValid"}
    for fresh in (outcome for outcome in outcomes if isinstance(outcome, dict)):
        with pytest.raises(TokenNotValid):
            tokens.rotate(fresh["refresh"])


def sign_up() -> User:
    return register(email="ada@example.com", password=PASSWORD, display_name="Ada")


def test_one_address_registered_in_parallel_is_one_user():
    outcomes = at_once(sign_up)
    assert kinds(outcomes) == {"User": 1, "ValidationError": MANY - 1}
    refusals = [outcome for outcome in outcomes if isinstance(outcome, ValidationError)]
    assert all(list(refusal.message_dict) == ["email"] for refusal in refusals)
    assert User.objects.count() == 1


def test_looking_before_registering_would_crash(monkeypatch):
    """The race is real: all find the address free, and all but one meet the bare database error."""
    everybody_has_looked = Barrier(MANY)

    def look_and_save(user):
        assert not User.objects.filter(email=user.email).exists()
        everybody_has_looked.wait(timeout=20)
        user.save(force_insert=True)

    monkeypatch.setattr(services, "_save", look_and_save)
    outcomes = at_once(sign_up)
    assert kinds(outcomes) == {"User": 1, "ValidationError": MANY - 1}
    refusals = [outcome for outcome in outcomes if isinstance(outcome, ValidationError)]
    assert all(isinstance(refusal.__cause__, IntegrityError) for refusal in refusals)


def guess() -> int:
    return Client().sign_in(password="wrong guess").status_code


def test_parallel_guesses_get_no_further_than_guesses_in_turn(ada):
    assert Counter(at_once(guess, 12)) == {401: 5, 429: 7}


def test_counted_after_the_password_they_would(ada, monkeypatch):
    """The race is real: with the count read first and written later, every guess is looked at."""
    everybody_has_read = Barrier(12)

    def begin(attempt):
        record = throttling.SignInRecord.objects.filter(key=attempt.pair.key).first()
        everybody_has_read.wait(timeout=20)
        if record and record.count >= attempt.pair.limit:
            raise throttling.TooManyAttempts(retry_after=1)
        return []

    monkeypatch.setattr(throttling.SignInAttempt, "begin", begin)
    assert Counter(at_once(guess, 12)) == {401: 12}
