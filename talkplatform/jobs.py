"""What recurs: which command, how often, and whose turn it is. Adding a job is a line in `PLANS`.

Any number of machines look at the same rows: the one that changes a row first begins the pass, and
keeps its lease as long as it runs. So a job whose process died is taken over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from notices.sending import is_anything_due
from payments.models import TopUp
from payments.processors import methods
from rooms import livekit
from talkplatform.models import LONGEST_ERROR, Job
from talkplatform.requests import is_anything_asked

# How long after the last sign of a process others take over what it was at.
LEASE = timedelta(seconds=30)
OFTEN, NIGHTLY = timedelta(seconds=settings.JOB_SECONDS), timedelta(days=1)
HOURLY = timedelta(hours=1)
MINUTES, HOURS = timedelta(minutes=5), timedelta(hours=2)
# Every schedule counts from here: so all machines agree on when a job is due.
START = datetime(1970, 1, 1, settings.NIGHT_HOUR, tzinfo=UTC)
SLACK = timedelta(hours=2)


@dataclass(frozen=True)
class Plan:
    """A command that recurs: `every` so often; a pass takes no longer than `limit`.

    One that is not `wanted`, as things are set up, is neither run nor missed. One that is due waits
    until there is a `point` in it; one that has something to do is due `early`.
    """

    name: str
    every: timedelta
    limit: timedelta
    wanted: Callable[[], bool] = lambda: True
    point: Callable[[], bool] = lambda: True
    early: Callable[[], bool] = lambda: False

    @property
    def late_after(self) -> timedelta:
        """Twice its period; of a night no more than two hours."""
        return self.every + min(self.every, SLACK)

    def next_after(self, moment: datetime) -> datetime:
        """When it is due the next time."""
        return moment - (moment - START) % self.every + self.every

    def run(self, **options: object) -> None:
        """One pass. Raises `CommandError` where something failed, which the next makes up for."""
        call_command(self.name, **options)


def round_is_full() -> bool:
    """Whether each frequent job has finished since the last heartbeat, and none is late."""
    fares = {state.plan.name: state for state in states()}
    last = fares.pop(HEARTBEAT).last_finished
    often = [state for state in fares.values() if state.plan.every <= OFTEN]
    return not any(state.late for state in fares.values()) and all(
        state.last_finished and (last is None or state.last_finished > last) for state in often
    )


HEARTBEAT = "send_heartbeat"
PLANS = (
    Plan("settle_sessions", OFTEN, MINUTES),
    Plan("poll_rooms", OFTEN, MINUTES, wanted=livekit.is_configured),
    Plan("settle_top_ups", OFTEN, MINUTES, wanted=lambda: bool(methods())),
    Plan("settle_disputes", HOURLY, MINUTES, wanted=lambda: TopUp.Method.STRIPE in methods()),
    Plan("remind", OFTEN, MINUTES),
    Plan("roll_next_starts", OFTEN, MINUTES),
    Plan("send_mail", OFTEN, MINUTES, early=is_anything_due),
    # A file may take many minutes, so it is not among those that are late after two.
    Plan("carry_out_requests", HOURLY, HOURS, early=is_anything_asked),
    # Each wrong guess leaves records of minutes, and a day of an attack would fill the table.
    Plan("prune_sign_ins", OFTEN, MINUTES),
    Plan(HEARTBEAT, OFTEN, MINUTES, lambda: bool(settings.HEARTBEAT_URL), round_is_full),
    Plan("check_ledger", NIGHTLY, HOURS),
    Plan("prune_idempotency_keys", NIGHTLY, HOURS),
    Plan("prune_notices", NIGHTLY, HOURS),
    Plan("prune_webhook_events", NIGHTLY, HOURS),
    Plan("tell_staff", NIGHTLY, HOURS),
)


@dataclass(frozen=True)
class State:
    """How a job fares: when a pass was last done, when one last failed, whether one is overdue."""

    plan: Plan
    last_finished: datetime | None
    last_failed: datetime | None
    late: bool


def states() -> list[State]:
    """How each job that is wanted fares. One that no process has ever looked at is late."""
    rows, now = Job.objects.in_bulk(), timezone.now()
    return [_state(plan, rows.get(plan.name), now) for plan in PLANS if plan.wanted()]


def late_jobs() -> list[str]:
    """The names of those that are late."""
    return [state.plan.name for state in states() if state.late]


def claim(plan: Plan, runner: str) -> bool:
    """Whether this runner is to do a pass now; nobody else begins one while it keeps its lease.

    Reads first, and changes the row only where the job seems free: of many that see that, one gets
    it. Says of a pass that was begun and not ended that it failed.
    """
    now = timezone.now()
    mine = Job.objects.filter(pk=plan.name)
    row = mine.first() or _add(plan, now)
    if row.due > (next_time := plan.next_after(now)):
        # It was planned otherwise before, or by a clock that was ahead.
        mine.update(due=next_time)
    if row.due > now and plan.early():
        row.due = now
        mine.update(due=now)
    if not (row.is_free(now) and plan.point()):
        return False
    lost = {"last_failed": now, "error": f"{row.leased_by} did not end it."}
    lease = {"leased_until": now + LEASE, "leased_by": runner}
    return bool(mine.free(now).update(**lease, **(lost if row.leased_until else {})))


def keep(plan: Plan, runner: str) -> bool:
    """Whether a pass that runs goes on to be this runner's: its lease is longer then."""
    held = Job.objects.filter(pk=plan.name, leased_by=runner)
    return bool(held.update(leased_until=timezone.now() + LEASE))


def finish(plan: Plan, runner: str, *, error: str = "", cut: bool = False) -> None:
    """Note how a pass went that this runner began, unless somebody took it over.

    One that was `cut` short is due at once: nothing else would do what it left.
    """
    now = timezone.now()
    told = {"last_failed": now, "error": error[:LONGEST_ERROR]} if error else {}
    if not cut:
        told |= {"due": plan.next_after(now)} | ({} if error else {"last_finished": now})
    held = Job.objects.filter(pk=plan.name, leased_by=runner)
    held.update(leased_until=None, leased_by="", **told)


def _add(plan: Plan, now: datetime) -> Job:
    """The row of a job that is new: what recurs at night waits for it."""
    due = plan.next_after(now) if plan.every == NIGHTLY else now
    Job.objects.bulk_create([Job(name=plan.name, due=due)], ignore_conflicts=True)
    return Job.objects.get(pk=plan.name)


def _state(plan: Plan, row: Job | None, now: datetime) -> State:
    if row is None:
        return State(plan, None, None, late=True)
    last_sign = row.last_finished or row.created_at
    late = now - last_sign > plan.late_after
    return State(plan, row.last_finished, row.last_failed, late)
