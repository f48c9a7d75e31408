"""What is known about a session's room: its events, who was connected, when it was watched."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ExactCharField
from common.models import LockingQuerySet, UUIDModel


class WebhookEvent(UUIDModel):
    """A LiveKit event as it came, stored before anything is done with it.

    `session` is that of its room, if the room is ours. Without `occurred_at`, its time couldn't be
    read. `note` says what was done with it.
    """

    event_id = ExactCharField(max_length=100, unique=True)
    kind = models.CharField(max_length=100)
    room_name = ExactCharField(max_length=255, blank=True)
    room_sid = ExactCharField(max_length=100, blank=True)
    session = models.ForeignKey(
        "courses.CourseSession", models.SET_NULL, null=True, related_name="webhook_events"
    )
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)
    body = models.TextField()

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "webhook_events"
        indexes = [
            models.Index(fields=["session", "kind"], name="webhook_events_of_session"),
            models.Index(fields=["processed_at"], name="webhook_events_waiting"),
            models.Index(fields=["received_at"], name="webhook_events_newest"),
        ]

    def __str__(self) -> str:
        return self.event_id


class Attendance(UUIDModel):
    """One connection of a user to a session's room, from `joined_at` to `left_at`.

    `joined_at` is missing while nothing says that it became active, `left_at` while it lasts or if
    its end was lost: then its last sign counts, `seen_at`, and the first later poll that did not
    find it, `gone_at`. LiveKit gives each connection a new id, so rejoining adds a row. One that
    was `removed` did not end by itself; `disconnect_reason` is LiveKit's own word for why it ended.
    """

    class Source(models.TextChoices):
        WEBHOOK = "webhook"
        POLL = "poll"

    session = models.ForeignKey("courses.CourseSession", models.CASCADE, related_name="attendances")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="attendances")
    connection = ExactCharField(max_length=100)
    room_sid = ExactCharField(max_length=100)
    joined_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)
    removed = models.BooleanField(default=False)
    disconnect_reason = models.CharField(max_length=50, blank=True)
    source = models.CharField(max_length=20, choices=Source)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "attendances"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "connection"], name="attendances_one_per_connection"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["webhook", "poll"]), name="attendances_source_known"
            ),
        ]
        indexes = [models.Index(fields=["session", "user"], name="attendances_of_session")]

    def __str__(self) -> str:
        return self.connection


class DeedQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """Those that were not undone."""
        return self.filter(undone_at=None)


class RoomDeed(UUIDModel):
    """What somebody did about a session's room: its teacher, or a student at a shut door.

    It stands until it is `undone_at`. `user` is whom it is about: nobody where it is about all.
    """

    class Kind(models.TextChoices):
        REMOVED = "removed", "Removed a student"
        MUTED = "muted", "Muted a student"
        SHARING = "sharing", "Let a student share the screen"
        ENDED = "ended", "Ended the session for all"
        KNOCKED = "knocked", "Asked for a pass after the teacher ended the session"

    session = models.ForeignKey("courses.CourseSession", models.CASCADE, related_name="room_deeds")
    kind = models.CharField(max_length=20, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="room_deeds"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = DeedQuerySet.as_manager()

    class Meta:
        db_table = "room_deeds"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["removed", "muted", "sharing", "ended", "knocked"]),
                name="room_deeds_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["session", "kind"], name="room_deeds_of_session")]

    def __str__(self) -> str:
        return self.Kind(self.kind).label


class RoomWatch(UUIDModel):
    """A time for which it is known who came and went in a session's room.

    There is one row for each LiveKit room, with its id (`room_sid`): when it started and finished,
    as far as its events say. And there is one for each run of answered polls, from the first to the
    last. `seen_at` is the last sign of either. Of a room LiveKit may have dropped events, as many
    as `num_dropped` at once: then it was not watched.
    """

    session = models.ForeignKey(
        "courses.CourseSession", models.CASCADE, related_name="room_watches"
    )
    room_sid = ExactCharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    num_dropped = models.PositiveIntegerField(default=0)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "room_watches"
        verbose_name_plural = "room watches"
        indexes = [models.Index(fields=["session", "room_sid"], name="room_watches_of_session")]

    def __str__(self) -> str:
        return self.room_sid or "polls"
