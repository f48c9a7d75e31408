"""What locks and searches read of courses, as SQL that is written once."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.db import connections, router
from django.db.models import F, OrderBy, QuerySet, Subquery
from django.db.models.functions import Coalesce

from common.conditions import Condition
from common.prepared import prepared
from common.shapes import Rows
from common.statements import execute
from courses.models import Course, CourseDescription, CourseSession, CourseWord, next_start

# What no more courses have, by themselves or by their teacher's name, is looked up as their keys.
RARE = 300
# What no more have is what the database begins with, if that isn't most of all courses; what more
# have it asks of course by course.
SELDOM = 3000
# Courses that are counted.
MANY = 30_000
# What tells most often that there are more than are counted.
SOME = 600


class Group(NamedTuple):
    """Ranges of words, of which a course has one; if it has to be `leading`, one that leads."""

    ranges: tuple[tuple[str, str], ...]
    leading: bool = False

    def of(self, table: str) -> str:
        """SQL for whether a row of a table of words is one."""
        one = " OR ".join([f"{table}.word BETWEEN %s AND %s"] * len(self.ranges))
        return f"({one}) AND {table}.leads = 1" if self.leading else f"({one})"

    @property
    def words(self) -> list[str]:
        """The values of that."""
        return [word for between in self.ranges for word in between]


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

    If those that can be meant are few, they are sorted by what no index has: the database might
    look for them in an index's order.
    """
    by_first = unindexed(order[0]) if few else order[0]

    @prepared
    def first(where: Condition) -> QuerySet[Course, tuple[object, ...]]:
        listed = Course.objects.listed().filter(where)
        names = [name.lstrip("-") for name in order]
        return listed.order_by(by_first, *order[1:]).values_list(*names)[:limit]

    return first


def unindexed(order: str | OrderBy) -> OrderBy:
    """The same order, as no index has it."""
    if isinstance(order, str):
        order = OrderBy(F(order.lstrip("-")), descending=order.startswith("-"))
    by = order.expression
    same = Coalesce(by, by) if isinstance(by, F) else by
    return OrderBy(same, descending=order.descending)


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
    words: Sequence[tuple[str, str]],
    common: Collection[tuple[str, str]] = (),
    many_named: Collection[tuple[str, str]] = (),
) -> list[tuple[dict[str, bool], set[str]]]:
    """For each range of words: which courses have one, and if it leads; and whose teachers.

    Their keys are as the database has them: most serve to be compared, which UUIDs cost more than.
    No more than tell that there are more; no words of courses of a range that is known to be
    `common`, and no names of one that is known to have many. One statement, because each range has
    a limit of its own; none if all is known.
    """
    found: list[tuple[dict[str, bool], set[str]]] = [({}, set()) for _ in words]
    parts: list[str] = []
    asked: list[str] = []
    for place, between in enumerate(words):
        kinds = [_BY_WORD] * (between not in common) + [_BY_NAME] * (between not in many_named)
        parts += [kind.format(place=place) for kind in kinds]
        asked += between * len(kinds)
    rows = _rows(" UNION ALL ".join(parts), asked) if parts else []
    for place, by_name, key, leads in rows:
        by_word, named = found[place]
        if by_name:
            named.add(key)
        else:
            by_word[key] = by_word.get(key, False) or bool(leads)
    return found


def how_many_have(words: Sequence[tuple[str, str]], *, leading: bool = False) -> list[int]:
    """How many courses have a word of each range, or whose teachers do; or enough to tell of more.

    If it has to be `leading`, one that leads. Some may be counted twice. One statement.
    """
    counts = [0] * len(words)
    places = range(len(words))
    kinds = _COUNTS[leading]
    sql = " UNION ALL ".join(kind.format(place=n) for n in places for kind in kinds)
    for place, count in _rows(sql, [word for between in words for word in between * len(kinds)]):
        counts[place] += count
    return counts


def how_many_listed(words: Sequence[str]) -> dict[str, int]:
    """How many courses have each of these words, and one more if a listed one's teacher does.

    No more are counted than tell that there are many. One statement.
    """
    sql = " UNION ALL ".join(_LISTED.format(place=place) for place in range(len(words)))
    rows = _rows(sql, [word for word in words for _ in range(2)])
    return {words[place]: own + named for place, own, named in rows}


