"""Each invariant fails when, and only when, the rows that it speaks of are damaged."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from courses.models import CourseSession
from courses.services import write_outline
from enrollments.models import CourseEnrollment, SessionPurchase
from payments import audit
from payments.models import HoldPart, PaymentHold
from tests.payments.damages import bookings, books, deciding, outside
from tests.payments.damages.bookings import price_changed
from tests.payments.damages.books import balance_raised
from tests.payments.damages.world import (
    CENT,
    World,
    change,
    make_world,
    release,
    unchecked,
    world,
)
from tests.sharing import kept

__all__ = ["world"]


def failing() -> set[str]:
    return {finding.code for finding in audit.run() if not finding.ok}


def hold_of(world: World) -> PaymentHold:
    return PaymentHold.objects.get(enrollment=world.enrollment)


# On SQLite every test that asks for `broken` has all invariants asked for.
pytestmark = pytest.mark.mariadb
DAMAGES = [*books.DAMAGES, *bookings.DAMAGES, *outside.DAMAGES, *deciding.DAMAGES]


def test_an_untouched_world_passes(world):
    assert failing() == set()
    assert not any(finding.notices for finding in audit.run())


@pytest.fixture(scope="class")
def shared_world(django_db_setup, django_db_blocker) -> Iterator[World]:
    with kept(django_db_blocker):
        yield make_world()


class TestDamage:
    """Each to a world as it was made, once for all of them."""

    @pytest.fixture
    def world(self, shared_world, db) -> World:
        return deepcopy(shared_world)

    @pytest.mark.parametrize(
        ("damage", "codes"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES]
    )
    def test_is_found_by_what_speaks_of_it(self, world, damage, codes):
        damage(world)
        assert failing() == set(codes.split())


def test_every_invariant_has_been_seen_to_fail():
    seen = {code for _, codes in DAMAGES for code in codes.split()}
    assert seen == {invariant.code for invariant in audit.INVARIANTS}
    assert len(audit.INVARIANTS) == 21


def test_what_several_checks_sum_is_summed_once(world):
    with CaptureQueriesContext(connection) as queries:
        audit.run()
    sums = [query["sql"] for query in queries]
    assert sum("FROM hold_parts GROUP BY hold_id" in sql for sql in sums) == 1
    assert sum("FROM transfers GROUP BY credit_account_id" in sql for sql in sums) == 1


def test_sums_that_are_too_many_to_keep_are_found_by_each_check(world, monkeypatch):
    monkeypatch.setattr(audit, "AT_MOST", 1)
    assert failing() == set()
    PaymentHold.objects.filter(status="held").update(status="refunded")
    assert failing() == {"I3"}


def test_offenders_are_named(world):
    price_changed(world)
    [finding] = [finding for finding in audit.run() if not finding.ok]
    [offender] = finding.offenders
    assert offender.id == str(world.enrollment.pk)
    assert "total price paid 99.50, held 100" in offender.problem


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("pending", {"refunded_amount": CENT}),
        ("pending", {"platform_amount": CENT}),
        ("pending", {"teacher_amount": CENT, "refunded_amount": -CENT}),
        ("released", {"refunded_amount": CENT}),
        ("released", {"platform_amount": CENT}),
        ("refunded", {"platform_amount": CENT}),
        ("refunded", {"refunded_amount": CENT}),
    ],
)
def test_a_part_that_is_not_settled_whole_is_named(world, status, given):
    part = HoldPart.objects.filter(status=status)[0]
    with unchecked():
        change(HoldPart, {"pk": part.pk}, **given)
    finding = next(finding for finding in audit.run() if finding.code == "I5")
    named = [one.id for one in finding.offenders if one.problem.startswith("what was given out")]
    assert named == [str(part.pk)]


def test_what_waits_for_staff_or_the_sweep_is_a_notice(world):
    change(CourseSession, {"pk": world.second.pk}, status="cancelled")
    third = world.course.sessions.all()[2]
    change(CourseSession, {"pk": third.pk}, status="completed")
    parts = {"hold": hold_of(world), "session": third}
    change(HoldPart, parts, review_reason="No event of the room")
    write_outline(world.course)
    findings = audit.run()
    assert all(finding.ok for finding in findings)
    [finding] = [finding for finding in findings if finding.notices]
    assert finding.code == "I12"
    assert sorted(notice.problem.split(":")[0] for notice in finding.notices) == [
        "the session is cancelled",
        "under review",
    ]


def test_cents_are_rounded_on_what_was_released_so_far(world):
    """Of 33.34 alone the teacher would get 23.33; as the last part of 100.00 it pays 23.34."""
    parts = HoldPart.objects.filter(hold=hold_of(world), status="pending")
    for part, teacher in zip(parts.order_by("amount"), ("23.33", "23.34"), strict=True):
        shares = {"teacher": teacher, "referrer": "7.00", "platform": "3.00"}
        release(part, shares, world.payees)
    change(PaymentHold, {"enrollment": world.enrollment}, status="released")
    assert failing() == set()


@pytest.mark.django_db(transaction=True)
def test_double_bookings_are_seen_without_the_constraint(world):
    twice = {"pk": world.cancelled.pk}, {"pk": world.returned.pk}
    with without_unique(CourseEnrollment), without_unique(SessionPurchase):
        change(CourseEnrollment, twice[0], user=world.ada, course=world.course, status="active")
        change(SessionPurchase, twice[1], session=world.first, status="active")
        finding = next(finding for finding in audit.run() if finding.code == "I8")
        change(CourseEnrollment, twice[0], status="cancelled")
        change(SessionPurchase, twice[1], status="cancelled")
    assert [offender.problem.split(" (")[0] for offender in finding.offenders] == [
        "the user has the course twice",
        "the user has the session twice",
    ]


@contextmanager
def without_unique(model: type[models.Model]) -> Iterator[None]:
    """SQLite makes the table anew, from what the model says at that moment."""
    kept = model._meta.constraints
    [unique] = [c for c in kept if isinstance(c, models.UniqueConstraint)]
    model._meta.constraints = [c for c in kept if c is not unique]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, unique)
        yield
    finally:
        model._meta.constraints = kept
        with connection.schema_editor() as editor:
            editor.add_constraint(model, unique)


@pytest.mark.django_db(transaction=True)
def test_what_is_written_meanwhile_is_not_seen(world):
    """A balance is falsified between the first check and the others."""
    checks = []

    def meanwhile(execute, sql, params, many, context):
        if "WITH account_sums" in sql:
            checks.append(sql)
            if len(checks) == 2:
                in_another_connection(lambda: balance_raised(world))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(meanwhile):
        assert failing() == set()
    assert failing() == {"I1", "I11"}


@pytest.mark.django_db(transaction=True)
def test_the_connection_goes_on_as_it_was(world):
    before = isolation()
    assert failing() == set()
    assert isolation() == before
    assert connection.get_autocommit()
    balance_raised(world)


def isolation() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')"
        )
        return str(cursor.fetchall())


def in_another_connection(act: Callable[[], None]) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(timeout=20)
