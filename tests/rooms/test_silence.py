"""A LiveKit that hangs keeps one waiting; a while long a process refuses the others at once."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from rooms import livekit as rooms_livekit
from rooms.livekit import VideoUnreachable, make_room, open_rooms, people_in
from tests.conversations import CONFIGURED
from tests.livekit import LiveKit, serving

PATIENCE = 0.3


@pytest.fixture
def livekit(settings: Any) -> Iterator[LiveKit]:
    known = LiveKit()
    with serving(known) as url:
        for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
            setattr(settings, name, value)
        settings.LIVEKIT_TIMEOUT_SECONDS = PATIENCE
        yield known


@pytest.fixture
def wake(livekit: LiveKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """It hangs until then."""
    awake, answer = threading.Event(), livekit.answer

    def hang(call: str, body: bytes) -> Any:
        awake.wait(10)
        return answer(call, body)

    monkeypatch.setattr(livekit, "answer", hang)
    yield awake.set
    awake.set()


def ask() -> float:
    """For how long it was waited for in vain."""
    started = time.monotonic()
    with pytest.raises(VideoUnreachable):
        make_room("a-room", empty_for=timedelta(minutes=1))
    return time.monotonic() - started


def test_whoever_comes_next_is_refused_at_once(livekit, wake):
    assert ask() >= PATIENCE
    for _ in range(3):
        assert ask() < PATIENCE / 2
    assert livekit.asked == ["CreateRoom"]


def test_a_while_later_it_is_asked_again(livekit, wake, monkeypatch):
    assert rooms_livekit.SILENT_SECONDS == 5
    monkeypatch.setattr(rooms_livekit, "SILENT_SECONDS", 0)
    for _ in range(2):
        assert ask() >= PATIENCE
    assert livekit.asked == ["CreateRoom", "CreateRoom"]


def test_the_job_asks_all_the_same_and_an_answer_ends_it(livekit, wake):
    ask()
    with pytest.raises(VideoUnreachable, match="no answer within"):
        open_rooms()
    wake()
    open_rooms()
    make_room("another", empty_for=timedelta(minutes=1))
    assert "another" in livekit.rooms


def test_one_that_had_no_time_left_to_wait_says_nothing_of_it(livekit, wake):
    with pytest.raises(VideoUnreachable):
        people_in("a-room", within=PATIENCE / 10)
    assert ask() >= PATIENCE


def test_one_that_is_not_there_refuses_at_once_and_is_asked_each_time(livekit, settings):
    url, settings.LIVEKIT_URL = settings.LIVEKIT_URL, "ws://127.0.0.1:1"
    assert ask() < PATIENCE
    settings.LIVEKIT_URL = url
    make_room("a-room", empty_for=timedelta(minutes=1))
