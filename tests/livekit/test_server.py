"""Our side of the room beside a real LiveKit: who is out, and how soon; what is known of who came.

Its webhooks reach our real server; participants are those of its own library.
"""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from livekit import rtc
from livekit.protocol.models import DisconnectReason

from accounts.models import User
from courses.models import CourseSession
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from payments.models import HoldPart
from rooms import livekit as ours
from rooms.livekit import SEEN, VideoRefused
from rooms.models import Attendance, RoomWatch, WebhookEvent
from settlement.services.settling import settle_all
from tests.conversations import Room
from tests.factories import make_course, start_session, student_with_credit
from tests.livekit import LiveKit
from tests.livekit import serving as double_serving
from tests.livekit.people import People, Person, gathering, until
from tests.livekit.telling import telling
from tests.serving import running

pytestmark = [pytest.mark.livekit, pytest.mark.once, pytest.mark.django_db(transaction=True)]
MINUTE = timedelta(minutes=1)
REMOVED = DisconnectReason.PARTICIPANT_REMOVED


@pytest.fixture(autouse=True)
def _video(settings: Any) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        setattr(settings, name, os.environ[name])


@pytest.fixture
def people(site: Any) -> Iterator[People]:
    with gathering() as people:
        yield people


@pytest.fixture
def student() -> User:
    return student_with_credit("100.00")


@pytest.fixture
def session() -> CourseSession:
    """In five minutes; the door is open as soon as somebody has bought it."""
    return make_course().sessions.get(session_number=1)


@pytest.fixture
def teacher(session: CourseSession) -> User:
    return session.course.teacher


def soon(session: CourseSession, *students: User) -> list[Any]:
    bought = [purchase_session(student=one, session_id=session.pk) for one in students]
    start_session(session, ago=-5 * MINUTE)
    session.refresh_from_db()
    return bought


async def within(seconds: float, work: Any) -> Any:
    async with asyncio.timeout(seconds):
        return await work


def post(user: User, session: CourseSession, rest: str) -> Any:
    browser = Client()
    browser.force_login(user)
    return browser.post(f"/sessions/{session.pk}/room/{rest}")


def pass_of(user: User, session: CourseSession) -> dict[str, str]:
    answer = post(user, session, "pass/")
    assert answer.status_code == 200, answer.content
    return answer.json()


def enter(people: People, user: User, session: CourseSession) -> Person:
    return people.enter(**pass_of(user, session))


def joined(user: User, session: CourseSession) -> bool:
    return Attendance.objects.filter(session=session, user=user, joined_at__isnull=False).exists()


def comes_back_in_vain(people: People, given: dict[str, str]) -> None:
    """Three times, with a pass of before: out each time, without having seen anything."""
    for _ in range(3):
        started = time.monotonic()
        back = people.enter(**given)
        until(lambda back=back: back.ended is not None, within=2)
        assert back.ended in (REMOVED, DisconnectReason.ROOM_DELETED)
        assert (back.ended_at - started < 2, back.frames) == (True, 0)


