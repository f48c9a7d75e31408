"""Fill an empty database with the demo world."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.data import CLERKS, PASSWORD, STAFF, STUDENTS, TEACHERS
from demo.world import build_world


class Command(BaseCommand):
    help = "Fill an empty database with a demo world, and print its logins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing, successfully, when somebody is there already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if build_world():
            self._print_logins()
        elif not options["if_empty"]:
            raise CommandError("The database is not empty: the demo world goes into an empty one.")

    def _print_logins(self) -> None:
        self.stdout.write(f"The demo world is ready. Every password: {PASSWORD}\n")
        people = [(STAFF, "staff"), *((person, group) for group, person in CLERKS.items())]
        people += [(person, "teacher") for person in TEACHERS]
        people += [(person, "student") for person in STUDENTS]
        for person, role in people:
            self.stdout.write(f"  {role:<8}  {person.email:<20}  {person.name}")
