"""Settle what is due: events processed, money released or refunded, sessions completed."""

import json
import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.passes import in_time
from enrollments.services.admission import checked_together
from settlement.services.settling import Tally, settle_all


class Command(BaseCommand):
    help = "Settles sessions that are over, by attendance. Any number may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print a line of JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        done, started = Tally(), time.monotonic()
        # LiveKit may not answer: it is waited for once, however many sessions come back.
        with checked_together():
            for piece in in_time(settle_all()):
                done += piece
                if not options["json"] and self.stdout.isatty():
                    self.stdout.write(f"\r{_line(done)}", ending="")
        self._report(done, time.monotonic() - started, as_json=options["json"])
        if done.failed:
            raise CommandError(f"{done.failed} failed; the log says why. Run it again.")

    def _report(self, done: Tally, seconds: float, *, as_json: bool) -> None:
        if as_json:
            shown = asdict(done) | {"seconds": round(seconds, 3)}
            self.stdout.write(json.dumps(shown, default=str))
        else:
            self.stdout.write(("\r" if self.stdout.isatty() else "") + _line(done))
        self.stdout.flush()


def _line(done: Tally) -> str:
    parts = [
        f"released {done.released} (${done.released_amount})",
        f"refunded {done.refunded} (${done.refunded_amount})",
        f"under review {done.reviewed}",
        f"sessions completed {done.completed}",
        f"events {done.events}",
    ]
    rare = {
        "from cancelled sessions": done.swept,
        "enrolments ended": done.ended,
        "busy": done.busy,
        "failed": done.failed,
    }
    return ", ".join([*parts, *(f"{name} {n}" for name, n in rare.items() if n)])
