"""Do what staff asked for that takes longer than a page may: large exports, the money audit."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import StaffRequest
from common.passes import in_time
from talkplatform.requests import carry_out


class Command(BaseCommand):
    help = "Makes the large exports that staff asked for, and runs the money audit if they did."

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = StaffRequest.objects.waiting().select_related("user")
        failed = [str(asked) for asked in in_time(list(waiting)) if not carry_out(asked)]
        if failed:
            raise CommandError(f"The log says why these failed: {', '.join(failed)}.")
