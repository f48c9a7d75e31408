"""The hot course: everyone wants the last seats of one course at once."""

from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection

from benchmarks import load
from benchmarks.platform import Platform

CONNECTIONS = 64
STUDENTS = 1_000
SEATS = 900
WARM_UP = 200


def measure(platform: Platform, port: int) -> dict[str, Any]:
    """More students than seats; and, for comparison, as many students with a course each."""
    load.run(port, list(islice(platform.enrol(), WARM_UP)), connections=CONNECTIONS, seconds=600)
    spread_out = list(islice(platform.enrol(), STUDENTS))
    spread = load.run(port, spread_out, connections=CONNECTIONS, seconds=600)
    before = _deadlocks()
    course = platform.new_course(0, seats=SEATS)
    hot = load.run(port, platform.rush(course, STUDENTS), connections=CONNECTIONS, seconds=600)
    # Refusals are quick, and not sales.
    rate, spread_rate = (outcome.statuses[201] / outcome.seconds for outcome in (hot, spread))
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
