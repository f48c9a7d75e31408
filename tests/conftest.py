"""What every test finds."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.db import connection
from django.test import TestCase, TransactionTestCase

from payments import audit
from tests.copying import Template
from tests.emptying import empty
from tests.settings import SCRATCH
from tests.stripe import mock
from tests.stripe.stand_in import running_stand_in, stand_in

stripe_mock = mock.stripe_mock
__all__ = ["running_stand_in", "stand_in", "stripe_mock"]

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

NEED_MARIADB = ("mariadb", "browser")
NO_LIVEKIT = "No LiveKit here: script/with-livekit script/test -m livekit runs what needs one."
NO_STRIPE_MOCK = (
    "No stripe-mock here: no request of ours is put to what Stripe itself says it knows. "
    "go install github.com/stripe/stripe-mock@latest brings it; STRIPE_MOCK may name it."
)
FACES = ("test_pages", "test_admin", "test_contract", "test_routes")
# Decided in Python, by rows that every database gives alike.
DECIDED = (
    "test_rules",
    "test_messages",
    "test_errors",
    "test_sentences",
    "test_expected_sums",
    "test_evidence",
    "test_attendance",
    "test_events",
    "test_mails",
    "test_zones",
    "test_one_rule",
    "test_rescheduled",
    "test_choices",
    "test_writing",
    "test_late_notes",
    "test_barred",
    "test_seed_demo",
    "test_admission",
    "test_teacher_gone",
    "test_reminders",
    "test_digest",
    "test_proving",
    "test_changing_address",
    "test_handing_over",
    "test_unreachable",
    "test_sign_in_limits",
    "test_tabs",
    "test_plain_numbers",
    "test_full_disk",
    "test_two_people",
    "test_top_ups_stripe",
    "test_top_ups_events",
    "test_top_ups_silence",
    "test_settling",
    "test_passwords",
    "test_bodies",
)
# The longest tests first: begun last, they would leave the other cores idle.
LONG = (
    "test_pages.py",
    "test_top_ups_thousand.py",
    "test_alone.py",
    "test_running.py",
    "test_migrations.py",
)
A_DATABASE = {"db", "transactional_db", "live_server", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite the tests of locks and browsers are no part of the suite: left out, not skipped."""
    for item in items:
        alike = item.path.name.startswith(FACES + DECIDED) and not item.get_closest_marker("both")
        if alike or asks_no_database(item):
            item.add_marker("once")
        if item.get_closest_marker("livekit") and "LIVEKIT_PID" not in os.environ:
            item.add_marker(pytest.mark.skip(reason=NO_LIVEKIT))
        if item.get_closest_marker("stripe_mock") and not mock.program():
            item.add_marker(pytest.mark.skip(reason=NO_STRIPE_MOCK))
    items.sort(key=turn)
    if connection.vendor == "mysql":
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, NEED_MARIADB))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def turn(item: pytest.Item) -> int:
    return LONG.index(item.path.name) if item.path.name in LONG else len(LONG)


def asks_no_database(item: pytest.Item) -> bool:
    """Where pytest-django would refuse it one."""
    case = getattr(item, "cls", None)
    return not (
        item.get_closest_marker("django_db")
        or A_DATABASE & set(getattr(item, "fixturenames", ()))
        or (case and issubclass(case, TestCase))
    )


@pytest.fixture(scope="session")
def template(django_db_modify_db_settings_parallel_suffix: None) -> Template | None:
    """What the first of several workers makes of the database."""
    return Template(SCRATCH.parent) if "PYTEST_XDIST_WORKER" in os.environ else None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(template: Template | None) -> None:
    if template:
        template.begin()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, template: Template | None, django_db_blocker: Any
) -> None:
    if template:
        with django_db_blocker.unblock():
            template.end()


@pytest.fixture(scope="session", autouse=True)
def _emptied() -> Iterator[None]:
    """What a test has committed goes with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty())
        yield


@pytest.fixture
def broken() -> Callable[[], dict[str, list[str]]]:
    """Asks for the invariants that do not hold, with what is wrong."""

    def ask() -> dict[str, list[str]]:
        return {
            finding.code: [offender.problem for offender in finding.offenders]
            for finding in audit.run()
            if not finding.ok
        }

    return ask


@pytest.fixture
def plans_of_mariadb(transactional_db: None) -> None:
    """For what holds how many rows are read: MySQL reads on in an index where MariaDB stops."""
    if not connection.mysql_is_mariadb:
        pytest.skip("holds the plans of MariaDB")
