"""How a search finds courses: by the words that are kept of them and of their teachers' names."""

import time
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Self, TypeVar

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    ExpressionWrapper,
    IntegerField,
    OrderBy,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from rapidfuzz import process
from rapidfuzz.distance import OSA

from accounts.models import NameWord
from common.conditions import Condition
from common.words import Term, terms_of
from courses import queries
from courses.models import Course, CourseQuerySet, CourseWord
from courses.queries import RARE

N = TypeVar("N")
# Words with one beginning that are asked for one by one.
FEW = 8
# Things that a process notes of searches.
MOST_NOTED = 1000
# Nearest words that may be equally near.
MOST_NEAR = 50


class FewCourses(CourseQuerySet):
    """Courses that a search names one by one: a part of them is cut from all.

    With a limit the database might look for them in the order of an index.
    """

    def __getitem__(self, part: slice) -> Sequence[object]:  # type: ignore[override]
        return list(self)[part]


class _Common(NamedTuple):
    """What is known of a range of words that many courses have: as words, if they are few.

    An index finds each word of a course. Of a beginning it finds all words of a course, up to the
    first that has it. It `leads` in all of the courses, in none (False), or in some (both).
    """

    ranges: Sequence[tuple[str, str]]
    leads: set[bool]


class _Notes(Generic[N]):
    """What this process found lately that tells how to ask, and what may be meant: not what is so.

    Whether a course has a word is always asked.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, N]] = {}

    def get(self, key: Hashable) -> N | None:
        at, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() - at < settings.SEARCH_VOCABULARY_SECONDS else None

    def put(self, key: Hashable, value: N) -> N:
        if len(self._kept) >= MOST_NOTED:
            self._kept.clear()
        self._kept[key] = time.monotonic(), value
        return value

    def clear(self) -> None:
        self._kept.clear()


# Terms that many courses have, and groups of them that many meet; the words there are, and which
# of them slips mean.
_commons, _groups = _Notes[_Common](), _Notes[bool]()
_words, _slips = _Notes[list[str]](), _Notes[str]()


def forget_notes() -> None:
    """Find everything out again."""
    for notes in (_commons, _groups, _words, _slips):
        notes.clear()


@dataclass(frozen=True, slots=True)
class _Met:
    """The courses that a term meets: by a word of their own, or of their teacher's name.

    Named one by one while they are few, with whether it leads; then the database begins with them.
    Else, if it is `common` or if `many_are_named` so, a course is asked whether it is one.
    """

    term: Term
    few: dict[str, bool]
    common: _Common | None
    many_are_named: bool

    @property
    def is_rare(self) -> bool:
        """Whether few courses meet it, all of which are named."""
        return not (self.common or self.many_are_named)

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

    def where(self, *, leading: bool = False) -> Condition:
        """Whether a course does; or does outside its description."""
        ways = []
        if self.common:
            ways.append(queries.has_word(self.common.ranges, leading=leading))
        if self.many_are_named:
            ways.append(queries.has_name(self.term.between))
        if few := [key for key, leads in self.few.items() if leads or not leading]:
            ways.append(Condition.among("courses.id", few))
        return Condition.any_of(ways)


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for; `shown_for` is what was looked for instead of a slip, if any."""

    met: Sequence[_Met]
    shown_for: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """A search for these words, of which one that is found nowhere becomes the nearest.

        One statement, and two for a word that is newly found to be common; for words that are newly
        found nowhere, one more for each and one for all.
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

    def narrow(self, courses: CourseQuerySet) -> CourseQuerySet:
        """Those of these courses that meet every word: `FewCourses` if a few alone can."""
        where, few = self.where()
        if not where.values:
            return courses.none()
        return narrowed(courses, where, few=few)

    def where(self) -> tuple[Condition, bool]:
        """Whether a course meets every word; and if so few alone can that they are named."""
        if not self.met or not all(self.met):
            return Condition.any_of(()), True
        common = [found for found in self.met if found.is_common]
        few = [set(found.few) for found in self.met if found.is_rare]
        if (seldom := _few_with(common)) is not None:
            few.append(seldom)
        asked = [
            found.where()
            for found in self.met
            if not found.is_rare and (seldom is None or found not in common)
        ]
        if few:
            asked.append(Condition.among("courses.id", few[0].intersection(*few[1:])))
        return Condition.all_of(asked), bool(few)

    def best(self) -> list[OrderBy]:
        """First those that meet most of the words outside their description, if any differ."""
        differing = [found for found in self.met if found.differs]
        if not differing:
            return []
        met: Combinable = Value(0, IntegerField())
        for found in differing:
            met += Case(When(found.where(leading=True), then=1), default=0)
        return [OrderBy(ExpressionWrapper(met, IntegerField()), descending=True)]


def narrowed(courses: CourseQuerySet, where: Condition, *, few: bool) -> CourseQuerySet:
    """Those of these courses of which it is so."""
    found = courses.filter(where)
    return FewCourses(Course, found.query, courses.db) if few else found


def _few_with(common: Sequence[_Met]) -> set[str] | None:
    """The courses that meet several terms, each of which many meet; None if these are many too."""
    groups = tuple(tuple(found.common.ranges) for found in common if found.common)
    if len(groups) < 2 or _groups.get(groups):
        return None
    found = queries.who_has_all(groups)
    if len(found) <= RARE:
        return found
    _groups.put(groups, True)
    return None


def _look_up(terms: Sequence[Term]) -> dict[Term, _Met]:
    ranges = [term.between for term in terms]
    common = {between: one for between in ranges if (one := _commons.get(between))}
    found = queries.who_has(ranges, common) if terms else []
    asked = list(zip(terms, found, strict=True))
    common |= _learnt([term for term, (by_word, _) in asked if len(by_word) > RARE])
    return {
        term: _met(term, by_word, named, common.get(term.between))
        for term, (by_word, named) in asked
    }


def _met(
    term: Term, by_word: dict[str, bool], named: Collection[str], common: _Common | None
) -> _Met:
    many_are_named = len(named) > RARE
    few = {} if common else by_word
    if not many_are_named:
        few = few | dict.fromkeys(named, True)
    return _Met(term, few, common, many_are_named)


def _learnt(terms: Sequence[Term]) -> dict[tuple[str, str], _Common]:
    """What there is to know of terms that many courses have; it is noted. Two statements."""
    leads = queries.ways_to_lead([term.between for term in terms]) if terms else []
    learnt = {
        term.between: _Common(_spelt_out(term), ways)
        for term, ways in zip(terms, leads, strict=True)
    }
    for between, common in learnt.items():
        _commons.put(between, common)
    return learnt


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
    if not near:
        return ""
    least = near[0][1]
    equal = sorted(found for found, distance, _ in near if distance == least)
    if len(equal) == 1:
        return equal[0]
    rows = CourseWord.objects.filter(word__in=equal).values_list("word")
    counted = dict(rows.annotate(courses=Count("course")))
    return max(equal, key=lambda found: counted.get(found, 0))


def _vocabulary() -> list[str]:
    """Every word, but no number, by which a course is found; read again after a while."""
    if (words := _words.get("all")) is None:
        own = CourseWord.objects.values_list("word", flat=True).distinct()
        teachers = Course.objects.listed().values("teacher")
        names = NameWord.objects.filter(user__in=teachers).values_list("word", flat=True)
        words = _words.put("all", sorted(word for word in {*own, *names} if word.isalpha()))
    return words
