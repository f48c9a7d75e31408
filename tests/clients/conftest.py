"""The client for TypeScript, built, and a world for it on a real server."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.sessions import move_session
from settlement.services.deciding import release_hold
from tests.browser.conftest import browser
from tests.factories import (
    DAY,
    PASSWORD,
    StaffFactory,
    TeacherFactory,
    end_session,
    make_course,
    start_session,
    student_with_credit,
)

__all__ = ["browser"]

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
CLIENT = CLIENTS / "typescript"
# Node comes with requirements-dev.txt, and npm asks for it by its name.
TOOLS = Path(sys.executable).parent


def npm(*arguments, at=CLIENT, **environment):
    return subprocess.run(
        [TOOLS / "npm", *arguments],
        cwd=at,
        env=os.environ | {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def built():
    """The client's folder, with what it needs installed and `dist/` made of this contract.

    Made by whoever comes first, as long as nothing changes: others may be at work in there.
    """
    made, wanted = CLIENT / "node_modules" / ".made", fingerprint()
    with (CLIENT / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            for arguments in (
                ["ci", "--no-audit", "--no-fund"],
                ["run", "build"],
                ["run", "check"],
            ):
                done = npm(*arguments)
                assert done.returncode == 0, done.stdout + done.stderr
            made.write_text(wanted)
    return CLIENT


def fingerprint():
    """Of all that the client is made of."""
    sources = {*CLIENT.glob("*.json"), *CLIENT.glob("src/*.ts"), *CLIENT.glob("test/*.ts")}
    sources |= {CLIENT.parents[1] / "openapi.json"}
    sources -= {CLIENT / "src" / "schema.ts"}  # made, too
    return hashlib.sha256(b"".join(map(Path.read_bytes, sorted(sources)))).hexdigest()


def earner():
    """A teacher of whom one session was paid out: 100.00, less commission."""
    teacher = TeacherFactory()
    course = make_course(sessions=1, teacher=teacher)
    bought = enroll_full_course(student=student_with_credit(), course_id=course.pk)
    end_session(course.sessions.get())
    release_hold(hold_id=bought.hold.pk, actor=StaffFactory(), reason="It took place")
    return teacher


@pytest.fixture
def world(transactional_db):
    """Courses and people in each state that a call can be refused for."""
    teacher = TeacherFactory()
    for_walk = {"price_full_course": "80.00", "price_per_session": "12.00", "teacher": teacher}
    course = make_course(title="A walk through Lisbon", **for_walk)
    sold_out = make_course(max_students=1)
    enroll_full_course(student=student_with_credit(), course_id=sold_out.pk)
    running = make_course(sessions=2).sessions.first()
    start_session(running)
    moved, student = make_course(sessions=2), student_with_credit()
    enrollment = enroll_full_course(student=student, course_id=moved.pk)
    session = moved.sessions.first()
    later = timezone.now() + 9 * DAY
    move_session(session_id=session.pk, actor=moved.teacher, starts_at=later, duration_minutes=60)
    return {
        "password": PASSWORD,
        "rich": [student_with_credit().email for _ in range(16)],
        "poor": student_with_credit("5.00").email,
        "teacher": teacher.email,
        "course": str(course.pk),
        "sessions": [str(key) for key in course.sessions.values_list("pk", flat=True)],
        "soldOut": str(sold_out.pk),
        "unsold": str(make_course(price_full_course=None).pk),
        "started": str(running.pk),
        "earner": earner().email,
        "moved": {
            "course": str(moved.pk),
            "session": str(session.pk),
            "student": student.email,
            "enrollment": str(enrollment.pk),
        },
    }
