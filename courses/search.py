"""How a search finds courses: by the words that are kept of them and of their teachers' names."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    ExpressionWrapper,
    IntegerField,
    OrderBy,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.lookups import IsNull
from rapidfuzz import process
from rapidfuzz.distance import OSA

from accounts.models import NameWord
from common.words import Term, terms_of
from courses.models import Course, CourseWord
from courses.queries import RARE, who_has

C = TypeVar("C", bound=QuerySet)
# Words with one beginning that are asked for one by one.
FEW = 8
# Nearest words that may be equally near.
MOST_NEAR = 50


@dataclass(frozen=True, slots=True)
class _Met:
    """The courses that a term meets: by a word of their own, or of their teacher's name.

    Named one by one while they are few; then the database begins with them. Else a course is asked
    whether it is one.
    """

    term: Term
    courses: dict[UUID, bool]
    teachers: set[UUID]
    ranges: list[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.courses or self.teachers)

    def where(self, *, leading: bool = False) -> Q:
        """The courses; or those where the term is met outside the description."""
        return self._by_own_words(leading) | self._by_name()

    def _by_own_words(self, leading: bool) -> Q:
        if len(self.courses) <= RARE:
            return Q(pk__in={key for key, leads in self.courses.items() if leads or not leading})
        words = CourseWord.objects.filter(course=OuterRef("pk"))
        if leading:
            words = words.filter(leads=True)
        ranges = (_has(words.filter(word__range=one), "course") for one in self.ranges)
        return reduce(or_, ranges)

    def _by_name(self) -> Q:
        if len(self.teachers) <= RARE:
            return Q(teacher__in=self.teachers)
        names = NameWord.objects.filter(user=OuterRef("teacher"), word__range=self.term.between)
        return _has(names, "user")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for; `shown_for` is what was looked for instead of a slip, if any."""

    met: Sequence[_Met]
    shown_for: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """A search for these words, of which one that is found nowhere becomes the nearest.

        One statement, or two if many courses have the last word; if a word is found nowhere, at
        most one for each and three more.
        """
        met, shown_for = _look_up(terms_of(text)), text
        if not all(met):
            terms = [found.term if found else _meant(found.term) for found in met]
            for slip, term in zip(met, terms, strict=True):
                shown_for = shown_for.replace(slip.term.typed, term.typed, 1)
            met = _look_up(terms)
        return cls(met, shown_for if shown_for != text else "")

    def narrow(self, courses: C) -> C:
        """Those of these courses that meet every word."""
        if not self.met or not all(self.met):
            return courses.none()
        for found in self.met:
            courses = courses.filter(found.where())
        return courses

    def best(self) -> OrderBy:
        """First those that meet most of the words outside their description."""
        met: Combinable = Value(0, IntegerField())
        for found in self.met:
            met += Case(When(found.where(leading=True), then=1), default=0)
        return OrderBy(ExpressionWrapper(met, IntegerField()), descending=True)


def _has(rows: QuerySet, column: str) -> Q:
    """Whether there is such a row, asked of each course in turn.

    With EXISTS the database may read all the rows there are first, however soon a list is full.
    """
    return Q(IsNull(Subquery(rows.values(column)[:1]), False))


def _look_up(terms: Sequence[Term]) -> list[_Met]:
    found = who_has([term.between for term in terms]) if terms else []
    return [
        _Met(term, courses, teachers, _spelt_out(term) if len(courses) > RARE else [])
        for term, (courses, teachers) in zip(terms, found, strict=True)
    ]


def _spelt_out(term: Term) -> list[tuple[str, str]]:
    """A beginning as the words that have it, if they are few: an index finds each of a course.

    Of a beginning it finds all the words of a course, up to the first that has it.
    """
    if not term.is_beginning:
        return [term.between]
    first, last = term.between
    longer = CourseWord.objects.filter(word__gt=first, word__lte=last).values_list(
        "word", flat=True
    )
    words = [first, *longer.order_by("word").distinct()[:FEW]]
    return [(word, word) for word in words] if len(words) <= FEW else [term.between]


def _meant(slip: Term) -> Term:
    word = nearest(slip.word)
    return slip._replace(word=word, typed=word) if word else slip


def nearest(word: str) -> str | None:
    """The word of the vocabulary that was meant: one slip from four letters on, two from eight.

    Of those that are equally near, the one that most courses have.
    """
    slips = min(len(word) // 4, 2)
    if not (slips and word.isalpha()):
        return None
    near = process.extract(
        word, _vocabulary(), scorer=OSA.distance, score_cutoff=slips, limit=MOST_NEAR
    )
    if not near:
        return None
    least = near[0][1]
    equal = sorted(found for found, distance, _ in near if distance == least)
    if len(equal) == 1:
        return equal[0]
    rows = CourseWord.objects.filter(word__in=equal).values_list("word")
    counted = dict(rows.annotate(courses=Count("course")))
    return max(equal, key=lambda found: counted.get(found, 0))


# The words that this process read last, and when.
_read: tuple[list[str], float] = ([], float("-inf"))


def _vocabulary() -> list[str]:
    """Every word, but no number, by which a course is found; read again after a while."""
    global _read  # noqa: PLW0603 # one value, replaced as a whole
    words, at = _read
    if time.monotonic() - at >= settings.SEARCH_VOCABULARY_SECONDS:
        own = CourseWord.objects.values_list("word", flat=True).distinct()
        teachers = Course.objects.listed().values("teacher")
        names = NameWord.objects.filter(user__in=teachers).values_list("word", flat=True)
        words = sorted(word for word in {*own, *names} if word.isalpha())
        _read = words, time.monotonic()
    return words
