"""Settlement: sessions that are over, attended by all, settled by one worker and by two."""

import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.db import connection

from benchmarks.platform import Platform
from benchmarks.raw import connect, enrol

WORKERS = (1, 2)
SESSIONS = 1_000
STUDENTS = 1_000


def measure(platform: Platform) -> dict[str, Any]:
    """Parts settled in a second: of one full session, and of many, by each number of workers."""
    parts = SESSIONS * platform.size.enrollments // platform.size.courses
    sessions = SESSIONS if parts <= 10_000 else SESSIONS // 10
    found = iter(_open_sessions(platform, sessions))
    results = {}
    for workers in WORKERS:
        results[f"one session, {workers} worker(s)"] = _settle([_full_session(platform)], workers)
        share = list(islice(found, sessions // len(WORKERS)))
        results[f"{len(share)} sessions, {workers} worker(s)"] = _settle(share, workers)
    return results


def _settle(sessions: Sequence[Any], workers: int) -> dict[str, Any]:
    _end(sessions)
    command = [sys.executable, "manage.py", "settle_sessions", "--json"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(workers)]
    told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
    released = sum(done["released"] for done in told)
    seconds = max(done["seconds"] for done in told)
    return {"parts": released, "seconds": seconds, "rate": released / seconds, "tallies": told}


def _full_session(platform: Platform) -> Any:
    """The first session of a new course with many students."""
    course, _ = platform.hot_course(STUDENTS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM course_sessions WHERE course_id = %s ORDER BY 1", [course])
        sessions = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT teacher_id FROM courses WHERE id = %s", [course])
        teacher = cursor.fetchone()[0]
    line = connect()
    for pair in islice(platform.pairs_of_everybody(), STUDENTS):
        enrol(line.cursor(), pair | {"course": course, "sessions": sessions, "teacher": teacher})
        line.commit()
    line.close()
    return sessions[0]


def _open_sessions(platform: Platform, count: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM course_sessions WHERE status = 'scheduled' AND starts_at > NOW(6)"
            " ORDER BY session_number DESC, id LIMIT %s",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def _end(sessions: Sequence[Any]) -> None:
    """Have the sessions taken place two hours ago, with teacher and students there throughout."""
    places = ", ".join(["%s"] * len(sessions))
    ago = "NOW(6) - INTERVAL 2 HOUR"
    connections = (
        "INSERT INTO attendances (id, session_id, user_id, connection, room_sid, joined_at,"
        f" left_at, source) SELECT UUID(), s.id, %s, UUID(), '', s.starts_at,"
        " s.starts_at + INTERVAL 1 HOUR, 'webhook' FROM course_sessions s %s"
        f" WHERE s.id IN ({places})"
    )
    students = "JOIN hold_parts p ON p.session_id = s.id JOIN payment_holds h ON h.id = p.hold_id"
    with connection.cursor() as cursor:
        for statement in (
            f"UPDATE course_sessions SET starts_at = {ago} WHERE id IN ({places})",
            f"UPDATE hold_parts SET sold_starts_at = {ago} WHERE session_id IN ({places})",
        ):
            cursor.execute(statement, sessions)
        for who, joined in (
            ("c.teacher_id", "JOIN courses c ON c.id = s.course_id"),
            ("h.student_id", students),
        ):
            cursor.execute(connections.replace("%s", who, 1).replace("%s", joined, 1), sessions)
