"""How a search finds courses: by the words that are kept of them and of their teachers' names."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from rapidfuzz import process
from rapidfuzz.distance import OSA

from accounts.models import NameWord
from common.words import Term, terms_of
from courses.models import Course, CourseWord
from courses.queries import RARE, who_has

Q_ = TypeVar("Q_", bound=QuerySet)
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

    def __bool__(self) -> bool:
        return bool(self.courses or self.teachers)

    def where(self, *, leading: bool = False) -> Q:
        """The courses; or those where the term is met outside the description."""
        return self._by_own_words(leading) | self._by_name()

    def _by_own_words(self, leading: bool) -> Q:
        if len(self.courses) <= RARE:
            return Q(pk__in={key for key, leads in self.courses.items() if leads or not leading})
        words = CourseWord.objects.filter(course=OuterRef("pk"), word__range=self.term.between)
        return Q(Exists(words.filter(leads=True) if leading else words))

    def _by_name(self) -> Q:
        if len(self.teachers) <= RARE:
            return Q(teacher__in=self.teachers)
        names = NameWord.objects.filter(user=OuterRef("teacher"), word__range=self.term.between)
        return Q(Exists(names))


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for; `shown_for` is what was looked for instead of a slip, if any."""

    met: Sequence[_Met]
    shown_for: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """A search for these words, of which one that is found nowhere becomes the nearest.

        One statement; and if a word is found nowhere, at most one for each and three more.
        """
        met, shown_for = _look_up(terms_of(text)), text
        if not all(met):
            terms = [found.term if found else _meant(found.term) for found in met]
            for slip, term in zip(met, terms, strict=True):
                shown_for = shown_for.replace(slip.term.typed, term.typed, 1)
            met = _look_up(terms)
        return cls(met, shown_for if shown_for != text else "")

    def narrow(self, courses: Q_) -> Q_:
        """Those of these courses that meet every word."""
        if not self.met or not all(self.met):
            return courses.none()
        for found in self.met:
            courses = courses.filter(found.where())
        return courses

    def best(self) -> Combinable:
        """How many of the words a course meets outside its description, to sort by."""
        met: Combinable = Value(0, IntegerField())
        for found in self.met:
            met += Case(When(found.where(leading=True), then=1), default=0)
        return met


def _look_up(terms: Sequence[Term]) -> list[_Met]:
    found = who_has([term.between for term in terms]) if terms else []
    return [_Met(term, *who) for term, who in zip(terms, found, strict=True)]


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


# The words that were read last, and when.
_read: tuple[list[str], float] = ([], float("-inf"))


def _vocabulary() -> list[str]:
    """Every word by which a course can be found; each process reads them again after a while."""
    global _read  # noqa: PLW0603 # one value, replaced as a whole
    words, at = _read
    if time.monotonic() - at >= settings.SEARCH_VOCABULARY_SECONDS:
        own = CourseWord.objects.values_list("word", flat=True).distinct()
        teachers = Course.objects.listed().values("teacher")
        names = NameWord.objects.filter(user__in=teachers).values_list("word", flat=True)
        words = sorted({*own, *names})
        _read = words, time.monotonic()
    return words
