"""What is stored about calendars: a user's feed."""

from django.conf import settings
from django.db import models


class CalendarFeed(models.Model):
    """What is stored about a user's calendar feed; without a row it is new.

    Its secret address is made from the `serial` (feeds.py), so a new serial makes a new
    address. `fetched_at` is when a calendar fetched it, to the hour.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="calendar_feed"
    )
    serial = models.PositiveIntegerField(default=0)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "calendar_feeds"

    def __str__(self) -> str:
        return str(self.pk)
