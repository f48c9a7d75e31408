"""One LiveKit and one site for all who meet here."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.live import site as serving_site
from tests.livekit.real import RealLiveKit


@pytest.fixture(scope="package")
def real() -> Iterator[RealLiveKit]:
    found = RealLiveKit()
    yield found
    found.reap()


@pytest.fixture(scope="package")
def site(real: RealLiveKit, django_db_setup: None) -> Iterator[Any]:
    """The site of production, to which LiveKit's webhooks go."""
    with serving_site() as site:
        yield site
