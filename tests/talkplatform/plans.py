"""Jobs of a test: two plans, their rows, and two that take turns."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from talkplatform.jobs import PLANS, Plan
from talkplatform.models import Job

SETTLING = PLANS[0]
AUDIT = next(plan for plan in PLANS if plan.name == "check_ledger")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
A, B = "here:1", "there:2"


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 26, hour, minute, second, tzinfo=UTC)


def row(plan: Plan = SETTLING) -> Job:
    return Job.objects.get(pk=plan.name)


def change(plan: Plan, **values: object) -> None:
    Job.objects.filter(pk=plan.name).update(**values)


@pytest.fixture
def on_time() -> datetime:
    """Every job has just finished; gives when."""
    now = timezone.now()
    Job.objects.bulk_create(
        Job(name=p.name, due=p.next_after(now), last_finished=now) for p in PLANS
    )
    return now


def wanted() -> list[str]:
    return [plan.name for plan in PLANS if plan.wanted()]
