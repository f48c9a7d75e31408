"""Conditions of SQL, joined, and as filters of the ORM."""

import pytest

from common.conditions import Condition
from courses.models import Course
from tests.factories import make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def three() -> None:
    for title in ("100% Dutch", "French", "Piano"):
        make_course(title=title)


def titles(where: Condition) -> set[str]:
    return {*Course.objects.filter(where).values_list("title", flat=True)}


@pytest.mark.usefixtures("three")
def test_they_are_joined():
    dutch = Condition.among("courses.title", ["100% Dutch", "Piano"])
    french = Condition("courses.title = %s", ["French"])
    assert titles(dutch) == {"100% Dutch", "Piano"}
    assert titles(Condition.any_of([dutch, french])) == {"100% Dutch", "French", "Piano"}
    assert titles(Condition.all_of([dutch, french])) == set()
    either = Condition.any_of([french, Condition("courses.title = %s", ["Piano"])])
    assert titles(Condition.all_of([either, dutch])) == {"Piano"}


@pytest.mark.usefixtures("three")
def test_of_none_all_are_so_and_any_is_not():
    assert len(titles(Condition.all_of(()))) == 3
    assert titles(Condition.any_of(())) == titles(Condition.among("courses.title", ())) == set()


def test_those_that_say_the_same_are_alike():
    first, second, third = (Condition("courses.title = %s", [title]) for title in "aab")
    assert first == second != third
