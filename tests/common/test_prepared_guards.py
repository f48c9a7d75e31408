"""What the ORM would refuse or answer without the database, prepared statements do too.

At every call: most of these went well at the first one, and wrong at those that followed.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.prepared import prepared, prepared_update
from courses.models import Course, CourseSession
from payments.models import LedgerAccount
from tests.factories import make_course, student_with_credit

pytestmark = pytest.mark.django_db


@pytest.fixture
def courses():
    return [make_course(sessions=1, title=title) for title in ("Chess", "Go")]


@prepared
def found(key: UUID) -> QuerySet[Course]:
    return Course.objects.filter(pk=key)


@prepared
def found_locked(key: UUID) -> QuerySet[Course]:
    return Course.objects.filter(pk=key).locked()


@prepared
def found_claimed(keys: list[UUID]) -> QuerySet[Course]:
    return Course.objects.filter(pk__in=keys).claimed()


@prepared_update
def rename(key: UUID, title: str) -> tuple[QuerySet, dict[str, Any]]:
    return Course.objects.filter(pk=key), {"title": title}


# Locks


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lock", [found_locked, lambda key: found_claimed([key])])
def test_a_lock_needs_a_transaction_at_every_call(courses, lock):
    for _ in range(2):
        with transaction.atomic():
            assert lock(courses[0].pk) == [courses[0]]
        with pytest.raises(TransactionManagementError, match="outside of a transaction"):
            lock(courses[0].pk)


# Lists


@prepared
def among(keys: list[UUID]) -> QuerySet[Course]:
    return Course.objects.filter(pk__in=keys)


@prepared
def among_or_called(keys: list[UUID], title: str) -> QuerySet[Course]:
    return Course.objects.filter(Q(pk__in=keys) | Q(title=title))


@prepared
def titles_but(keys: list[UUID]) -> QuerySet[Course, tuple[str]]:
    return Course.objects.exclude(pk__in=keys).order_by("title").values_list("title")


@prepared_update
def close(keys: list[UUID]) -> tuple[QuerySet, dict[str, Any]]:
    return Course.objects.filter(pk__in=keys), {"title": Value("Closed")}


def test_an_empty_list_finds_nothing_and_asks_nothing(courses, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(0):
            assert among([]) == []
            assert found_claimed([]) == []
            assert close([]) == 0
        assert among([courses[0].pk]) == [courses[0]]
        assert close([courses[0].pk]) == 1


def test_an_empty_list_ends_its_own_condition_alone(courses):
    assert among_or_called([courses[0].pk], "Go") == courses
    assert among_or_called([], "Go") == courses[1:]
    assert titles_but([courses[0].pk]) == [("Go",)]
    assert titles_but([]) == [("Chess",), ("Go",)]


def test_a_list_may_be_anything_to_go_through(courses):
    @prepared
    def of_either(keys: list[UUID]) -> QuerySet[Course]:
        return Course.objects.filter(Q(teacher__in=keys) | Q(pk__in=keys)).order_by("title")

    keys = [courses[0].pk, courses[1].teacher_id]
    assert of_either({keys[0]: 1, keys[1]: 2}.keys()) == courses  # type: ignore[arg-type]
    assert of_either(key for key in keys) == courses  # type: ignore[arg-type]
    assert of_either(key for key in ()) == []  # type: ignore[arg-type, var-annotated]


def test_a_percent_sign_is_one_beside_a_list_too(courses):
    @prepared
    def rates(keys: list[UUID]) -> QuerySet[Course, tuple[str]]:
        rate = RawSQL("'5 %%'", ())
        return Course.objects.filter(pk__in=keys).annotate(rate=rate).values_list("rate")

    assert rates([course.pk for course in courses]) == [("5 %",), ("5 %",)]


def test_a_list_of_keys_finds_what_points_to_them(courses):
    @prepared
    def wallets(owners: list[UUID]) -> QuerySet[LedgerAccount, tuple[UUID]]:
        return LedgerAccount.objects.filter(owner__in=owners).values_list("owner_id")

    students = [student_with_credit("1.00") for _ in range(2)]
    assert {key for (key,) in wallets([s.pk for s in students])} == {s.pk for s in students}
    assert wallets([]) == []


# Values


def test_none_is_refused(courses):
    missing: Any = None
    for call in (
        lambda: found(missing),
        lambda: among([courses[0].pk, missing]),
        lambda: titles_but([missing]),
        lambda: among_or_called([uuid4()], missing),
        lambda: among_or_called([], missing),
        lambda: rename(courses[0].pk, missing),
    ):
        with pytest.raises(TypeError, match="is None, which no comparison finds"):
            call()
    assert found(courses[0].pk) == courses[:1]


def test_a_slice_by_an_argument_is_refused():
    @prepared
    def first(number: int) -> QuerySet[Course]:
        return Course.objects.all()[:number]

    with pytest.raises(TypeError, match="number has no value yet"):
        first(1)


def test_a_choice_by_an_argument_is_refused():
    @prepared
    def called(title: str) -> QuerySet[Course]:
        return Course.objects.filter(title=title) if title else Course.objects.all()

    with pytest.raises(TypeError, match="title has no value yet"):
        called("Go")


def test_a_time_that_is_no_argument_is_refused():
    def to_come() -> QuerySet:
        return CourseSession.objects.filter(starts_at__gt=timezone.now())

    def of_today() -> QuerySet:
        return CourseSession.objects.filter(starts_at__date=timezone.now().date())

    def noted() -> QuerySet:
        return Course.objects.annotate(noted=Value(timezone.now()))

    def touch() -> tuple[QuerySet, dict[str, Any]]:
        return Course.objects.all(), {"updated_at": timezone.now()}

    for call in (*map(prepared, (to_come, of_today, noted)), prepared_update(touch)):
        with pytest.raises(TypeError, match="would stay for ever"):
            call()


def test_a_length_of_time_is_no_time(courses):
    @prepared
    def moved() -> QuerySet[CourseSession]:
        later = F("starts_at") + Value(timedelta(days=3))
        return CourseSession.objects.annotate(later=later)

    assert {row.later - row.starts_at for row in moved()} == {timedelta(days=3)}


# Databases


def test_the_router_is_asked_at_every_call(courses, routes):
    [course, _] = courses
    assert found(course.pk) == [course]
    routes.read = "other"
    assert found(course.pk) == []
    assert found_locked(course.pk) == [course]
    assert rename(course.pk, "Shogi") == 1
    routes.read = "default"
    [row] = found(course.pk)
    assert (row.title, row._state.db) == ("Shogi", "default")


@pytest.mark.django_db(transaction=True)
def test_an_update_goes_where_writing_goes(courses, routes):
    assert rename(courses[0].pk, "Shogi") == 1
    routes.write = "other"
    with CaptureQueriesContext(connections["other"]) as told:
        assert rename(courses[0].pk, "Checkers") == 1
    assert len(told) == 1
    routes.read = "other"
    assert found(courses[0].pk)[0]._state.db == "other"


def test_a_refused_update_leaves_a_transaction_to_roll_back(courses):
    @prepared_update
    def oversell(key: UUID) -> tuple[QuerySet, dict[str, Any]]:
        return Course.objects.filter(pk=key), {"current_students": F("max_students") + 1}

    Course.objects.update(max_students=1)
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            oversell(courses[0].pk)
        with pytest.raises(TransactionManagementError):
            found(courses[0].pk)
        transaction.set_rollback(True)
    assert found(courses[0].pk) == courses[:1]


# What is not made of rows


def test_rows_of_another_kind_are_refused():
    def flat() -> QuerySet:
        return Course.objects.values_list("title", flat=True)

    def named() -> QuerySet:
        return Course.objects.values("title")

    def fetched() -> QuerySet:
        return Course.objects.prefetch_related("sessions")

    for build in (flat, named, fetched):
        with pytest.raises(TypeError, match="objects or tuples"):
            prepared(build)()


def test_an_update_of_more_than_its_table_is_refused():
    def first() -> tuple[QuerySet, dict[str, Any]]:
        return Course.objects.order_by("pk")[:1], {"title": Value("First")}

    def joined() -> tuple[QuerySet, dict[str, Any]]:
        return Course.objects.filter(teacher__email="x@example.com"), {"title": Value("Theirs")}

    for build in (first, joined):
        with pytest.raises(TypeError, match="by its own table alone"):
            prepared_update(build)()