def how_many() -> int:
    """How many courses are upcoming, or `MANY`."""
    [[number]] = _rows(_HOW_MANY, [])
    return int(number)


def words_of(between: tuple[str, str], most: int) -> list[str]:
    """The words of a range that courses have, no more than tell that there are more.

    One statement if there is but one, or else two.
    """
    [(first, last)] = _rows(_ENDS, between)
    if first == last:
        return [first] if first else []
    return [word for [word] in _rows(_WORDS, [*between, most + 1])]


def ways_to_lead(words: Sequence[Sequence[tuple[str, str]]]) -> list[set[bool]]:
    """For each of these groups of ranges, whether its words lead: True, False or both.

    One statement.
    """
    asked = [(place, between) for place, ranges in enumerate(words) for between in ranges]
    sql = " UNION ALL ".join(_LEADS.format(place=place) for place, _ in asked)
    found: list[set[bool]] = [set() for _ in words]
    for place, leads in _rows(sql, [word for _, between in asked for word in between * 2]):
        found[place].add(bool(leads))
    return found


def who_has_all(groups: Sequence[Group]) -> set[str]:
    """The courses that have a word of each of these groups, or `SOME` of more.

    Keys as `who_has` gives them. One statement, which goes through the words alone.
    """
    sql, asked = _all_of(groups)
    return {key for [key] in _rows(f"{sql} LIMIT {SOME}", asked)}


def reworded(since: datetime) -> set[str]:
    """The courses whose words have changed since then, or enough to tell of more; their keys."""
    at = connections[router.db_for_read(CourseWord)].ops.adapt_datetimefield_value(since)
    return {key for [key] in _rows(_REWORDED, [at])}


def one_of_some(groups: Sequence[Group]) -> Condition:
    """Whether a course is one of some that have a word of each of these groups.

    The database begins with these.
    """
    sql, asked = _all_of(groups)
    some = f"SELECT some.id FROM ({sql} LIMIT {SOME}) some"  # noqa: S608
    return Condition(f"courses.id IN ({some})", asked)


def one_who_has(group: Group, named: tuple[str, str]) -> Condition:
    """Whether a course is one that has a word of this group, or whose teacher is `named` so.

    The database begins with all of these.
    """
    own = f"SELECT w.course_id AS id FROM course_words w WHERE {group.of('w')}"  # noqa: S608
    sql = f"courses.id IN (SELECT found.id FROM ({own} UNION ALL {_NAMED}) found)"  # noqa: S608
    return Condition(sql, [*group.words, *named])


def among_first(few: Condition, order: Sequence[str], number: int) -> Condition:
    """Whether a course is among the first `number` to come of these few, in this order.

    The database sorts the few before it asks anything else of them.
    """
    names = [(name.lstrip("-"), " DESC" * name.startswith("-")) for name in order]
    # By what no index has, as in `unindexed`.
    by = ", ".join(f"COALESCE(courses.{name}, courses.{name}){down}" for name, down in names)
    found = f"SELECT courses.id FROM courses WHERE courses.upcoming = 1 AND {few.sql}"  # noqa: S608
    sql = f"courses.id IN (SELECT first.id FROM ({found} ORDER BY {by} LIMIT {number}) first)"  # noqa: S608
    return Condition(sql, few.values)


def has_word(group: Group) -> Condition:
    """Whether a course has a word of this group.

    Asked of each course in turn. With EXISTS the database may read all the rows there are first,
    however soon a list is full.
    """
    where = f"w.course_id = courses.id AND {group.of('w')}"
    asked = group.words
    return Condition(f"(SELECT 1 FROM course_words w WHERE {where} LIMIT 1) IS NOT NULL", asked)  # noqa: S608


def has_name(between: tuple[str, str]) -> Condition:
    """The same of the name of its teacher, where all words lead."""
    where = "w.user_id = courses.teacher_id AND w.word BETWEEN %s AND %s"
    return Condition(f"(SELECT 1 FROM user_words w WHERE {where} LIMIT 1) IS NOT NULL", between)  # noqa: S608


