"""Parallel uses of one token, one address, one budget: each race, and its twin unguarded."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from accounts import links, proving, services, throttling, tokens
from accounts.errors import TokenNotValid
from accounts.messages import address_changed
from accounts.models import AddressChange, TokenFamily, User
from accounts.proving import ask_to_change_address
from accounts.services import change_password, register
from notices.models import Notice
from notices.services.outbox import put
from tests.accounts.conftest import PASSWORD, Client
from tests.factories import UserFactory

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
    assert Counter(at_once(guess, 20)) == {401: 5, 429: 15}


def test_so_do_those_from_everywhere(ada):
    """They share the budget of the account alone."""
    places = iter(range(30))
    guess = lambda: Client(f"198.51.100.{next(places)}").sign_in(password="guess").status_code  # noqa: E731
    assert Counter(at_once(guess, 30)) == {401: 20, 429: 10}


def test_counted_after_the_password_they_would(ada, monkeypatch):
    """The race is real: with the count read first and written later, every guess is looked at."""
    everybody_has_read = Barrier(20)

    def begin(attempt, user):
        record = throttling.SignInRecord.objects.filter(key=attempt.pair.key).first()
        everybody_has_read.wait(timeout=20)
        if record and record.count >= attempt.pair.limit:
            raise throttling.TooManyAttempts(retry_after=1)
        return []

    monkeypatch.setattr(throttling.SignInAttempt, "begin", begin)
    assert Counter(at_once(guess, 20)) == {401: 20}


@pytest.fixture
def all_have_confirmed(monkeypatch) -> None:
    """Each change of a password waits until all have shown that they know the old one."""
    barrier, check = Barrier(MANY), services.validate_password

    def wait(*given):
        barrier.wait(timeout=20)
        return check(*given)

    monkeypatch.setattr(services, "validate_password", wait)


def change_at_once(user: User) -> list[object]:
    """Each from a place of their own, since an account has few tries from one."""
    passwords = {f"battery staple {n}": f"198.51.100.{n}" for n in range(MANY)}

    def change(new: str) -> None:
        me = User.objects.get(pk=user.pk)
        given = {"current_password": PASSWORD, "new_password": new}
        change_password(user=me, address=passwords[new], **given)

    return in_turn(change, list(passwords))


def test_of_changes_that_know_the_old_password_one_is_made(ada, all_have_confirmed):
    assert kinds(change_at_once(ada)) == {"NoneType": 1, "ValidationError": MANY - 1}
    assert Notice.objects.filter(kind="password_changed").count() == 1


def test_written_whatever_is_there_each_would_undo_the_one_before(
    ada, all_have_confirmed, monkeypatch
):
    """The race is real: an owner's new password is replaced by who knew the old one."""

    def replace(user, new_hash):
        User.objects.filter(pk=user.pk).update(password=new_hash)

    monkeypatch.setattr(services, "replace_password", replace)
    assert kinds(change_at_once(ada)) == {"NoneType": MANY}


NEW = "new@example.com"


def asked_for(*users: User) -> list[str]:
    """Each of them has asked for one address; the tokens that prove it."""
    for user in users:
        ask_to_change_address(user=user, email=NEW, password=PASSWORD, address=user.email)
    return [links.token_for(user.pk, NEW) for user in users]


def prove(token: str) -> User:
    """As its user presses the button, who is logged in."""
    return proving.prove_address(token, visitor=proving.find_proof(token).user)


def in_turn(call: Callable[[str], object], tokens: list[str]) -> list[object]:
    """The calls for each token, at once."""
    left = iter(tokens)
    return at_once(lambda: call(next(left)), len(tokens))


@pytest.fixture
def people(db) -> list[User]:
    return [UserFactory() for _ in range(3)]


def test_one_address_proved_by_several_at_once_is_one_users(people):
    outcomes = in_turn(prove, asked_for(*people))
    assert kinds(outcomes) == {"User": 1, "AddressTaken": 2}
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, User)]
    assert User.objects.get(email=NEW) == winner
    assert AddressChange.objects.count() == 2
    assert Notice.objects.filter(kind="address_changed").count() == 1


def test_looking_before_proving_would_crash(people):
    """The race is real: all find the address free, and all but one meet the bare database error."""
    everybody_has_looked = Barrier(len(people))

    def look_and_prove(token):
        proof = proving.find_proof(token)
        assert not User.objects.filter(email=proof.address).exists()
        everybody_has_looked.wait(timeout=20)
        proving._prove(proof.user, proof.address)

    outcomes = in_turn(look_and_prove, asked_for(*people))
    assert kinds(outcomes) == {"NoneType": 1, "IntegrityError": 2}


def test_one_link_pressed_in_parallel_changes_the_address_once(ada):
    [token] = asked_for(ada)
    assert kinds(at_once(lambda: prove(token))) == {"User": MANY}
    assert User.objects.get().email == NEW
    assert Notice.objects.filter(kind="address_changed").count() == 1


def test_read_first_and_written_after_it_would_be_told_many_times(ada, monkeypatch):
    """The race is real: all find the change waiting, and each of them makes it."""
    everybody_has_read = Barrier(MANY)

    def prove_it(user, address):
        assert user.new_email == address
        everybody_has_read.wait(timeout=20)
        put([address_changed(user, old=user.email, was_proved=True, new=address)])
        User.objects.filter(pk=user.pk).update(email=address)

    monkeypatch.setattr(proving, "_prove", prove_it)
    [token] = asked_for(ada)
    assert kinds(at_once(lambda: prove(token))) == {"User": MANY}
    assert Notice.objects.filter(kind="address_changed").count() == MANY


def test_links_asked_for_in_parallel_have_an_end_too(ada):
    ada.proved_since = None
    outcomes = at_once(lambda: proving.send_link_again(user=ada, address="192.0.2.1"))
    assert kinds(outcomes) == {"str": 3, "TooManyAttempts": MANY - 3}
    assert Notice.objects.filter(kind="address_to_prove").count() == 3
