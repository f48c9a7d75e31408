"""Settle what is due: events worked in, money released or refunded, sessions completed."""

import json
import logging
import signal
import time
from dataclasses import asdict
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections

from enrollments.services.settlement import Tally, settle_all

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Settles sessions that are over, by attendance. Any number may run at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--watch", type=float, metavar="SECONDS", help="Repeat, with so much of a pause."
        )
        parser.add_argument("--json", action="store_true", help="A line of JSON for each pass.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stop = Event()
        if options["watch"] is None:
            done = self._pass(as_json=options["json"])
            if done.failed:
                raise CommandError(f"{done.failed} failed; the log says why. Run it again.")
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop.set())
        while not self.stop.is_set():
            self._watch(as_json=options["json"])
            self.stop.wait(options["watch"])

    def _watch(self, *, as_json: bool) -> None:
        """A pass that a database which is gone for a while does not end for good."""
        try:
            self._pass(as_json=as_json)
        except (OperationalError, InterfaceError):
            logger.exception("this pass broke off")
        close_old_connections()

    def _pass(self, *, as_json: bool) -> Tally:
        """Everything that is due, once; what is begun is finished when told to stop."""
        done, started = Tally(), time.monotonic()
        for piece in settle_all():
            done += piece
            if not as_json and self.stdout.isatty():
                self.stdout.write(f"\r{_line(done)}", ending="")
            if self.stop.is_set():
                break
        self._report(done, time.monotonic() - started, as_json=as_json)
        return done

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
    rare = {"from cancelled sessions": done.swept, "busy": done.busy, "failed": done.failed}
    return ", ".join([*parts, *(f"{name} {n}" for name, n in rare.items() if n)])
