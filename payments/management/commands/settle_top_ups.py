"""Ask the processors about top-ups and refunds that nothing else has settled."""

from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.passes import in_time
from payments.services.refunds import settle_all_refunds
from payments.services.topups import settle_all


class Command(BaseCommand):
    help = (
        "Asks the payment processor about every top-up and refund that is open, and top-ups whose "
        "fee isn't known, with growing pauses. Any number may run at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = [*in_time(chain(settle_all(), settle_all_refunds()))]
        failed = outcomes.count(False)
        self.stdout.write(f"Asked about {len(outcomes)} top-ups and refunds.")
        if failed:
            raise CommandError(f"{failed} failed; the log says why.")
