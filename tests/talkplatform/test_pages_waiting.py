"""A LiveKit that takes connections and says nothing holds each page up once, however many rooms."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from payments.models import HoldPart
from rooms import livekit as rooms_livekit
from talkplatform import settings as project
from tests.conversations import CONFIGURED
from tests.factories import DAY, StaffFactory, make_course, start_session, student_with_credit
from tests.forms import shown
from tests.livekit import standing_still

pytestmark = pytest.mark.django_db(transaction=True)
ROOMS, PATIENCE = 4, 0.5
SOON = -DAY / 288  # the door opens ten minutes before the start
Answers = dict[str, Any]
ADMIN = "/admin/{}/decide/{}/".format


class World:
    """A course, a room of which is open for each of its sessions; who buys, teaches and decides."""

    def __init__(self) -> None:
        self.student = student_with_credit("500.00")
        self.course = make_course(sessions=ROOMS)
        self.teacher, self.staff = self.course.teacher, StaffFactory()
        self.sessions = list(self.course.sessions.all())

    def open_the_doors(self) -> None:
        for session in self.sessions:
            start_session(session, ago=SOON)

    def hold_singles(self) -> list[Any]:
        bought = [
            purchase_session(student=self.student, session_id=session.pk)
            for session in self.sessions
        ]
        self.open_the_doors()
        return bought


def leaving_the_course(world: World) -> tuple[Any, str, Answers]:
    bought = enroll_full_course(student=world.student, course_id=world.course.pk)
    world.open_the_doors()
    return world.student, f"/learning/courses/{bought.pk}/cancel/", {}


def cancelling_one(world: World) -> tuple[Any, str, Answers]:
    bought, *_ = world.hold_singles()
    return world.student, f"/learning/sessions/{bought.pk}/cancel/", {}


def calling_off(world: World) -> tuple[Any, str, Answers]:
    world.hold_singles()
    answers = {"reason": "I have the flu", "confirmation": "refund 1 student"}
    return world.teacher, f"/teaching/sessions/{world.sessions[0].pk}/cancel/", answers


def moving(world: World) -> tuple[Any, str, Answers]:
    world.hold_singles()
    moved = {"starts_at": f"{world.sessions[0].starts_at + 3 * DAY:%Y-%m-%dT%H:%M}"}
    path = f"/teaching/sessions/{world.sessions[0].pk}/edit/"
    return world.teacher, path, moved | {"reason": "I have the flu"}


def deleting(world: World) -> tuple[Any, str, Answers]:
    world.open_the_doors()
    return world.teacher, f"/teaching/sessions/{world.sessions[0].pk}/delete/", {}


def refunding_many(world: World) -> tuple[Any, str, Answers]:
    holds = [bought.hold.pk for bought in world.hold_singles()]
    parts = HoldPart.objects.filter(hold__in=holds).values_list("pk", flat=True)
    answers = {"hold": holds, "part": [*parts], "reason": "The platform failed"}
    return world.staff, ADMIN("payments/paymenthold", "refund"), answers


def calling_off_many(world: World) -> tuple[Any, str, Answers]:
    world.hold_singles()
    told = {f"told-{session.pk}": "1:16.00" for session in world.sessions}
    answers = {"session": [s.pk for s in world.sessions], "reason": "The teacher left"}
    return world.staff, ADMIN("courses/coursesession", "cancel_and_refund"), answers | told


@pytest.fixture(autouse=True)
def waits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """For how many seconds LiveKit was waited for, each time: a clock measures the machine too."""
    waits = []

    def noted(question: Any, limit: float) -> Any:
        waits.append(limit)
        return answered(question, limit)

    answered = rooms_livekit._answered
    monkeypatch.setattr(rooms_livekit, "_answered", noted)
    with standing_still() as url:
        for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
            setattr(settings, name, value)
        settings.LIVEKIT_TIMEOUT_SECONDS = PATIENCE
        yield waits


@pytest.mark.parametrize(
    "deed",
    [
        leaving_the_course,
        cancelling_one,
        calling_off,
        moving,
        deleting,
        refunding_many,
        calling_off_many,
    ],
)
def test_what_empties_rooms_waits_once(
    deed: Callable[[World], tuple[Any, str, Answers]], waits: list[float]
) -> None:
    reader, path, answers = deed(World())
    browser = Client()
    browser.force_login(reader)
    form = {} if path.startswith("/admin/") else shown(browser.get(path))
    waits.clear()
    assert browser.post(path, form | answers).status_code == 302
    assert 0 < sum(waits) <= PATIENCE


def test_the_door_itself_asks_nobody(waits: list[float]) -> None:
    world = World()
    world.hold_singles()
    browser = Client()
    browser.force_login(world.student)
    waits.clear()
    for path in ("/learning/", f"/courses/{world.course.pk}/"):
        assert browser.get(path).status_code == 200
    assert browser.post(f"/sessions/{world.sessions[0].pk}/join/").status_code < 400
    assert waits == []


def test_it_waits_two_seconds_unless_told_otherwise() -> None:
    assert project.LIVEKIT_TIMEOUT_SECONDS == 2
