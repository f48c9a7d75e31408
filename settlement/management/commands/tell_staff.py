"""Tell staff what waits for them."""

from typing import Any

from django.core.management.base import BaseCommand

from settlement.services.digest import tell_staff


class Command(BaseCommand):
    help = "Mails staff what waits for them, once a day; nobody of whom nothing does."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Told: {tell_staff()}.")
