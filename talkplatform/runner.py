"""Runs the jobs: looks again and again whose turn it is, and does what is due, each in a thread."""

import faulthandler
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Event

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from django.core.management import CommandError
from django.db import Error, connections

from common.passes import ending_once
from common.transactions import unhurried
from talkplatform import jobs
from talkplatform.jobs import LEASE, Plan

logger = logging.getLogger(__name__)

# How long a job that is due may wait for a look at it.
LOOK = timedelta(seconds=5)
TICK_SECONDS = 0.1
# So long what is begun may go on once all is over: less than the server waits for its processes.
STOP_SECONDS = 5


class Pass:
    """A pass of a job that runs. It is `cut` short, between two pieces, once it has to end."""

    def __init__(self, plan: Plan, stopping: Event) -> None:
        self.plan, self.stopping, self.cut = plan, stopping, False
        self.deadline = time.monotonic() + plan.limit.total_seconds()
        self.leased_until = time.monotonic() + LEASE.total_seconds()

    def has_to_end(self) -> bool:
        """Nobody waits for it any more, its time is over, or its lease: somebody else may be at it.

        As after a while in which this process stood still.
        """
        over = time.monotonic() > min(self.deadline, self.leased_until)
        self.cut = over or self.stopping.is_set()
        return self.cut

    def keep(self, runner: str) -> None:
        """Go on holding the lease, as long as there is time."""
        now = time.monotonic()
        if now < self.deadline and jobs.keep(self.plan, runner):
            self.leased_until = now + LEASE.total_seconds()

    def hangs(self) -> bool:
        """Whether it goes on though its time is long over: a call in it does not come back."""
        return time.monotonic() > self.deadline + LEASE.total_seconds()


class Runner:
    """One process of however many that share the jobs out among themselves."""

    def __init__(self, plans: Sequence[Plan] = jobs.PLANS) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.stopping = Event()
        self.passes: set[Pass] = set()
        self.blind = False
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            # A thread for each, so that none waits until another one is done.
            executors={"default": ThreadPoolExecutor(len(plans) + 1)},
            # A look that comes late is still worth while; of several that are due one is enough.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        for plan in plans:
            self._repeat(self._look, min(plan.every, LOOK), plan)
        self._repeat(self._keep, LEASE / 3)

    def run(self, told: Callable[[], bool]) -> int:
        """Run them until it is `told` to stop; gives the status to exit with.

        What is begun then has `STOP_SECONDS`. Ends also where a pass hangs: only with the process
        its thread ends, and what it has begun is undone.
        """
        self._scheduler.start()
        while not (hanging := self._hanging()) and not told():
            time.sleep(TICK_SECONDS)
        self.stopping.set()
        self._scheduler.shutdown(wait=False)
        if hanging:
            logger.error("%s: no end of it; all ends, and is started again", ", ".join(hanging))
            faulthandler.dump_traceback()
        deadline = time.monotonic() + STOP_SECONDS
        while self.passes and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        return 1 if hanging else 0

    def _repeat(self, call: Callable[..., None], every: timedelta, *args: object) -> None:
        trigger = IntervalTrigger(seconds=every.total_seconds(), timezone=UTC)
        self._scheduler.add_job(call, trigger, args, next_run_time=datetime.now(UTC))

    def _look(self, plan: Plan) -> None:
        """Do a pass, if one is due and it is this runner's turn."""
        if self.stopping.is_set() or not plan.wanted():
            return
        try:
            mine = jobs.claim(plan, self.name)
            self.blind = False
        except Error as error:
            # Said once, not by every look at every job.
            if not self.blind:
                logger.warning("nobody knows whose turn it is: %s", error)
            self.blind = True
            return
        finally:
            connections.close_all()
        if mine:
            self._do(Pass(plan, self.stopping))

    def _do(self, running: Pass) -> None:
        self.passes.add(running)
        try:
            with (
                unhurried(within=round(running.plan.limit.total_seconds())),
                ending_once(running.has_to_end),
            ):
                error = attempt(running.plan)
            jobs.finish(running.plan, self.name, error=error, cut=running.cut)
        finally:
            self.passes.discard(running)
            connections.close_all()

    def _keep(self) -> None:
        try:
            for running in list(self.passes):
                running.keep(self.name)
        except Error as error:
            # A pass ends by itself once its lease is over.
            logger.warning("no lease was kept: %s", error)
        finally:
            connections.close_all()

    def _hanging(self) -> list[str]:
        return [running.plan.name for running in list(self.passes) if running.hangs()]


def attempt(plan: Plan) -> str:
    """Do one pass of a job; gives what is the matter where it failed, which is logged."""
    out = StringIO()
    try:
        plan.run(stdout=out, no_color=True)
    except CommandError as error:
        logger.error("%s failed: %s\n%s", plan.name, error, out.getvalue())
        return str(error) or "It failed."
    except (Exception, SystemExit) as error:
        logger.exception("%s failed\n%s", plan.name, out.getvalue())
        return f"{type(error).__name__}: {error}"
    logger.debug("%s: %s", plan.name, out.getvalue().strip())
    return ""
