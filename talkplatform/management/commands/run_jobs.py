"""Run what recurs, until told to stop."""

import logging
import os
import signal
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.autoreload import StatReloader

from common.numbers import whole_number
from talkplatform.runner import Runner


class Command(BaseCommand):
    help = (
        "Runs all jobs, each when it is due, until SIGTERM. The server does this by itself, unless "
        "JOBS is false. Any number may run at once, on any number of machines."
    )
    # Checks would ask the database, which may be away for a while.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--parent", type=whole_number, metavar="PID", help="End when this process has ended."
        )
        parser.add_argument("--reload", action="store_true", help="End when the code changes.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        parent, changed = options["parent"], Event()
        if options["reload"]:
            Thread(target=watch, args=(changed,), daemon=True).start()
        # To look whose turn it is takes no longer than a request; a pass has a limit of its own.
        wanted = settings.DATABASES["default"]["OPTIONS"]
        wanted.update({**settings.WEB_DATABASE_OPTIONS, **wanted})

        def over() -> bool:
            orphaned = parent is not None and os.getppid() != parent
            return self.told or orphaned or changed.is_set()

        status = Runner().run(over)
        logging.shutdown()
        # Whatever still hangs in a thread would keep the process; what it has begun is undone.
        os._exit(status)

    def stop(self, *args: Any) -> None:
        """Only noted, since a signal comes in between anything."""
        self.told = True


class Watch(StatReloader):
    """Tells when a file of the code has changed."""

    def __init__(self, changed: Event) -> None:
        super().__init__()
        self.changed = changed

    def notify_file_changed(self, path: Any) -> None:
        self.changed.set()


def watch(changed: Event) -> None:
    """Look at the files of the code for ever."""
    for _ in Watch(changed).tick():
        pass
