"""People in a real LiveKit: participants of its own library, in a loop of their own."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from livekit import rtc

T = TypeVar("T")
WIDTH, HEIGHT = 160, 90
PATIENCE = 15.0


class People:
    """A loop in which participants live; `enter` brings one into a room."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.inside: list[Person] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def enter(self, url: str, token: str) -> "Person":
        person = Person(self)
        self.do(person.connect(url, token))
        self.inside.append(person)
        return person


class Person:
    """A participant: `ended` is why their connection ended, `frames` how many they decoded."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.ended: Any = None
        self.ended_at = 0.0
        self.frames = 0
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def handed(self) -> str:
        """The newest pass that LiveKit has handed them."""
        return self.room._token or ""

    async def connect(self, url: str, token: str) -> None:
        self.room = rtc.Room()
        self.room.on("disconnected", self._note_end)
        self.room.on("track_subscribed", self._watch)
        await self.room.connect(url, token)

    def _note_end(self, reason: Any) -> None:
        self.ended, self.ended_at = reason, time.monotonic()

    def _watch(self, track: rtc.Track, *_: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self.tasks.append(asyncio.ensure_future(self._count(rtc.VideoStream(track))))

    async def _count(self, stream: rtc.VideoStream) -> None:
        async for _ in stream:
            self.frames += 1

    def show(self, source: "rtc.TrackSource.ValueType" = rtc.TrackSource.SOURCE_CAMERA) -> None:
        """Publish moving pictures, five a second."""
        self.people.do(self.publish(source))

    async def publish(self, source: "rtc.TrackSource.ValueType") -> None:
        pictures = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("picture", pictures)
        options = rtc.TrackPublishOptions(source=source, simulcast=False)
        await self.room.local_participant.publish_track(track, options)
        self.tasks.append(asyncio.ensure_future(self._move(pictures)))

    async def _move(self, pictures: rtc.VideoSource) -> None:
        n = 0
        while self.ended is None:
            n += 1
            data = bytes([n % 256]) * (WIDTH * HEIGHT * 4)
            pictures.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, data))
            await asyncio.sleep(0.2)

    def leave(self) -> None:
        self.people.do(self.room.disconnect())
        self.ended = self.ended or "left"


@contextmanager
def gathering() -> Iterator[People]:
    """People, who all leave at the end."""
    people = People()
    thread = threading.Thread(target=people.loop.run_forever, daemon=True)
    thread.start()
    # The library's own log goes on after a test has closed its output.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    try:
        yield people
    finally:
        for person in people.inside:
            if person.ended is None:
                person.leave()
        people.loop.call_soon_threadsafe(people.loop.stop)
        thread.join(PATIENCE)
        for task in asyncio.all_tasks(people.loop):
            task.cancel()
        people.loop.run_until_complete(asyncio.sleep(0))
        people.loop.close()


def until(what: Callable[[], T], within: float = PATIENCE) -> T:
    """Wait until it is so; gives what it is. Looks often: nothing here tells when."""
    deadline = time.monotonic() + within
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.02)
    return found
