"""Settlement: sessions that are over, attended by everyone, settled by one worker and by two."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from django.db import connection

from benchmarks.platform import Platform
from benchmarks.raw import NEW_KEY, connect, enrol

WORKERS = (1, 2)
# How many sessions, and how many students each of them has.
CASES = {"one session": (1, 1_000), "1,000 sessions": (1_000, 5)}


def measure(platform: Platform) -> dict[str, Any]:
    """Parts settled per second, for each case and number of workers."""
    return {
        f"{name}, {workers} worker(s)": _settle(_sessions(platform, *case), workers)
        for name, case in CASES.items()
        for workers in WORKERS
    }


def _settle(sessions: Sequence[Any], workers: int) -> dict[str, Any]:
    _end(sessions)
    command = [sys.executable, "manage.py", "settle_sessions", "--json"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(workers)]
    told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
    released = sum(done["released"] for done in told)
    seconds = max(done["seconds"] for done in told)
    return {"parts": released, "seconds": seconds, "rate": released / seconds, "tallies": told}


def _sessions(platform: Platform, courses: int, students: int) -> list[Any]:
    """The first session of each of so many new courses with their students."""
    line = connect()
    first = []
    for number in range(courses):
        course = platform.new_course(number % platform.size.courses, seats=students)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT s.id, c.teacher_id FROM courses c JOIN course_sessions s"
                " ON s.course_id = c.id WHERE c.id = %s ORDER BY session_number",
                [course.hex],
            )
            rows = cursor.fetchall()
        about = {"course": course.hex, "sessions": [row[0] for row in rows], "teacher": rows[0][1]}
        for student in range(students):
            enrol(line.cursor(), platform.pair(number * students + student) | about)
        line.commit()
        first.append(rows[0][0])
    line.close()
    return first


def _end(sessions: Sequence[Any]) -> None:
    """Let the sessions have happened two hours ago, with teacher and students there throughout.

    Their rooms were watched: by LiveKit's events, and by polls.
    """
    places = ", ".join(["%s"] * len(sessions))
    ago = "NOW(6) - INTERVAL 2 HOUR"
    connections = (
        "INSERT INTO attendances (id, session_id, user_id, connection, room_sid, joined_at,"
        f" left_at, seen_at, removed, source) SELECT {NEW_KEY}, s.id, %s, UUID(), 'RM',"
        " s.starts_at, s.starts_at + INTERVAL 1 HOUR, s.starts_at + INTERVAL 1 HOUR, FALSE,"
        " 'webhook'"
        f" FROM course_sessions s %s WHERE s.id IN ({places})"
    )
    watches = (
        "INSERT INTO room_watches (id, session_id, room_sid, started_at, finished_at, seen_at)"
        f" SELECT {NEW_KEY}, id, %s, starts_at, starts_at + INTERVAL 1 HOUR, starts_at +"
        f" INTERVAL 1 HOUR FROM course_sessions WHERE id IN ({places})"
    )
    students = "JOIN hold_parts p ON p.session_id = s.id JOIN payment_holds h ON h.id = p.hold_id"
    with connection.cursor() as cursor:
        for statement in (
            f"UPDATE course_sessions SET starts_at = {ago} WHERE id IN ({places})",
            f"UPDATE hold_parts SET sold_starts_at = {ago} WHERE session_id IN ({places})",
        ):
            cursor.execute(statement, sessions)
        for room_sid in ("RM", ""):
            cursor.execute(watches, [room_sid, *sessions])
        for who, joined in (
            ("c.teacher_id", "JOIN courses c ON c.id = s.course_id"),
            ("h.student_id", students),
        ):
            cursor.execute(connections.replace("%s", who, 1).replace("%s", joined, 1), sessions)
