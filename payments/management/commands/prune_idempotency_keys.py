"""Forget the answers to requests that nobody sends again."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from common.transactions import operation
from payments.models import IdempotencyRecord

BATCH = 1000


class Command(BaseCommand):
    help = "Deletes idempotency keys older than IDEMPOTENCY_KEY_DAYS, in small transactions."

    def handle(self, *args: Any, **options: Any) -> None:
        until = timezone.now() - timedelta(days=settings.IDEMPOTENCY_KEY_DAYS)
        deleted = 0
        while batch := _delete_batch(until):
            deleted += batch
        self.stdout.write(f"Deleted {deleted} idempotency keys.")


@operation
def _delete_batch(until: datetime) -> int:
    expired = IdempotencyRecord.objects.filter(created_at__lte=until).order_by("created_at")
    keys = sorted(expired.values_list("pk", flat=True)[:BATCH])
    if keys:
        IdempotencyRecord.objects.filter(pk__in=keys).delete()
    return len(keys)
