"""Ask the processors about top-ups that nothing else has settled."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.passes import in_time
from payments.services.topups import settle_all


class Command(BaseCommand):
    help = (
        "Asks the payment processor about every top-up that is open, or whose fee isn't known, "
        "with growing pauses. Any number may run at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = [*in_time(settle_all())]
        failed = outcomes.count(False)
        self.stdout.write(f"Asked about {len(outcomes)} top-ups.")
        if failed:
            raise CommandError(f"{failed} failed; the log says why.")
