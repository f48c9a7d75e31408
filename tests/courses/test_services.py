"""What may be published, by whom, and what taking it off sale leaves."""

from decimal import Decimal

import pytest

from common.errors import NotFound
from courses.errors import NothingToSell
from courses.models import Course
from courses.services import archive_course, create_course, publish_course
from enrollments.services.sessions import cancel_session, change_course
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    end_session,
    extend_course,
    make_course,
    start_session,
)

pytestmark = pytest.mark.django_db


def publish(course: Course, actor=None) -> Course:
    return publish_course(course_id=course.pk, actor=actor or course.teacher)


def test_a_course_begins_as_a_draft():
    teacher = TeacherFactory()
    course = create_course(teacher=teacher, title="Hola", language="Spanish", category="Languages")
    course.refresh_from_db()
    assert (course.teacher, course.title, course.status) == (teacher, "Hola", "draft")
    assert (course.current_students, course.price_full_course) == (0, None)


@pytest.mark.parametrize(
    "terms",
    [
        {"sessions": 0},
        {"price_full_course": None, "price_per_session": None},
        {"sessions": 7, "price_full_course": "0.06"},
    ],
)
def test_there_must_be_something_to_sell(terms):
    course = make_course(published=False, **terms)
    with pytest.raises(NothingToSell):
        publish(course)
    course.refresh_from_db()
    assert course.status == "draft"


@pytest.mark.parametrize(
    "terms",
    [
        {"sessions": 7, "price_full_course": "0.07"},
        {"sessions": 1, "price_full_course": None},
        {"sessions": 1, "price_per_session": None},
    ],
)
def test_a_price_and_a_cent_for_each_session_will_do(terms):
    course = publish(make_course(published=False, **terms))
    assert publish(course).status == "published"


@pytest.mark.parametrize("ends", [end_session, start_session, "called off"])
def test_there_must_be_a_session_to_come(ends):
    course = make_course(sessions=1, published=False)
    session = course.sessions.get()
    if ends == "called off":
        cancel_session(session_id=session.pk, actor=course.teacher)
    else:
        ends(session)
    with pytest.raises(NothingToSell):
        publish(course)
    course.refresh_from_db()
    assert course.status == "draft"


def test_what_is_over_can_be_edited_and_published_again_is_as_it_was():
    course = make_course(sessions=1)
    end_session(course.sessions.get())
    changed = change_course(course_id=course.pk, actor=course.teacher, title="It was good")
    assert (changed.title, publish(course).status) == ("It was good", "published")


def test_what_is_published_stays_sellable():
    course = make_course(sessions=2, price_full_course="0.02")
    with pytest.raises(NothingToSell):
        extend_course(course, starts_at=course.sessions.last().starts_at + DAY)
    with pytest.raises(NothingToSell):
        change_course(course_id=course.pk, actor=course.teacher, price_full_course=Decimal("0.01"))
    assert course.sessions.count() == 2


def test_its_teacher_and_staff_alone():
    course = make_course(published=False)
    for act in (publish_course, archive_course):
        with pytest.raises(NotFound):
            act(course_id=course.pk, actor=TeacherFactory())
    assert publish(course, StaffFactory()).status == "published"
    assert archive_course(course_id=course.pk, actor=course.teacher).status == "archived"
