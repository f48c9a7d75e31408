"""What people are told: one row is both the notice in the product and the email."""

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.fields import ExactCharField
from common.models import LockingQuerySet, UUIDModel

LONGEST_NOTE = 200


class NoticeQuerySet(LockingQuerySet):
    def shown_to(self, reader_id: UUID) -> Self:
        """What the product shows a reader, newest first."""
        return self.filter(reader=reader_id, is_notice=True).order_by("-created_at", "-pk")

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def to_acknowledge(self) -> Self:
        """Notices that stay in view until the reader confirms them."""
        return self.filter(must_acknowledge=True, acknowledged_at=None)


class Notice(UUIDModel):
    """What one reader is told once, written by the transaction that it is about.

    `kind` names what turns the `facts` into words (kinds.py). Words, zone, address and choices are
    looked up when it is sent or shown; the facts never are. `dedupe_key` makes telling twice the
    same as once. Nothing in it gives access: links that do are made when it is sent.

    `mail` says what happened to the email, `mailed_at` when, and `mail_note` why it wasn't sent. An
    email that hasn't been sent by `until` is dropped. `calendar` is what it said to calendars, once
    it was sent: the method by the UID of each event. Without `is_notice` it is only an email.
    Course and session are keys without a constraint, which would lock rows of money calls out of
    order.
    """

    class Mail(models.TextChoices):
        NONE = "none"
        WAITING = "waiting"
        SENT = "sent"
        DROPPED = "dropped"
        SET_ASIDE = "set_aside", "Set aside"

    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", db_index=False
    )
    kind = ExactCharField(max_length=40)
    dedupe_key = ExactCharField(max_length=200, unique=True)
    facts = models.JSONField(default=dict)
    course_id = models.UUIDField(null=True)
    session_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    is_notice = models.BooleanField(default=True)
    must_acknowledge = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    mail = models.CharField(max_length=10, choices=Mail, default=Mail.NONE)
    until = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)
    mail_note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    calendar = models.JSONField(null=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        db_table = "notices"
        permissions = [("send_notice", "Can send mails again, also to addresses that were stopped")]
        indexes = [
            models.Index(fields=["reader", "is_notice", "read_at"], name="notices_of_reader"),
            models.Index(fields=["mail", "reader"], name="notices_by_mail"),
            models.Index(fields=["created_at"], name="notices_by_age"),
            models.Index(fields=["kind"], name="notices_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def sum(self, name: str) -> Decimal:
        """A fact that is an amount."""
        return Decimal(self.facts[name])

    def time(self, name: str) -> datetime:
        """A fact that is a time."""
        return datetime.fromisoformat(self.facts[name])

    def key(self, name: str) -> UUID | None:
        """A fact that is a key; None if it is missing."""
        return UUID(self.facts[name]) if self.facts.get(name) else None

    def text(self, name: str) -> str:
        """A fact that is text; empty if it is missing."""
        fact = self.facts.get(name)
        return "" if fact is None else str(fact)


class Mailbox(models.Model):
    """Whether emails are sent to a reader now; created with the first one.

    `claimed_by` is the sender that has it, until `claimed_until` by the clock of the database.
    After `failures` in a row it pauses until `rests_until`. `stopped_address` was refused for good,
    with this `refusal`: nothing goes there until it is confirmed again, or staff have it tried.
    """

    reader = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="mailbox"
    )
    claimed_by = models.CharField(max_length=100, blank=True)
    claimed_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    stopped_address = ExactCharField(max_length=254, blank=True)
    stopped_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=LONGEST_NOTE, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "mailboxes"
        verbose_name_plural = "mailboxes"
        indexes = [
            models.Index(fields=["stopped_at"], name="mailboxes_stopped"),
            models.Index(fields=["stopped_address"], name="mailboxes_by_stopped"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_stopped(self) -> bool:
        """Whether the reader's current address was refused for good."""
        return bool(self.stopped_address) and self.stopped_address == self.reader.email


class TurnedOff(models.Model):
    """A reader gets no emails of this group of kinds; what the site shows stays the same."""

    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="turned_off", db_index=False
    )
    group = ExactCharField(max_length=20)
    turned_off_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "turned_off_emails"
        constraints = [
            models.UniqueConstraint(fields=["reader", "group"], name="turned_off_emails_once")
        ]

    def __str__(self) -> str:
        return f"{self.group} of {self.reader_id}"


class MailServer(models.Model):
    """The state of the mail server once it has failed: there is one row, or none.

    After `failures` in a row it is left alone until `rests_until`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=LONGEST_NOTE, blank=True)

    class Meta:
        db_table = "mail_server"
        verbose_name_plural = "mail server"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="mail_server_one")]

    def __str__(self) -> str:
        return "The mail server"
