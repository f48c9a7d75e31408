"""Roll on the next starts of courses that have passed, as lists show and sort by them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from courses.models import Course
from courses.services import rewrite_outline, roll_next_starts


class Command(BaseCommand):
    help = "Gives each course whose next session has started the one after it, for lists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="Write down again what lists show of every course's sessions. For rows that were "
            "changed by hand.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            keys = [*Course.objects.values_list("pk", flat=True)]
            for key in keys:
                rewrite_outline(key)
            self.stdout.write(f"Wrote down the sessions of {len(keys)} courses.")
        else:
            self.stdout.write(f"Rolled on: {roll_next_starts()} courses.")
