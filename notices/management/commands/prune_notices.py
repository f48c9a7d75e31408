"""Delete old notices."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from common.pruning import delete_in_batches
from notices.models import Notice


class Command(BaseCommand):
    help = (
        "Deletes what people were told NOTICE_DAYS ago, in small transactions, with what became of "
        "the mails. A mail that waits to go out stays, and so does what is yet to be acknowledged."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        until = timezone.now() - timedelta(days=settings.NOTICE_DAYS)
        old = Notice.objects.filter(created_at__lte=until).exclude(mail=Notice.Mail.WAITING)
        done_with = old.exclude(must_acknowledge=True, acknowledged_at=None)
        gone = delete_in_batches(done_with.order_by("created_at"))
        self.stdout.write(f"Deleted {gone} notices.")
