"""How a search finds courses: by the words that are kept of them and of their teachers' names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isqrt
from typing import NamedTuple, Self

from django.conf import settings
from django.db.models import Case, ExpressionWrapper, IntegerField, OrderBy, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact
from django.utils import timezone
from rapidfuzz import process
from rapidfuzz.distance import OSA

from accounts.models import NameWord
from common.conditions import Condition
from common.words import Term, terms_of
from courses import queries
from courses.models import Course, CourseQuerySet, CourseWord
from courses.notes import Notes
from courses.queries import MANY, RARE, SELDOM, Group

# Words with one beginning that are asked for one by one.
FEW = 8
# Nearest words that may be equally near.
MOST_NEAR = 50
# A list is found among all courses by going through as many more as a word is rarer. So the square
# of how many take less to be sorted is, as measured, about so many times their number.
SORTED = 100
# As many times the courses that are found by their words first.
FEW_COURSES = 10
NOTHING = Condition.any_of(())
# After which a change of words is done, or given up.
LONGEST_CHANGE = timedelta(minutes=10)


class FewCourses(CourseQuerySet):
    """Courses of which a search knows that they are few: all of them are found, and then sorted.

    By what no index has: with a limit the database might look for them in the order of an index.
    """

    def order_by(self, *order: str | OrderBy) -> Self:  # type: ignore[override]
        return super().order_by(*map(queries.unindexed, order[:1]), *order[1:])


class Part(NamedTuple):
    """Courses that are listed together; `few` and `some` as `Search` says."""

    courses: CourseQuerySet
    few: Condition | None = None
    some: Condition | None = None


class _Common(NamedTuple):
    """What is known of a range of words that many courses have: as words, if they are few.

    An index finds each word of a course. Of a beginning it finds all words of a course, up to the
    first that has it. It `leads` in all of the courses, in none (False), or in some (both).
    """

    ranges: Sequence[tuple[str, str]]
    leads: set[bool]


# Terms that many courses have, or many are named after, how many meet a term, and which meet
# several; how many courses there are; the words there are, and which of them slips mean.
_commons, _names, _counts, _groups = (
    Notes[_Common](),
    Notes[tuple[str, str]](),
    Notes[int](),
    Notes[set[str]](),
)
_sizes, _words, _slips = Notes[int](), Notes[list[str]](), Notes[str]()


@dataclass(frozen=True, slots=True)
class _Met:
    """The courses that a term meets: by a word of their own, or of their teacher's name.

    Named one by one while they are few, with whether it leads; then the database begins with them.
    Else, if it is `common` or if `many_are_named` so, a course is asked whether it is one; or the
    database begins with its words if it is `seldom` so. `about` so many meet it, or more. If it is
    `leading`, then outside the description.
    """

    term: Term
    few: dict[str, bool]
    common: _Common | None
    many_are_named: bool
    about: int
    leading: bool = False

    @property
    def is_rare(self) -> bool:
        """Whether few courses meet it, all of which are named."""
        return not (self.common or self.many_are_named)

    @property
    def is_seldom(self) -> bool:
        """Whether so few meet it that they can all be sorted, but not named."""
        return not self.is_rare and self.about <= _most_sorted()

    @property
    def is_common(self) -> bool:
        """Whether it is by words of their own alone that many courses meet it."""
        return bool(self.common) and not (self.few or self.many_are_named)

    def __bool__(self) -> bool:
        return bool(self.few or self.common or self.many_are_named)

    @property
    def differs(self) -> bool:
        """Whether some courses have it in their description alone, and others elsewhere too."""
        leads = {*self.few.values()} | (self.common.leads if self.common else set())
        return len(leads | {True} if self.many_are_named else leads) > 1

    @property
    def group(self) -> Group:
        """What courses that meet it by words of their own have."""
        ranges = self.common.ranges if self.common else [self.term.between]
        return Group(tuple(ranges), self.leading)

    def where(self) -> Condition:
        """Whether a course does."""
        ways = []
        if self.common:
            ways.append(queries.has_word(self.group))
        if self.many_are_named:
            ways.append(queries.has_name(self.term.between))
        if self.few:
            ways.append(Condition.among("courses.id", self.few))
        return Condition.any_of(ways)

    def led(self) -> Self:
        """The same, outside the description."""
        few = {key: True for key, leads in self.few.items() if leads}
        return replace(self, few=few, leading=True)


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for; `shown_for` is what was looked for instead of a slip, if any."""

    met: Sequence[_Met]
    shown_for: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """A search for these words, of which one that is found nowhere becomes the nearest.

        One statement; at most five more if words are newly found to be common; for words that are
        newly found nowhere, one more for each and one for all.
        """
        terms, shown_for = terms_of(text), text
        met = _look_up([*terms, *_meant_before(terms)])
        meant = {term: term if met[term] else _meant(term) for term in terms}
        if unknown := [term for term in meant.values() if term not in met]:
            met |= _look_up(unknown)
        for slip, term in meant.items():
            shown_for = shown_for.replace(slip.typed, term.typed, 1)
        found = [met[term] for term in meant.values()]
        return cls(found, shown_for if shown_for != text else "")

    def where(self) -> tuple[Condition | None, Condition]:
        """What is so of few courses, among them all that meet every word, if that is known.

        And what has to be so besides. The database begins with the few.
        """
        if not self.met or not all(self.met):
            return NOTHING, Condition.all_of(())
        begun_with, few = self._begin()
        asked = [found.where() for found in self.met if found not in begun_with]
        return few, Condition.all_of(asked)

    def _begin(self) -> tuple[Sequence[_Met], Condition | None]:
        """The words that few courses meet, if any, and which courses these are."""
        if rare := [found for found in self.met if found.is_rare]:
            named = set(rare[0].few).intersection(*(found.few for found in rare[1:]))
            return rare, Condition.among("courses.id", named)
        if seldom := [found for found in self.met if found.is_seldom]:
            least = min(seldom, key=lambda found: found.about)
            return [least], queries.one_who_has(least.group, least.term.between)
        common = [found for found in self.met if found.is_common]
        if (few := _few_with(common)) is not None:
            return [] if few else self.met, Condition.among("courses.id", few)
        return [], None

    def some(self) -> Condition | None:
        """Whether a course is one of some that have all the words which many have, if any do.

        The database begins with these: they may tell soon that there are more than are counted.
        None among so few courses that going through them takes less.
        """
        groups = [found.group for found in self.met if found.common]
        are_many = groups and _how_many_courses() > FEW_COURSES * queries.SOME
        return queries.one_of_some(groups) if are_many else None

    def best(self) -> list[OrderBy]:
        """First those that meet most of the words outside their description, if any differ."""
        differing = [found.led() for found in self.met if found.differs]
        return [OrderBy(_how_many(differing), descending=True)] if differing else []

    def part(self, courses: CourseQuerySet) -> "Part":
        """Those of these courses that meet every word."""
        few, asked = self.where()
        return Part(courses.filter(asked), few, None if few else self.some())

    def ranks(self, part: "Part") -> "list[Part]":
        """The same for many that meet it, in parts.

        One statement, if it isn't noted how many meet a word so.
        """
        differing = [found.led() for found in self.met if found.differs]
        counts = _counted([found.term.between for found in differing], leading=True)
        best = Search([replace(found, about=counts[found.term.between]) for found in differing])
        how_many = _how_many(differing)
        others = [part.courses.filter(Exact(how_many, n)) for n in reversed(range(len(differing)))]
        return [best.part(part.courses), *map(Part, others)]