class TestOut:
    @pytest.mark.parametrize("auto_create", [False, True])
    def test_who_cancels_is_out_and_stays_out(
        self, real, people, session, student, teacher, auto_create
    ):
        real.make_rooms_by_itself(auto_create)
        [bought] = soon(session, student)
        shown = enter(people, teacher, session)
        shown.show()
        given = pass_of(student, session)
        watching = people.enter(**given)
        until(lambda: watching.frames > 2)
        started = time.monotonic()
        cancel_session_purchase(student=student, purchase_id=bought.pk)
        until(lambda: watching.ended is not None, within=5)
        assert (watching.ended, watching.ended_at - started < 5) == (REMOVED, True)
        comes_back_in_vain(people, given)
        assert shown.ended is None
        real.make_rooms_by_itself(False)

    def test_a_pass_that_livekit_handed_them_leads_out_again_as_well(
        self, people, session, student, teacher
    ):
        """It says that they may see and hear: no server of ours can make that pass any other."""
        [bought] = soon(session, student)
        shown = enter(people, teacher, session)
        shown.show()
        given = pass_of(student, session)
        watching = people.enter(**given)
        until(lambda: watching.frames > 2 and watching.handed != given["token"])
        cancel_session_purchase(student=student, purchase_id=bought.pk)
        until(lambda: watching.ended is not None)
        for _ in range(3):
            started = time.monotonic()
            back = people.enter(given["url"], watching.handed)
            until(lambda back=back: back.ended is not None)
            assert (back.ended, back.ended_at - started < 2) == (REMOVED, True)

    def test_whom_the_teacher_removes_is_out_until_let_in(self, people, session, student, teacher):
        soon(session, student)
        shown = enter(people, teacher, session)
        shown.show()
        given = pass_of(student, session)
        watching = people.enter(**given)
        until(lambda: watching.frames > 2)
        order = f"people/{student.pk}/"
        assert post(teacher, session, f"{order}remove/").status_code == 200
        until(lambda: watching.ended is not None, within=5)
        comes_back_in_vain(people, given)
        assert post(teacher, session, f"{order}admit/").status_code == 200
        again = enter(people, student, session)
        until(lambda: again.frames > 2)
        again.leave()

    def test_nobody_is_in_after_the_end_for_all(self, people, session, student, teacher):
        soon(session, student)
        given = pass_of(student, session)
        inside = [enter(people, teacher, session), people.enter(**given)]
        assert post(teacher, session, "end/").status_code == 200
        for one in inside:
            until(lambda one=one: one.ended is not None, within=5)
        with pytest.raises(rtc.ConnectError):
            people.enter(**given)
        assert post(teacher, session, "resume/").status_code == 200
        enter(people, student, session).leave()

    def test_nobody_takes_another_name(self, people, session, student, teacher):
        soon(session, student)
        watching = enter(people, teacher, session)
        somebody = enter(people, student, session)
        with suppress(Exception):
            people.do(within(2, somebody.room.local_participant.set_name("TEACHER")))
        until(lambda: watching.room.remote_participants)
        [seen] = watching.room.remote_participants.values()
        assert seen.name == student.display_name


class TestTheTeachersButtons:
    def test_who_is_let_shares_the_screen_until_no_longer_let(
        self, people, session, student, teacher
    ):
        soon(session, student)
        watching = enter(people, teacher, session)
        sharing = enter(people, student, session)
        screen = rtc.TrackSource.SOURCE_SCREENSHARE
        with pytest.raises((TimeoutError, rtc.participant.PublishTrackError)):
            people.do(within(2, sharing.publish(screen)))
        order = f"people/{student.pk}/"
        assert post(teacher, session, f"{order}share/").status_code == 200
        until(lambda: sharing.room.local_participant is not None)
        sharing.show(screen)
        until(lambda: watching.frames > 2)
        assert post(teacher, session, f"{order}unshare/").status_code == 200
        [seen] = watching.room.remote_participants.values()
        until(lambda: not seen.track_publications)
        for one in (watching, sharing):
            one.leave()


def short(session: CourseSession) -> None:
    """A minute long, sold so, and it starts now."""
    CourseSession.objects.filter(pk=session.pk).update(duration_minutes=1)
    HoldPart.objects.filter(session=session).update(sold_duration_minutes=1)
    start_session(session, ago=timedelta(0))
    session.refresh_from_db()


def settle(session: CourseSession) -> None:
    with time_machine.travel(session.settles_at + MINUTE, tick=True):
        list(settle_all())


class TestTheMoney:
    def test_a_livekit_that_died_and_came_back_leaves_it_decided(
        self, real, people, session, student, teacher, settings
    ):
        settings.ATTENDANCE_THRESHOLD_PERCENT = 5
        soon(session, student)
        short(session)
        before = [enter(people, user, session) for user in (teacher, student)]
        until(lambda: joined(teacher, session) and joined(student, session))
        call_command("poll_rooms")
        until(lambda: timezone.now() - session.starts_at > timedelta(seconds=5))
        call_command("poll_rooms")
        real.kill()
        for person in before:
            person.leave()  # of which nobody hears
        real.start()
        for user in (teacher, student):
            enter(people, user, session)
        until(lambda: Attendance.objects.filter(session=session).count() == 4)
        assert not Attendance.objects.filter(session=session, left_at__isnull=False).exists()
        rooms = RoomWatch.objects.filter(session=session).exclude(room_sid="")
        assert rooms.count() == 2
        call_command("poll_rooms")
        settle(session)
        part = HoldPart.objects.get(session=session)
        assert (part.status, part.reason) == ("released", "attended")


