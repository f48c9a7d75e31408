from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import open_family
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from notices.models import Notice
from tests.factories import (
    StaffFactory,
    earn,
    make_course,
    student_with_credit,
    top_up_of,
    withdraw,
)
from tests.sharing import kept


def client_of(user: User | None) -> APIClient:
    """A client that sends the user's real token, as their browser would."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_family(user)['access']}")
    return client


@pytest.fixture
def as_user() -> Callable[[User | None], APIClient]:
    return client_of


@pytest.fixture
def world(db: Any) -> SimpleNamespace:
    return make_world()


@pytest.fixture(scope="module")
def shared_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[SimpleNamespace]:
    """The same for all tests of a module, none of which commits: each works on a copy."""
    with kept(django_db_blocker):
        yield make_world()


def make_world() -> SimpleNamespace:
    """Two courses of one teacher: the owner is enrolled in one, and has a session of the other.

    The owner has taught as well, and asked for some of what came in.
    """
    owner, stranger = student_with_credit("500.00"), student_with_credit("500.00")
    course, other = make_course(sessions=2), make_course(sessions=2)
    enrollment = enroll_full_course(student=owner, course_id=course.pk)
    single = other.sessions.get(session_number=1)
    earn(owner, "300.00")
    return SimpleNamespace(
        owner=owner,
        stranger=stranger,
        anonymous=None,
        teacher=course.teacher,
        staff=StaffFactory(),
        course=course,
        session=course.sessions.get(session_number=1),
        other=other,
        single=single,
        enrollment=enrollment,
        purchase=purchase_session(student=owner, session_id=single.pk),
        withdrawal=withdraw(owner),
        top_up=top_up_of(owner),
        draft=make_course(published=False, teacher=course.teacher),
        notice=Notice.objects.shown_to(owner.pk)[0],
    )


@pytest.fixture
def owner(world: SimpleNamespace) -> APIClient:
    return client_of(world.owner)


@pytest.fixture
def stranger(world: SimpleNamespace) -> APIClient:
    return client_of(world.stranger)
