"""What locks and searches read of courses, as SQL that is written once."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import connections, router
from django.db.models import OrderBy, QuerySet, Subquery
from django.db.models.functions import Coalesce

from common.conditions import Condition
from common.prepared import prepared
from common.shapes import Rows
from common.statements import execute
from courses.models import Course, CourseDescription, CourseSession, CourseWord, next_start

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


@prepared
def passed(now: datetime) -> QuerySet[Course, tuple[UUID, datetime | None]]:
    """The courses whose next start, as it is kept, has passed by now, and what starts after it.

    They are few: a job looks for them each minute.
    """
    found = Course.objects.filter(next_starts_at__lte=now).order_by("next_starts_at")
    return found.values_list("pk", next_start(now))


@prepared
def next_starts(
    courses: list[UUID], now: datetime
) -> QuerySet[Course, tuple[UUID, datetime | None]]:
    """When the next session of each of these courses starts, from an index alone."""
    return Course.objects.filter(pk__in=courses).values_list("pk", next_start(now))


@cache
def first_listed(
    order: tuple[str, ...], limit: int, *, few: bool
) -> Callable[[Condition], list[tuple[object, ...]]]:
    """What the first courses listed are sorted by, in this order, this many.

    If those that can be meant are few, and named, they are sorted by what no index has: the
    database might look for them in an index's order.
    """
    names = [name.lstrip("-") for name in order]
    unindexed = OrderBy(Coalesce(names[0], names[0]), descending=order[0].startswith("-"))

    @prepared
    def first(where: Condition) -> QuerySet[Course, tuple[object, ...]]:
        listed = Course.objects.listed().filter(where)
        ordered = listed.order_by(unindexed if few else order[0], *order[1:])
        return ordered.values_list(*names)[:limit]

    return first


@prepared
def description_of(course: UUID) -> QuerySet[CourseDescription, tuple[str]]:
    """What a course's description says, as HTML, if that is kept."""
    return CourseDescription.objects.filter(course=course).values_list("html")


@prepared
def courses_listed(keys: list[UUID]) -> QuerySet[Course]:
    """These courses, with teacher and outline, for lists."""
    return Course.objects.select_related("teacher", "outline").filter(pk__in=keys)


def offered() -> list[tuple[str, str]]:
    """Each category and language, by its column, of which an active teacher's course is upcoming.

    One statement. An index leads from one word to the next, and each is asked for one such course.
    """
    sql = " UNION ALL ".join(_OFFERED.format(column=name) for name in ("category", "language"))
    return [(column, word) for column, word in _rows(sql, [])]


def used(column: str) -> list[str]:
    """Each category, or language, of any course."""
    return [word for [word] in _rows(_USED.format(column=column), [])]


def who_has(
    words: Sequence[tuple[str, str]], common: Collection[tuple[str, str]] = ()
) -> list[tuple[dict[str, bool], set[str]]]:
    """For each range of words: which courses have one, and if it leads; and whose teachers.

    Their keys are as the database has them: most serve to be compared, which UUIDs cost more than.
    No more than tell that there are more, and no words of courses of a range that is known to be
    `common`. One statement, because each range has a limit of its own.
    """
    found: list[tuple[dict[str, bool], set[str]]] = [({}, set()) for _ in words]
    parts: list[str] = []
    asked: list[str] = []
    for place, between in enumerate(words):
        kinds = (_BY_NAME,) if between in common else (_BY_WORD, _BY_NAME)
        parts += [kind.format(place=place) for kind in kinds]
        asked += between * len(kinds)
    for place, by_name, key, leads in _rows(" UNION ALL ".join(parts), asked):
        by_word, named = found[place]
        if by_name:
            named.add(key)
        else:
            by_word[key] = by_word.get(key, False) or bool(leads)
    return found


def words_of(between: tuple[str, str], most: int) -> list[str]:
    """The words of a range that courses have, no more than tell that there are more."""
    rows = _rows(_WORDS, [*between, most + 1])
    return [word for [word] in rows]


