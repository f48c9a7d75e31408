"""Statements written once answer as the ORM does, whatever values they run with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.prepared import prepared, prepared_as, prepared_update
from courses.models import Course, CourseSession
from enrollments.services.purchasing import purchase_session
from payments.models import PaymentHold
from tests.factories import make_course, student_with_credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def courses():
    return [make_course(sessions=3, price_full_course="30.00") for _ in range(2)]


def sessions_query(course, cheaper_than, number, title) -> QuerySet:
    others = CourseSession.objects.filter(course=OuterRef("course"), title=title)
    return (
        CourseSession.objects.filter(
            course=course, course__price_full_course__lt=cheaper_than, session_number__gt=number
        )
        .annotate(titled=Exists(others))
        .select_related("course__teacher")
        .order_by("session_number")
    )


@prepared
def some_sessions(course: UUID, cheaper_than: Decimal, number: int, title: str) -> QuerySet:
    return sessions_query(course, cheaper_than, number, title)


@pytest.mark.parametrize("cheaper_than", [Decimal("30.00"), Decimal("30.01")])
@pytest.mark.parametrize("number", [0, 2, 3])
@pytest.mark.parametrize("title", ["Session 1", "What % is '; -- this?"])
def test_rows_are_those_of_the_orm(courses, cheaper_than, number, title):
    for course in courses:
        given = (course.pk, cheaper_than, number, title)
        rows, expected = some_sessions(*given), list(sessions_query(*given))
        assert [vars_of(row) for row in rows] == [vars_of(row) for row in expected]


def vars_of(session: Any) -> Any:
    """All that a row brought, annotation and joined objects included."""
    parts = (session, session.course, session.course.teacher)
    return [{n: v for n, v in vars(part).items() if n != "_state"} for part in parts]


def test_one_statement_and_nothing_more_to_read(courses):
    email = courses[0].teacher.email
    with CaptureQueriesContext(connection) as told:
        rows = some_sessions(courses[0].pk, Decimal(31), 0, "Session 1")
        assert [row.course.teacher.email for row in rows] == [email] * 3
    assert len(told) == 1


def test_names_may_be_given():
    assert some_sessions(title="x", number=0, cheaper_than=Decimal(1), course=uuid4()) == []


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(TypeError, match="missing a required argument: 'title'"):
        some_sessions(uuid4(), Decimal(1), 0)  # type: ignore[call-arg]


def test_a_value_that_nobody_asked_for_is_an_error():
    with pytest.raises(TypeError, match="too many positional arguments"):
        some_sessions(uuid4(), Decimal(1), 0, "x", "y")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'seats'"):
        some_sessions(uuid4(), Decimal(1), 0, title="x", seats=1)  # type: ignore[call-arg]


@prepared
def courses_among(keys: list[UUID], title: str) -> QuerySet:
    return Course.objects.filter(pk__in=keys).exclude(title=title).order_by("pk")


def test_lists_may_have_any_length(courses):
    keys = [course.pk for course in courses]
    assert courses_among(keys[:1], "") == courses[:1]
    assert courses_among([*keys, uuid4()], "") == courses
    assert courses_among(keys, courses[0].title) == [
        course for course in courses if course.title != courses[0].title
    ]


@prepared
def numbers(course: UUID, number: int) -> QuerySet:
    later = CourseSession.objects.filter(course=course, session_number__gt=number)
    return later.order_by("session_number").values_list("session_number", "course_id", "starts_at")


def test_a_list_of_values_is_one_of_tuples(courses):
    rows = courses[0].sessions.order_by("session_number")
    expected = rows.values_list("session_number", "course_id", "starts_at")[1:]
    assert numbers(courses[0].pk, 1) == list(expected)


@dataclass(frozen=True)
class Titled:
    course: Course
    length: int


@prepared_as(Titled)
def titled(keys: list[UUID], title: str) -> QuerySet[Course]:
    some = Course.objects.filter(Q(pk__in=keys) | Q(title=title))
    return some.annotate(length=Length("title")).order_by("title")


def test_what_is_annotated_may_have_a_type(courses):
    Course.objects.filter(pk=courses[0].pk).update(title="Chess")
    chess = Titled(courses[0], 5)
    assert titled([courses[0].pk], "") == [chess]
    assert titled([], "Chess") == [chess]
    assert titled([], "") == []
    assert titled([], "Chess")[0].course.title == "Chess"


@prepared_update
def rename(course: UUID, title: str, seats: int) -> tuple[QuerySet, dict[str, Any]]:
    fewer = Course.objects.filter(pk=course, current_students__lt=seats)
    return fewer, {"title": title, "current_students": F("current_students") + 1}


def test_an_update_tells_how_many_rows_it_matched(courses):
    assert rename(courses[0].pk, "Chess", 1) == 1
    assert rename(courses[0].pk, "Go", 1) == 0
    assert rename(courses[1].pk, "Go", 5) == 1
    assert rename(uuid4(), "Go", 5) == 0
    told = Course.objects.order_by("created_at").values_list("title", "current_students")
    assert list(told) == [("Chess", 1), ("Go", 1)]


def test_an_update_that_changes_nothing_still_matches(courses):
    @prepared_update
    def same(course: UUID) -> tuple[QuerySet, dict[str, Any]]:
        return Course.objects.filter(pk=course), {"current_students": F("current_students")}

    assert same(courses[0].pk) == 1


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_by_its_own_connection(courses):
    some_sessions(courses[0].pk, Decimal(31), 0, "")
    found: list[Any] = []

    def ask() -> None:
        with CaptureQueriesContext(connection) as told:
            found.append((len(some_sessions(courses[0].pk, Decimal(31), 0, "")), len(told)))
        connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [(3, 1)]


@prepared
def sessions_after(course: UUID, now: datetime) -> QuerySet:
    return CourseSession.objects.filter(course=course, starts_at__gt=now)


def test_times_are_values_too(courses):
    now = timezone.now()
    assert len(sessions_after(courses[0].pk, now)) == 3
    assert sessions_after(courses[0].pk, now + timedelta(days=900)) == []


def test_what_is_no_kind_of_value_is_refused():
    def odd(courses: Course) -> QuerySet:
        return Course.objects.filter(pk=courses)

    def perhaps(course: UUID | None) -> QuerySet:
        return Course.objects.filter(pk=course)

    for build in (odd, perhaps):
        with pytest.raises(TypeError, match="no kind of value"):
            prepared(build)


@prepared
def holds_of(student: UUID) -> QuerySet:
    return PaymentHold.objects.filter(student=student).select_related(
        "enrollment__course", "session_purchase__session", "referrer"
    )


def test_what_is_joined_may_be_missing(courses):
    student = student_with_credit("100.00")
    single = purchase_session(student=student, session_id=courses[0].sessions.first().pk)
    with CaptureQueriesContext(connection) as told:
        [hold] = holds_of(student.pk)
        assert hold.enrollment is None
        assert hold.referrer is None
        assert hold.session_purchase == single
        assert hold.session_purchase.hold is hold
        assert hold.session_purchase.session.session_number == 1
    assert len(told) == 1


def test_an_object_can_be_saved(courses):
    [first, *_] = some_sessions(courses[0].pk, Decimal(31), 0, "")
    first.title = "Renamed"
    first.save()
    assert CourseSession.objects.get(pk=first.pk).title == "Renamed"