def _how_many(words: Sequence[_Met]) -> ExpressionWrapper:
    """How many of them a course meets."""
    met: Combinable = Value(0, IntegerField())
    for found in words:
        met += Case(When(found.where(), then=1), default=0)
    return ExpressionWrapper(met, IntegerField())


def narrowed(courses: CourseQuerySet, few: Condition | None, asked: Condition) -> CourseQuerySet:
    """Those of these courses that meet a search's `where`."""
    found = courses.filter(asked)
    return FewCourses(Course, found.filter(few).query, courses.db) if few else found


def _few_with(common: Sequence[_Met]) -> set[str] | None:
    """All courses that may meet several terms, each of which many meet; None if these are many too.

    Those that are noted, and those whose words have changed since or just before.
    """
    groups = tuple(found.group for found in common)
    if len(groups) < 2:
        return None
    found = _groups.get(groups)
    if found and len(found) >= queries.SOME:
        return None
    since = timezone.now() - LONGEST_CHANGE - timedelta(seconds=settings.SEARCH_VOCABULARY_SECONDS)
    changed = queries.reworded(since)
    if found is None or len(changed) > RARE:
        found = _groups.put(groups, queries.who_has_all(groups))
    return found | changed if len(found) < queries.SOME else None


def _look_up(terms: Sequence[Term]) -> dict[Term, _Met]:
    ranges = [term.between for term in terms]
    common = {between: one for between in ranges if (one := _commons.get(between))}
    many_named = {between for between in ranges if _names.get(between)}
    found = queries.who_has(ranges, common, many_named)
    asked = list(zip(terms, found, strict=True))
    common |= _learnt([term for term, (by_word, _) in asked if len(by_word) > RARE])
    many_named |= {
        _names.put(term.between, term.between) for term, (_, named) in asked if len(named) > RARE
    }
    met = [
        _met(term, by_word, common.get(term.between), None if term.between in many_named else named)
        for term, (by_word, named) in asked
    ]
    counts = _counted([one.term.between for one in met if not one.is_rare])
    return {one.term: replace(one, about=counts.get(one.term.between, len(one.few))) for one in met}


