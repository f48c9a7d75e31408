"""What locks and searches read of courses, as SQL that is written once."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connections, router
from django.db.models import QuerySet, Subquery

from common.prepared import prepared
from common.statements import execute
from courses.models import Course, CourseSession, CourseWord

# A word that more courses have, or teachers, is looked up course by course.
RARE = 300


@prepared
def lock_course(key: UUID) -> QuerySet[Course]:
    """The course with this key, locked."""
    return Course.objects.filter(pk=key).locked()


@prepared
def lock_course_of(session: UUID) -> QuerySet[Course, tuple[UUID]]:
    """The key of a session's course, which is locked; the session is read without a lock."""
    key = CourseSession.objects.filter(pk=session).values("course_id")[:1]
    return Course.objects.filter(pk=Subquery(key)).locked().values_list("pk")


def who_has(words: Sequence[tuple[str, str]]) -> list[tuple[dict[UUID, bool], set[UUID]]]:
    """For each range of words: which courses have one, and if it leads; and which teachers.

    No more than tell that there are more. One statement, because each range has a limit of its own.
    """
    found: list[tuple[dict[UUID, bool], set[UUID]]] = [({}, set()) for _ in words]
    connection = connections[router.db_for_read(CourseWord)]
    places = range(len(words))
    sql = " UNION ALL ".join(part.format(place=n) for n in places for part in (_COURSES, _TEACHERS))
    rows, _ = execute(connection, sql, [word for between in words for word in between * 2])
    for place, kind, key, leads in rows:
        courses, teachers = found[place]
        if kind == _OF_COURSES:
            courses[UUID(key)] = courses.get(UUID(key), False) or bool(leads)
        else:
            teachers.add(UUID(key))
    return found


_OF_COURSES, _OF_TEACHERS = 0, 1
_COURSES = (
    f"SELECT {{place}}, {_OF_COURSES}, found.* FROM (SELECT course_id, leads FROM course_words "  # noqa: S608
    f"WHERE word BETWEEN %s AND %s LIMIT {RARE + 1}) found"
)
_TEACHERS = (
    f"SELECT {{place}}, {_OF_TEACHERS}, found.* FROM (SELECT user_id, 1 AS leads FROM user_words "  # noqa: S608
    f"WHERE word BETWEEN %s AND %s LIMIT {RARE + 1}) found"
)
