"""The address of a user's calendar feed: it works for anyone who knows it."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from calendars.models import CalendarFeed
from common.errors import NotFound
from common.tokens import sealed, unsealed

# Users whose feed was fetched within this time see news there.
FOLLOWED = timedelta(days=14)
# Part of every address: another one would change them all.
_PURPOSE = "enrollments.calendar.feeds"
_KEY, _SERIAL = 16, 4  # bytes


def feed_address(feed: CalendarFeed) -> str:
    """The current secret address of a feed."""
    return f"{settings.SITE_URL}{reverse('calendars:feed', args=[token_of(feed)])}"


def own_feed(user: User) -> CalendarFeed:
    """The feed of a user who is logged in.

    Raises `NotFound` if their password has been changed since: the account may have been handed
    over, and the feed be somebody else's by now. Only one statement that reads both can tell.
    """
    for owner in User.objects.as_found(user).select_related("calendar_feed"):
        return feed_of(owner)
    raise NotFound


def feed_of(user: User) -> CalendarFeed:
    """What is known about a user's feed; a new, unsaved row if there is nothing yet."""
    return getattr(user, "calendar_feed", None) or CalendarFeed(user=user)


def token_of(feed: CalendarFeed) -> str:
    """The secret part of a feed's address.

    It is made from the user and the serial, sealed with SECRET_KEY, so that no row gives access and
    the page can show it at any time.
    """
    return sealed(_PURPOSE, feed.user_id.bytes + feed.serial.to_bytes(_SERIAL, "big"))


def find_reader(token: str) -> User:
    """The feed of this token, with its owner; one statement, and none for a forged token.

    Raises `NotFound`, also for a revoked token and a deactivated user.
    """
    user_id, serial = _read(token)
    readers = User.objects.select_related("calendar_feed").filter(pk=user_id, is_active=True)
    for user in readers:
        if feed_of(user).serial == serial:
            return user
    raise NotFound


def follows_feed(user_id: UUID, now: datetime) -> bool:
    """Whether a calendar fetched the user's feed recently; an invitation would appear twice."""
    feeds = CalendarFeed.objects.filter(pk=user_id, fetched_at__gte=now - FOLLOWED)
    return feeds.exists()


def _read(token: str) -> tuple[UUID, int]:
    said = unsealed(_PURPOSE, token)
    return UUID(bytes=said[:_KEY]), int.from_bytes(said[_KEY:], "big")
