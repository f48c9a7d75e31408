"""Settlement: sessions that are over, attended by everyone, settled by one worker and by two."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from benchmarks.platform import Platform
from benchmarks.raw import connect, enrol
from benchmarks.sites import Site
from courses.models import CourseSession
from payments.models import HoldPart
from rooms.models import Attendance, RoomWatch

WORKERS = (1, 2)
# How many sessions, and how many students each of them has.
CASES = {"one session": (1, 1_000), "1,000 sessions": (1_000, 5)}


def measure(site: Site) -> dict[str, Any]:
    """Parts settled per second, for each case and number of workers."""
    return {
        f"{name}, {workers} worker(s)": _settle(_sessions(site.platform, *case), workers)
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
    began, over = timezone.now() - timedelta(hours=2), timezone.now() - timedelta(hours=1)
    CourseSession.objects.filter(pk__in=sessions).update(starts_at=began)
    HoldPart.objects.filter(session__in=sessions).update(sold_starts_at=began)
    watched: dict[str, Any] = {"started_at": began, "finished_at": over, "seen_at": over}
    RoomWatch.objects.bulk_create(
        RoomWatch(session_id=session, room_sid=room_sid, **watched)
        for session in sessions
        for room_sid in ("RM", "")
    )
    teachers = CourseSession.objects.filter(pk__in=sessions).values_list("pk", "course__teacher")
    students = HoldPart.objects.filter(session__in=sessions).values_list("session", "hold__student")
    joined: dict[str, Any] = {"joined_at": began, "left_at": over, "seen_at": over}
    Attendance.objects.bulk_create(
        Attendance(
            session_id=session,
            user_id=user,
            connection=uuid4().hex,
            room_sid="RM",
            source=Attendance.Source.WEBHOOK,
            **joined,
        )
        for session, user in (*teachers, *students)
    )
