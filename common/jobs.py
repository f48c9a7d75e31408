"""Commands that are jobs: run once, or again and again until told to stop."""

import logging
import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections

from common.numbers import plain_number

logger = logging.getLogger(__name__)


class Job(BaseCommand):
    """A command whose `run_once` is repeated with `--watch`, until SIGTERM or SIGINT.

    What is begun is finished then; a long pass looks at `self.stop` now and again.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--watch", type=plain_number, metavar="SECONDS", help="Repeat, with so much of a pause."
        )

    def run_once(self, **options: Any) -> None:
        """One pass. Raises `CommandError` where something failed, which the next makes up for."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        self.stop = Event()
        pause = options.pop("watch")
        if pause is None:
            self.run_once(**options)
            return
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop.set())
        while not self.stop.is_set():
            self._try_once(**options)
            self.stop.wait(pause)

    def _try_once(self, **options: Any) -> None:
        """A pass that neither a failure nor a database that is gone for a while ends for good."""
        try:
            self.run_once(**options)
        except CommandError as error:
            logger.error("%s", error)
        except (OperationalError, InterfaceError):
            logger.exception("this pass broke off")
        close_old_connections()
