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
            help="succeed without changing anything if there are users already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if build_world():
            self._print_logins()
        elif not options["if_empty"]:
            raise CommandError("The database is not empty: the demo world goes into an empty one.")

    def _print_logins(self) -> None:
        self.stdout.write(f"The demo world is ready. Every password: {PASSWORD}\n")
        people = [("staff", STAFF), *CLERKS.items()]
        people += [("teacher", person) for person in TEACHERS]
        people += [("student", person) for person in STUDENTS]
        for role, person in people:
            self.stdout.write(f"  {role:<8}  {person.email:<20}  {person.name}")
