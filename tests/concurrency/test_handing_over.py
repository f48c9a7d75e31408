"""An account goes to the owner of its address while its maker looks at its calendar."""

from functools import partial

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User, UserQuerySet
from accounts.proving import use_password_link
from accounts.services import register
from calendars import services, views
from calendars.feeds import feed_of, token_of
from calendars.services import renew_feed
from common.errors import NotFound
from tests.concurrency.racing import race

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
PERSON = {"email": "eve@example.com", "password": "correct horse battery", "display_name": "Eve"}
ROUNDS = 5


@pytest.fixture
def maker() -> User:
    """Somebody who registered another's address, as a request of theirs knows them."""
    return register(**PERSON)


def take_over(account: User) -> str:
    """What the owner of the address does, who then looks where the calendar is."""
    owner = User.objects.get(pk=account.pk)
    use_password_link(user=owner, new_password="battery staple 9", visitor=None)
    return path_of(account)


def path_of(account: User) -> str:
    return f"/calendar/{token_of(feed_of(User.objects.get(pk=account.pk)))}.ics"


def answer_of(path: str) -> int:
    return Client().get(path).status_code


@pytest.fixture
def looked(maker, interruption):
    """The page that was asked for before, and where the owner's calendar is."""
    browser = Client()
    browser.force_login(maker)

    def look() -> tuple[HttpResponse, str]:
        interruption.before(views, "own_feed")
        shown, path = race(
            partial(browser.get, "/calendar/"), interruption.by(partial(take_over, maker))
        )
        return shown, path

    return look


def test_a_page_asked_for_before_shows_nothing_from_after(looked):
    shown, path = looked()
    assert shown.status_code == 404
    assert path not in shown.content.decode()
    assert answer_of(path) == 200


def test_twin_that_reads_the_feed_later_than_the_user_shows_the_owners(looked, monkeypatch):
    monkeypatch.setattr(views, "own_feed", feed_of)
    shown, path = looked()
    assert path in shown.content.decode()
    assert answer_of(path) == 200


@pytest.fixture
def renewed(maker, interruption, monkeypatch):
    """What came of a new address asked for before, and where the owner's calendar is."""
    keep = services._keep

    def slowly(user: User) -> None:
        if user is maker:
            interruption.wait()
        keep(user)

    monkeypatch.setattr(services, "_keep", slowly)
    return lambda: race(partial(renew_feed, user=maker), interruption.by(partial(take_over, maker)))


def test_a_new_address_asked_for_before_does_not_end_the_owners(renewed):
    refused, path = renewed()
    assert isinstance(refused, NotFound)
    assert answer_of(path) == 200


def test_twin_that_does_not_look_at_the_password_ends_it(renewed, monkeypatch):
    monkeypatch.setattr(UserQuerySet, "as_found", lambda users, user: users.filter(pk=user.pk))
    _, path = renewed()
    assert answer_of(path) == 404


def test_nor_does_one_that_is_asked_for_at_once():
    for n in range(ROUNDS):
        maker = register(**PERSON | {"email": f"eve{n}@example.com"})
        old = path_of(maker)
        _, path = race(partial(renew_feed, user=maker), partial(take_over, maker))
        assert (answer_of(old), answer_of(path)) == (404, 200)
