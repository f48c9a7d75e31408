"""Two sessions in a March, between which the clocks of Europe go forward."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.factories import TeacherFactory

DAY = timedelta(days=1)
BEFORE, AFTER = (datetime(2027, 3, day, 17, 0, tzinfo=UTC) for day in (27, 29))


@pytest.fixture(autouse=True)
def _in_march():
    with time_machine.travel(datetime(2027, 3, 20, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def teacher():
    return TeacherFactory(display_name="Sofía", time_zone="America/New_York")
