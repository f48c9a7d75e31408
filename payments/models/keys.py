"""The answers to requests that may be sent again."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.models import LockingQuerySet, UUIDModel


class IdempotencyRecord(UUIDModel):
    """The first answer to a request that carried a key, for its copies."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="idempotency_records"
    )
    # SHA-256 of the client's key: some databases compare text without regard to case.
    key = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "idempotency_records"
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_records_key"),
        ]

    def __str__(self) -> str:
        return self.key
