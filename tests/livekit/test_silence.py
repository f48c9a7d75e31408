"""The real LiveKit, stopped: it takes connections, says nothing, and nobody else waits for it."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import requests
from django.conf import settings as project
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from courses.models import CourseSession
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart
from talkplatform.jobs import HEARTBEAT, OFTEN, PLANS
from talkplatform.models import Job
from talkplatform.runner import LOOK
from tests.factories import end_session, make_course, start_session, student_with_credit
from tests.livekit.people import until
from tests.livekit.real import RealLiveKit
from tests.serving import serving, wait_until_ready

pytestmark = [
    pytest.mark.livekit,
    pytest.mark.mariadb,
    pytest.mark.django_db(transaction=True),
]
NAMES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
PRODUCTION = {"DJANGO_SETTINGS_MODULE": "talkplatform.settings"}
JOBS = {"JOBS": "true", "JOB_SECONDS": "0.3", "SETTLEMENT_GRACE_MINUTES": "0"}
# Two seconds; and one of a busy machine's.
LONGEST_DELAY = 3
CLASS = 12


@pytest.fixture(autouse=True)
def _video(settings: Any) -> None:
    for name in NAMES:
        setattr(settings, name, os.environ[name])


@pytest.fixture
def stopped(real: RealLiveKit) -> Iterator[None]:
    with real.stopped():
        yield


@pytest.fixture
def lesson() -> CourseSession:
    """A session that runs, and that a whole class has bought."""
    session = make_course(sessions=2).sessions.first()
    for student in (student_with_credit() for _ in range(CLASS)):
        enroll_full_course(student=student, course_id=session.course_id)
    start_session(session)
    return session


class Visitor:
    """A user at a running site."""

    def __init__(self, url: str, user: User) -> None:
        client, token = Client(), "x" * 32
        client.force_login(user)
        cookie = client.cookies[project.SESSION_COOKIE_NAME].value
        self.url, self.browser = url, requests.Session()
        self.browser.cookies.update(
            {project.SESSION_COOKIE_NAME: cookie, project.CSRF_COOKIE_NAME: token}
        )
        self.browser.headers["X-CSRFToken"] = token

    def get(self, path: str) -> float:
        return self._wait_for("get", path, 200)

    def post(self, path: str, status: int) -> float:
        return self._wait_for("post", path, status)

    def _wait_for(self, verb: str, path: str, status: int) -> float:
        """For how long, in seconds."""
        started = time.monotonic()
        answer = getattr(self.browser, verb)(f"{self.url}{path}", timeout=30)
        assert answer.status_code == status, answer.text
        return time.monotonic() - started


def test_no_page_is_delayed_by_more_than_two_seconds(lesson, real):
    """Neither those that ask it, a whole class and its teacher, nor any other."""
    with serving(JOBS="false", **PRODUCTION) as site:
        wait_until_ready(site)
        class_ = [Visitor(site.url, student) for student in _students(lesson)]
        teacher = Visitor(site.url, lesson.course.teacher)
        slowest(lesson, class_, teacher, status=200)  # now each process has loaded what it needs
        usual = slowest(lesson, class_, teacher, status=200)
        with real.stopped():
            assert slowest(lesson, class_, teacher, status=503) - usual < LONGEST_DELAY


def slowest(
    lesson: CourseSession, class_: Sequence[Visitor], teacher: Visitor, *, status: int
) -> float:
    """The seconds that the slowest page took while a class comes in, and its teacher mutes one."""
    room = reverse("enrollments:room", args=[lesson.pk])
    mute = f"{room}people/{_students(lesson)[0].pk}/mute/"
    paths = (room, f"{room}state/", f"{room}after/", "/learning/", "/")
    with ThreadPoolExecutor(CLASS + 1) as crowd:
        asking = [crowd.submit(one.post, f"{room}pass/", status) for one in class_]
        asking.append(crowd.submit(teacher.post, mute, status))
        others = [class_[0].get(path) for path in paths for _ in range(2)]
    return max([*others, *(one.result() for one in asking)])


def _students(session: CourseSession) -> list[User]:
    return list(User.objects.filter(holds__parts__session=session).order_by("pk"))


def _others() -> QuerySet[Job]:
    """The jobs that have nothing to do with rooms."""
    return Job.objects.exclude(pk__in=["poll_rooms", HEARTBEAT])


def test_no_settlement_and_no_other_job_waits(lesson, stopped, broken):
    over = make_course().sessions.first()
    purchase_session(student=student_with_credit("16.00"), session_id=over.pk)
    with serving(**JOBS, **PRODUCTION) as site:
        wait_until_ready(site)
        until(lambda: Job.objects.filter(pk="poll_rooms", last_failed__isnull=False).exists())
        end_session(over, ago=-timedelta(seconds=4))
        play = ("simulate_session", str(over.pk), "--url", site.url)
        call_command(*play, stdout=StringIO())
        until(lambda: timezone.now() > over.ends_at)
        released = HoldPart.objects.filter(session=over, status="released")
        until(released.exists, within=2)
        # All are due while the one about rooms waits: the others don't wait with it.
        polling = Job.objects.filter(pk="poll_rooms")
        until(polling.filter(leased_until=None).exists)
        until(polling.filter(leased_until__isnull=False).exists)
        failed = polling.get().last_failed
        started = timezone.now()
        _others().update(due=started, last_finished=None)
        often = [plan.name for plan in PLANS if plan.every <= OFTEN and plan.wanted()]
        until(lambda: not _others().filter(pk__in=often, last_finished=None).exists())
        assert polling.get().last_failed == failed
        until(lambda: not _others().filter(last_finished=None).exists())
        assert timezone.now() - started < LOOK + timedelta(seconds=2)
    assert not _others().filter(last_failed__isnull=False).exists()
    assert broken() == {}
