"""A process that runs one job of the tests: `python -m tests.concurrency.probe FILE [WORD…]`.

It writes a line into the file for each pass that it begins: when that was due, and who does it. The
words: `unclaimed` takes away the claim, `hangs` has a pass never end, `short` its time be over;
`asks` has the database not answer for an hour, where the pass may take a second; with `beside`
there is another job, which does none of this and writes into FILE.beside.
"""

import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import django

# As long as it takes until others look, so that they look while a pass runs.
EVERY = timedelta(seconds=0.3)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "talkplatform.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from talkplatform import jobs, runner
    from talkplatform.management.commands import run_jobs
    from talkplatform.models import Job, JobQuerySet

    path, *words = sys.argv[1:]

    class Beside(jobs.Plan):
        def run(self, **options: object) -> None:
            with Path(f"{path}.beside").open("a") as file:
                file.write("done\n")

    class Probe(jobs.Plan):
        def run(self, **options: object) -> None:
            due = Job.objects.get(pk=self.name).due
            with Path(path).open("a") as file:
                file.write(f"{due.timestamp()} {os.getpid()}\n")
            if "asks" in words:
                connection.cursor().execute("SELECT SLEEP(3600)")
            time.sleep(3600 if "hangs" in words else EVERY.total_seconds())

    if "unclaimed" in words:
        JobQuerySet.free = lambda rows, now: rows
        Job.is_free = lambda row, now: row.due <= now
    limit = timedelta(seconds=1) if "asks" in words else timedelta(minutes=5)
    if "short" in words:
        limit = jobs.LEASE = runner.LEASE = timedelta(seconds=0.3)
    plans = [Probe("probe", EVERY, limit)]
    if "beside" in words:
        plans.append(Beside("beside", EVERY, limit))
    run_jobs.Runner = partial(runner.Runner, plans)
    call_command("run_jobs")


if __name__ == "__main__":
    main()
