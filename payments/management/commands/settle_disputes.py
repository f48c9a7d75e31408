"""Ask Stripe about disputes and refunds at its desk that nothing else has settled."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.passes import in_time
from payments.services.disputes import settle_all


class Command(BaseCommand):
    help = (
        "Asks Stripe about every dispute that may change, with growing pauses, and about those of "
        "late, and refunds made at its desk, that no webhook told of. Any number may run at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = [*in_time(settle_all())]
        failed = outcomes.count(False)
        self.stdout.write(f"Asked about {len(outcomes)} disputes.")
        if failed:
            raise CommandError(f"{failed} failed; the log says why.")
