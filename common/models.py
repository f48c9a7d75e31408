"""What every table has: time-ordered keys and locking."""

from typing import Self

from django.db import models
from uuid_utils.compat import uuid7


class LockingQuerySet(models.QuerySet):
    def locked(self) -> Self:
        """The rows of this table FOR UPDATE, once evaluated; never those of joined tables."""
        return self.select_for_update()

    def claimed(self) -> Self:
        """Those rows that nothing else has locked, FOR UPDATE, without waiting."""
        return self.select_for_update(skip_locked=True)


class UUIDModel(models.Model):
    # Time-ordered keys keep inserts at the end of the index.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(UUIDModel):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
