"""The hot course: everyone wants the last seats of one course at once."""

import statistics
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection

from benchmarks import load
from benchmarks.load import Outcome
from benchmarks.platform import Platform
from benchmarks.sites import Site

CONNECTIONS = 64
STUDENTS = 1_000
SEATS = 900
WARM_UP = 200
PROCESSES = 4
ROUNDS = 15


def measure(site: Site) -> dict[str, Any]:
    """The rush as the site serves it; then by four processes, behind HAProxy and alone in turn."""
    with (
        site.beside(WEB_PROCESSES=PROCESSES) as behind,
        site.beside(WEB_PROCESSES=PROCESSES, HAPROXY="") as alone,
    ):
        rounds = [
            [_rate(_rush(site.platform, port)[1]) for port in (behind, alone)]
            for _ in range(1 + ROUNDS)
        ][1:]  # the first round warms up
    told = _compare(site.platform, site.port)
    return told | {"of_alone": statistics.median(a / b for a, b in rounds), "rounds": rounds}


def _compare(platform: Platform, port: int) -> dict[str, Any]:
    """More students than seats; and, for comparison, as many students with a course each."""
    load.run(port, list(islice(platform.enrol(), WARM_UP)), connections=CONNECTIONS, seconds=600)
    spread_out = list(islice(platform.enrol(), STUDENTS))
    spread = load.run(port, spread_out, connections=CONNECTIONS, seconds=600)
    before = _deadlocks()
    course, hot = _rush(platform, port)
    rate, spread_rate = map(_rate, (hot, spread))
    return {
        "rate": rate,
        "spread_rate": spread_rate,
        "of_spread": rate / spread_rate,
        "p95": hot.percentile(0.95),
        "statuses": hot.told(),
        "spread_statuses": spread.told(),
        "deadlocks": _deadlocks() - before,
        "seats_taken": _enrolled_in(course),
    }


def _rush(platform: Platform, port: int) -> tuple[UUID, Outcome]:
    course = platform.new_course(0, seats=SEATS)
    requests = platform.rush(course, STUDENTS)
    return course, load.run(port, requests, connections=CONNECTIONS, seconds=600)


def _rate(outcome: Outcome) -> float:
    """Refusals are quick, and not sales."""
    return outcome.statuses[201] / outcome.seconds


def _deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'"
        )
        return int(cursor.fetchone()[0])


def _enrolled_in(course: UUID) -> list[int]:
    """What the course says, what the enrolments say, and for how many money is held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.current_students, COUNT(e.id), COUNT(h.id) FROM courses c"
            " LEFT JOIN course_enrollments e ON e.course_id = c.id AND e.live = 1"
            " LEFT JOIN payment_holds h ON h.enrollment_id = e.id AND h.status = 'held'"
            " WHERE c.id = %s GROUP BY c.id",
            [course.hex],
        )
        return list(cursor.fetchone())
