"""Delete stored answers to requests that nobody will send again."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from common.pruning import delete_in_batches
from payments.models import IdempotencyRecord


class Command(BaseCommand):
    help = "Deletes idempotency keys older than IDEMPOTENCY_KEY_DAYS, in small transactions."

    def handle(self, *args: Any, **options: Any) -> None:
        until = timezone.now() - timedelta(days=settings.IDEMPOTENCY_KEY_DAYS)
        expired = IdempotencyRecord.objects.filter(created_at__lte=until).order_by("created_at")
        self.stdout.write(f"Deleted {delete_in_batches(expired)} idempotency keys.")
