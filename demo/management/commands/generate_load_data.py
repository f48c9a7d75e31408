"""Fill an empty database with a large platform, to measure on."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.models import User
from common.numbers import whole_number
from demo.load import generate, rows_of
from demo.rows import Size

BAR = 40


class Command(BaseCommand):
    help = (
        "Fill an empty MariaDB or MySQL with students, courses, enrolments and the money they "
        "moved, to measure on. check_ledger is clean afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--students", type=whole_number, default=100_000)
        parser.add_argument("--courses", type=whole_number, default=10_000)
        parser.add_argument("--enrollments", type=whole_number, default=1_000_000)

    def handle(self, *args: Any, **options: Any) -> None:
        size = Size(options["students"], options["courses"], options["enrollments"])
        if connection.vendor != "mysql":
            raise CommandError("Point DATABASE_URL at a MariaDB or MySQL.")
        if User.objects.exists():
            raise CommandError("There are users already: this fills an empty database only.")
        if min(size.students, size.courses, size.enrollments) < 1:
            raise CommandError("Every number must be at least 1.")
        if not size.is_even:
            raise CommandError(
                "Enrolments must spread evenly over students, courses and teachers, and leave each "
                "student a course."
            )
        self._fill(size)

    def _fill(self, size: Size) -> None:
        made, total, began = 0, rows_of(size), time.monotonic()
        for table, count in generate(size):
            made += count
            if sys.stderr.isatty() or made == total:
                done = "#" * (BAR * made // total)
                end = "\n" if made == total else ""
                self.stderr.write(f"\r[{done:{BAR}}] {made:,} rows, {table:20}", ending=end)
        self.stdout.write(f"{made:,} rows in {time.monotonic() - began:.0f} s.")
