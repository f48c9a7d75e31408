"""Forget what LiveKit told of sessions long over."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.pruning import delete_in_batches
from courses.models import CourseSession
from payments.models import HoldPart
from rooms.models import WebhookEvent


class Command(BaseCommand):
    help = (
        "Deletes events of LiveKit's WEBHOOK_EVENT_DAYS after the end of their session, in small "
        "transactions. Not while a part of it is pending or carries a note. Those of no session "
        "go so long after they came. Who was there, and what was watched, stays."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        until = timezone.now() - timedelta(days=settings.WEBHOOK_EVENT_DAYS)
        self.stdout.write(f"Deleted {delete_in_batches(_unneeded(until))} webhook events.")


def _unneeded(until: datetime) -> QuerySet:
    """Events processed by then whose sessions had ended by then, and keep nobody busy."""
    worked_in = WebhookEvent.objects.filter(processed_at__lte=until)
    over = CourseSession.objects.ended_by(until).filter(pk=OuterRef("session"))
    open_questions = HoldPart.objects.filter(
        Q(status=HoldPart.Status.PENDING) | ~Q(review_reason=""), session=OuterRef("session")
    )
    done = worked_in.filter(Q(session=None) | Exists(over)).exclude(Exists(open_questions))
    return done.order_by("processed_at")
