"""Tell a monitor that the jobs are done in time: it complains when it hears nothing."""

from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

SECONDS = 10


class Command(BaseCommand):
    help = "Fetches HEARTBEAT_URL; the runner of the jobs does so after each full round."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.HEARTBEAT_URL:
            raise CommandError("Set HEARTBEAT_URL.")
        try:
            with urlopen(settings.HEARTBEAT_URL, timeout=SECONDS) as answer:  # noqa: S310 - checked
                self.stdout.write(f"The monitor answered {answer.status}.")
        except (URLError, TimeoutError) as error:
            raise CommandError(f"The monitor did not take it: {error}") from error