def ways_to_lead(words: Sequence[tuple[str, str]]) -> list[set[bool]]:
    """For each range of words, whether it leads where courses have one: True, False or both.

    One statement.
    """
    places = range(len(words))
    sql = " UNION ALL ".join(_LEADS.format(place=n, leads=way) for n in places for way in (0, 1))
    found: list[set[bool]] = [set() for _ in words]
    for place, leads in _rows(sql, [word for between in words for word in between * 2]):
        found[place].add(bool(leads))
    return found


def who_has_all(words: Sequence[Sequence[tuple[str, str]]]) -> set[str]:
    """The courses that have a word of each of these groups of ranges, or enough to tell of more.

    Keys as `who_has` gives them. One statement, which goes through the words alone.
    """
    tables = [f"w{place}" for place in range(len(words))]
    joins = " JOIN ".join(f"course_words {table}" for table in tables)
    same = [f"{table}.course_id = w0.course_id" for table in tables[1:]]
    have = (among(f"{table}.word", ranges) for table, ranges in zip(tables, words, strict=True))
    sql = f"SELECT DISTINCT w0.course_id FROM {joins} WHERE {' AND '.join((*same, *have))}"  # noqa: S608
    asked = [word for ranges in words for between in ranges for word in between]
    return {key for [key] in _rows(f"{sql} LIMIT {RARE + 1}", asked)}


def has_word(ranges: Sequence[tuple[str, str]], *, leading: bool = False) -> Condition:
    """Whether a course has a word of one of these ranges; or has one that `leads`.

    Asked of each course in turn. With EXISTS the database may read all the rows there are first,
    however soon a list is full.
    """
    where = f"w.course_id = courses.id AND {among('w.word', ranges)}"
    where += " AND w.leads = 1" if leading else ""
    asked = [word for between in ranges for word in between]
    return Condition(f"(SELECT 1 FROM course_words w WHERE {where} LIMIT 1) IS NOT NULL", asked)  # noqa: S608


def has_name(between: tuple[str, str]) -> Condition:
    """The same of the name of its teacher, where all words lead."""
    where = f"w.user_id = courses.teacher_id AND {among('w.word', [between])}"
    return Condition(f"(SELECT 1 FROM user_words w WHERE {where} LIMIT 1) IS NOT NULL", between)  # noqa: S608


def among(column: str, ranges: Sequence[tuple[str, str]]) -> str:
    """SQL for whether a word is in one of these ranges."""
    return f"({' OR '.join([f'{column} BETWEEN %s AND %s'] * len(ranges))})"


def _rows(sql: str, asked: Sequence[object]) -> Rows:
    rows, _ = execute(connections[router.db_for_read(CourseWord)], sql, [*asked])
    return rows


_USED = "SELECT DISTINCT {column} FROM courses ORDER BY {column}"
# Not EXISTS: the database might read all courses first. The order has it read none that are over.
_OFFERED = (
    "SELECT '{column}', words.{column} FROM (SELECT DISTINCT {column} FROM courses) words WHERE "
    "(SELECT c.upcoming FROM courses c JOIN users u ON u.id = c.teacher_id"
    " WHERE c.{column} = words.{column} AND c.upcoming = 1 AND u.is_active = 1 AND u.is_teacher = 1"
    " ORDER BY c.next_starts_at LIMIT 1) IS NOT NULL"
)
_BY_WORD = (
    "SELECT {place}, 0, found.* FROM (SELECT course_id, leads FROM course_words "  # noqa: S608
    f"WHERE word BETWEEN %s AND %s LIMIT {RARE + 1}) found"
)
_BY_NAME = (
    "SELECT {place}, 1, found.* FROM (SELECT c.id, 1 AS leads FROM user_words w "  # noqa: S608
    "JOIN courses c ON c.teacher_id = w.user_id "
    f"WHERE w.word BETWEEN %s AND %s LIMIT {RARE + 1}) found"
)
_WORDS = (
    "SELECT DISTINCT word FROM course_words WHERE word BETWEEN %s AND %s ORDER BY word LIMIT %s"
)
_LEADS = (
    "SELECT {place}, {leads} FROM (SELECT word FROM course_words WHERE leads = {leads} "
    "AND word BETWEEN %s AND %s LIMIT 1) found"
)
