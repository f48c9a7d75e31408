"""LiveKit's room service, as the product speaks to it."""

import pytest

from tests.conversations import CONFIGURED, configured
from tests.livekit import LiveKit, serving
from tests.payments.conftest import books_are_clean

__all__ = ["books_are_clean", "configured"]


@pytest.fixture(scope="module")
def server():
    livekit = LiveKit()
    with serving(livekit) as url:
        yield livekit, url


@pytest.fixture
def livekit(server, settings):
    livekit, url = server
    livekit.rooms, livekit.asked = {}, []
    for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
        setattr(settings, name, value)
    return livekit


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Does something, and what comes after its commit."""

    def act(change, **arguments):
        with django_capture_on_commit_callbacks(execute=True):
            return change(**arguments)

    return act
