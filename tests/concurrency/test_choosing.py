"""Mail programs click at once: the race, and its twin."""

from functools import partial

import pytest

from notices.kinds import Group
from notices.models import TurnedOff
from notices.services import choosing
from tests.concurrency.racing import kinds, race
from tests.factories import UserFactory

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
CLICKS = 4


@pytest.fixture
def clicks(meeting):
    """Of one reader, each after all have seen that nothing is turned off."""
    meeting(CLICKS).after(choosing, "is_off")
    click = partial(choosing.turn_off, reader_id=UserFactory().pk, group=Group.REMINDERS)
    return [click] * CLICKS


def test_what_is_turned_off_at_once_is_off_once(clicks):
    assert kinds(race(*clicks)) == {"NoneType": CLICKS}
    assert TurnedOff.objects.count() == 1


def test_without_passing_over_what_is_there_the_reader_sees_an_error(clicks, monkeypatch):
    """The race is real: one gets through, and the database refuses the others."""
    manager = type(TurnedOff.objects)
    carefully = manager.bulk_create
    monkeypatch.setattr(manager, "bulk_create", lambda self, rows, **_: carefully(self, rows))
    assert kinds(race(*clicks)) == {"NoneType": 1, "IntegrityError": CLICKS - 1}
