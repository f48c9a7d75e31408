"""Delete sign-ins that are over, in browsers and through the API, and what else has expired."""

from typing import Any

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import AddressChange, FilePiece, SignInRecord, StaffRequest, TokenFamily
from common.pruning import delete_in_batches


class Command(BaseCommand):
    help = (
        "Deletes expired browser sessions, token families, counted attempts to sign in, new "
        "addresses that nobody confirmed, and what staff asked for with its files."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        sessions = Session.objects.filter(expire_date__lte=now).order_by("expire_date")
        expired = [
            rows.objects.filter(expires_at__lte=now).order_by("expires_at")
            for rows in (TokenFamily, SignInRecord, AddressChange, StaffRequest)
        ]
        delete_in_batches(
            FilePiece.objects.filter(request__expires_at__lte=now).order_by("request__expires_at")
        )
        counts = [delete_in_batches(rows) for rows in (sessions, *expired)]
        self.stdout.write(
            "Deleted {} sessions, {} token families, {} counted attempts, "
            "{} changes of address, {} requests of staff.".format(*counts)
        )