def _all_of(groups: Sequence[Group]) -> tuple[str, list[str]]:
    """SQL, with its values, for the keys of courses that have a word of each group."""
    tables = {f"w{place}": group for place, group in enumerate(groups)}
    joins = " JOIN ".join(f"course_words {table}" for table in tables)
    same = [f"{table}.course_id = w0.course_id" for table in tables if table != "w0"]
    where = " AND ".join([*same, *(group.of(table) for table, group in tables.items())])
    asked = [word for group in groups for word in group.words]
    return f"SELECT DISTINCT w0.course_id AS id FROM {joins} WHERE {where}", asked  # noqa: S608


def _rows(sql: str, asked: Sequence[object]) -> Rows:
    rows, _ = execute(connections[router.db_for_read(CourseWord)], sql, [*asked])
    return rows


_HOW_MANY = (
    f"SELECT COUNT(*) FROM (SELECT upcoming FROM courses WHERE upcoming = 1 LIMIT {MANY}) found"  # noqa: S608
)
_REWORDED = f"SELECT id FROM courses WHERE words_at > %s LIMIT {RARE + 1}"  # noqa: S608
_USED = "SELECT DISTINCT {column} FROM courses ORDER BY {column}"
# Not EXISTS: the database might read all courses first. The order has it read none that are over.
_OFFERED = (
    "SELECT '{column}', words.{column} FROM (SELECT DISTINCT {column} FROM courses) words WHERE "
    "(SELECT c.upcoming FROM courses c JOIN users u ON u.id = c.teacher_id"
    " WHERE c.{column} = words.{column} AND c.upcoming = 1 AND u.is_active = 1 AND u.is_teacher = 1"
    " ORDER BY c.next_starts_at LIMIT 1) IS NOT NULL"
)
_NAMED = (
    "SELECT c.id FROM user_words w JOIN courses c ON c.teacher_id = w.user_id "
    "WHERE w.word BETWEEN %s AND %s"
)
_HAS = "SELECT w.course_id AS id FROM course_words w WHERE w.word BETWEEN %s AND %s"
# Whose words are any, or lead.
_WAYS = ((_HAS, _NAMED), (f"{_HAS} AND w.leads = 1", _NAMED))
_COUNTS = [
    [f"SELECT {{place}}, COUNT(*) FROM ({who} LIMIT {SELDOM + 1}) found" for who in ways]  # noqa: S608
    for ways in _WAYS
]
_LISTED = (
    "SELECT {place}, (SELECT COUNT(*) FROM (SELECT word FROM course_words WHERE word = %s"  # noqa: S608
    f" LIMIT {SELDOM}) own), (SELECT COUNT(*) FROM (SELECT c.id FROM user_words w"
    " JOIN users u ON u.id = w.user_id JOIN courses c ON c.teacher_id = u.id WHERE w.word = %s"
    " AND u.is_active = 1 AND u.is_teacher = 1 AND c.status = 'published' AND c.by_link_only = 0"
    " LIMIT 1) named)"
)
# Distinct, because several words of a course may have the same beginning; each leads or doesn't.
_BY_WORD = (
    "SELECT {place}, 0, found.* FROM (SELECT DISTINCT course_id, leads FROM course_words "  # noqa: S608
    f"WHERE word BETWEEN %s AND %s LIMIT {2 * RARE + 1}) found"
)
_BY_NAME = (
    "SELECT {place}, 1, found.* FROM (SELECT DISTINCT c.id, 1 AS leads FROM user_words w "  # noqa: S608
    "JOIN courses c ON c.teacher_id = w.user_id "
    f"WHERE w.word BETWEEN %s AND %s LIMIT {RARE + 1}) found"
)
_ENDS = "SELECT MIN(word), MAX(word) FROM course_words WHERE word BETWEEN %s AND %s"
_WORDS = (
    "SELECT DISTINCT word FROM course_words WHERE word BETWEEN %s AND %s ORDER BY word LIMIT %s"
)
_LEADS = " UNION ALL ".join(
    f"SELECT {{place}}, {leads} FROM (SELECT word FROM course_words WHERE leads = {leads} "  # noqa: S608
    "AND word BETWEEN %s AND %s LIMIT 1) found"
    for leads in (0, 1)
)