def _met(
    term: Term, by_word: dict[str, bool], common: _Common | None, named: Collection[str] | None
) -> _Met:
    """What is known of it; the courses `named` so are None if they are many."""
    few = ({} if common else by_word) | dict.fromkeys(named or (), True)
    return _Met(term, few, common, many_are_named=named is None, about=0)


def _counted(
    ranges: Sequence[tuple[str, str]], *, leading: bool = False
) -> dict[tuple[str, str], int]:
    """How many courses meet each range, no more than tell that there are more; it is noted."""
    counts = {between: _counts.get((between, leading)) for between in ranges}
    asked = [between for between, count in counts.items() if count is None]
    told = queries.how_many_have(asked, leading=leading) if asked else []
    for between, count in zip(asked, told, strict=True):
        counts[between] = _counts.put((between, leading), count)
    return {between: count or 0 for between, count in counts.items()}


def _most_sorted() -> int:
    """How many courses take less to be sorted than a list of them to be found among all others."""
    number = _how_many_courses()
    return SELDOM if number == MANY else min(isqrt(SORTED * number), SELDOM)


def _how_many_courses() -> int:
    """How many there are, or `MANY`; it is noted."""
    number = _sizes.get("all")
    return _sizes.put("all", queries.how_many()) if number is None else number


def _learnt(terms: Sequence[Term]) -> dict[tuple[str, str], _Common]:
    """What there is to know of terms that many courses have; it is noted."""
    words = [_spelt_out(term) for term in terms]
    leads = queries.ways_to_lead(words) if terms else []
    learnt = zip(terms, map(_Common, words, leads), strict=True)
    return {term.between: _commons.put(term.between, common) for term, common in learnt}


def _spelt_out(term: Term) -> list[tuple[str, str]]:
    words = queries.words_of(term.between, FEW) if term.is_beginning else [term.word]
    return [(word, word) for word in words] if len(words) <= FEW else [term.between]


def _meant(slip: Term) -> Term:
    word = nearest(slip.word)
    return slip._replace(word=word, typed=word) if word else slip


def _meant_before(terms: Sequence[Term]) -> list[Term]:
    """What those of these terms mean that were slips lately, to be asked for in the same go."""
    return [_meant(term) for term in terms if _slips.get(term.word)]


def nearest(word: str) -> str | None:
    """The word of the vocabulary that was meant: one slip from four letters on, two from eight.

    Of those that are equally near, the one that most courses have.
    """
    slips = min(len(word) // 4, 2)
    if not (slips and word.isalpha()):
        return None
    if (found := _slips.get(word)) is None:
        found = _slips.put(word, _nearest(word, slips))
    return found or None


def _nearest(word: str, slips: int) -> str:
    near = process.extract(
        word, _vocabulary(), scorer=OSA.distance, score_cutoff=slips, limit=MOST_NEAR
    )
    counted = queries.how_many_listed([found for found, *_ in near]) if near else {}
    found = [(distance, -counted[one], one) for one, distance, _ in near if counted[one]]
    return min(found)[-1] if found else ""


def _vocabulary() -> list[str]:
    """Every word, but no number, that courses and teachers have; read again after a while."""
    if (words := _words.get("all")) is None:
        kinds = (CourseWord.objects, NameWord.objects)
        # What begins with a digit comes first.
        found = [rows.filter(word__gte="a").values_list("word", flat=True) for rows in kinds]
        every = {word for rows in found for word in rows.distinct()}
        words = _words.put("all", sorted(word for word in every if word.isalpha()))
    return words