class TestTheDouble:
    """What the tests of everywhere else have in its place answers alike."""

    def story(self, name: str) -> list[Any]:
        nobody = "018f0000-0000-7000-8000-000000000000"
        told: list[Any] = [name in ours.open_rooms(), ours.people_in(name)]
        for ask in (
            lambda: ours.make_room(name, empty_for=MINUTE),
            lambda: ours.make_room(name, empty_for=MINUTE),
            lambda: ours.put_out(name, [nobody]),
            lambda: ours.mute(name, nobody),
            lambda: ours.let_in(name, {nobody: SEEN}),
            lambda: ours.people_in(name),
            lambda: name in ours.open_rooms(),
            lambda: ours.close_room(name),
            lambda: ours.close_room(name),
            lambda: ours.mute(name, nobody),
            lambda: name in ours.open_rooms(),
        ):
            try:
                told.append(ask())
            except VideoRefused as error:
                told.append(str(error))
        return told

    def test_answers_as_the_real_one(self, real, settings):
        found = self.story("one-of-ours")
        double = LiveKit()
        settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET = "APIkey", "s" * 40
        with double_serving(double) as settings.LIVEKIT_URL:
            assert self.story("one-of-ours") == found

    def test_tells_what_the_real_one_tells(self, people, session, student):
        soon(session, student)
        told = Room(session)
        mine = {
            "room_started": json.loads(told.started()),
            "participant_joined": json.loads(told.joined(student, -5)),
            "participant_left": json.loads(told.ended(student, -4, "CLIENT_INITIATED")),
        }
        enter(people, student, session).leave()
        heard = WebhookEvent.objects.values_list("kind", flat=True)
        until(lambda: mine.keys() <= set(heard.all()))
        for kind, body in mine.items():
            real = json.loads(WebhookEvent.objects.filter(kind=kind).first().body)
            assert body.keys() <= real.keys() | {"participant"}
            for part in body.keys() & {"room", "participant"}:
                made_up = {"turnPassword", "departureTimeout", "isPublisher", "region"}
                assert body[part].keys() - made_up <= real[part].keys() | {"permission"}
            assert "turnPassword" not in real["room"]

    def test_sends_the_webhooks_of_the_real_one(self, site, people, student, settings):
        """Somebody comes and leaves, is put out, and is in a room that closes."""
        real, small = (make_course(sessions=1).sessions.get() for _ in range(2))
        for session in (real, small):
            soon(session, student)
        enter(people, student, real).leave()
        until(lambda: len(heard_of(real)) == 3)
        enter(people, student, real)
        until(lambda: len(heard_of(real)) == 4)
        ours.put_out(real.room_name, [str(student.pk)])
        until(lambda: len(heard_of(real)) == 5)
        enter(people, student, real)
        until(lambda: len(heard_of(real)) == 6)
        ours.close_room(real.room_name)
        until(lambda: heard_of(real)[-1][0] == "room_finished")
        key, secret = settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET
        settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET = "APIkey", "s" * 40
        with telling(site.url, key=key, secret=secret) as tell:
            double = LiveKit(tell)
            with double_serving(double) as settings.LIVEKIT_URL:
                double.enter(small.room_name, student)
                double.leave(small.room_name, student)
                double.enter(small.room_name, student)
                ours.put_out(small.room_name, [str(student.pk)])
                double.enter(small.room_name, student)
                ours.close_room(small.room_name)
        assert heard_of(small) == heard_of(real)


def heard_of(session: CourseSession) -> list[tuple[str, str, str]]:
    """What our server was told of a session's room: each kind, and how somebody is, and why."""
    bodies = WebhookEvent.objects.filter(session=session).order_by("received_at", "pk")
    told = [json.loads(body) for body in bodies.values_list("body", flat=True)]
    people = [event.get("participant", {}) for event in told]
    return [
        (event["event"], person.get("state", ""), person.get("disconnectReason", ""))
        for event, person in zip(told, people, strict=True)
    ]


def test_a_client_that_is_killed_is_told_from_one_that_left(people, session, student):
    """The line broke: nobody said good-bye."""
    soon(session, student)
    given = pass_of(student, session)
    code = (
        "import asyncio, sys; from livekit import rtc\n"
        "async def main():\n"
        "    room = rtc.Room(); await room.connect(sys.argv[1], sys.argv[2])\n"
        "    print('in', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with running("-c", code, given["url"], given["token"], output=subprocess.PIPE) as process:
        process.stdout.readline()
        until(lambda: joined(student, session))
    until(lambda: Attendance.objects.exclude(left_at=None).exists(), within=40)
    assert Attendance.objects.get().disconnect_reason in (
        "SIGNAL_CLOSE",
        "CONNECTION_TIMEOUT",
        "STATE_MISMATCH",
    )
