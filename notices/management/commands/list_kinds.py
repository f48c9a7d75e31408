"""Print the table of docs/notices.md."""

from typing import Any

from django.core.management.base import BaseCommand

from notices.kinds import table


class Command(BaseCommand):
    help = "Prints every kind of thing that people are told, as docs/notices.md lists them."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(table())
