"""Delete sign-ins that are over, in browsers and through the API, and what else has expired."""

from typing import Any

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import AddressChange, SignInRecord, TokenFamily
from common.pruning import delete_in_batches


class Command(BaseCommand):
    help = (
        "Deletes expired browser sessions, token families, counted attempts to sign in, and new "
        "addresses that nobody confirmed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        sessions = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
        expired = [
            rows.objects.filter(expires_at__lte=now).order_by("expires_at")
            for rows in (TokenFamily, SignInRecord, AddressChange)
        ]
        counts = [delete_in_batches(rows) for rows in (sessions, *expired)]
        self.stdout.write(
            "Deleted {} sessions, {} token families, {} counted attempts, "
            "{} changes of address.".format(*counts)
        )
