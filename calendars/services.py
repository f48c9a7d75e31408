"""Calendar feeds: their new addresses, and when they were fetched."""

from datetime import datetime, timedelta

from django.db.models import F

from accounts.models import User
from calendars.feeds import feed_of
from calendars.models import CalendarFeed
from common.errors import NotFound
from common.transactions import operation

NOTED_FOR = timedelta(hours=1)


@operation
def renew_feed(*, user: User) -> None:
    """Give a user's feed a new address; the old one no longer works.

    Nobody has fetched it yet. A repeat gives it yet another one. Raises `NotFound` if the user's
    password has been changed since they were found: the feed may be somebody else's by now. Locks
    the feed.
    """
    _keep(user)
    CalendarFeed.objects.filter(pk=user.pk).update(serial=F("serial") + 1, fetched_at=None)
    # Under the lock, for which a hand-over has waited, or for which this has waited.
    if not User.objects.as_found(user).exists():
        raise NotFound


def hand_over_feed(sender: type[User], user: User, **_: object) -> None:
    """Keep a feed from someone who made the account with an address that isn't theirs."""
    renew_feed(user=user)


def note_fetch(*, user: User, now: datetime) -> None:
    """Note that a calendar fetched the feed of a user from `find_reader`.

    It does nothing within an hour of the last note, or if the feed has a new address by now. Locks
    the feed.
    """
    feed = feed_of(user)
    if feed.fetched_at is None or feed.fetched_at <= now - NOTED_FOR:
        _note(user, feed, now)


@operation
def _note(user: User, feed: CalendarFeed, now: datetime) -> None:
    _keep(user)
    CalendarFeed.objects.filter(pk=user.pk, serial=feed.serial).update(fetched_at=now)


def _keep(user: User) -> None:
    """Make sure that the user's feed has a row; only one of two parallel calls creates it."""
    if feed_of(user)._state.adding:
        CalendarFeed.objects.bulk_create([CalendarFeed(user=user)], ignore_conflicts=True)
