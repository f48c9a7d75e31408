"""The languages and categories of courses: for forms, filters and staff alike."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple, Self

from babel import Locale

from common.conditions import Condition
from common.words import alike
from courses import queries
from courses.models import Category
from courses.notes import Notes

CATEGORIES = (
    "Art", "Business", "Communication", "Cooking", "Games", "Languages", "Literature",
    "Mathematics", "Music", "Programming", "Science", "Wellbeing",
)  # fmt: skip
# What the CLDR has names for, and nobody teaches in.
_NONE = {"mis", "mul", "root", "und", "zxx"}


def languages() -> list[str]:
    """Every language, by its English name in the CLDR: those of courses first. One statement."""
    return _once([*queries.used("language"), *all_languages()])


def categories() -> list[str]:
    """Those that staff keep, in their order, and then any others of courses. Two statements."""
    return _once([*_kept(), *queries.used("category")])


def offered(*, category: str = "", language: str = "") -> dict[str, list[str]]:
    """The categories and languages of which a course is upcoming, as a search form offers them.

    In one spelling where they differ by case alone; categories as staff order them. They are noted
    until one is asked for that isn't among them. The `category` is, if it is listed: a course that
    is over leads there. No statement, or two; four for such a category.
    """
    noted = _offered.get("all")
    if not (noted and noted.has("category", category) and noted.has("language", language)):
        noted = _offered.put("all", _Offered.read())
    if noted.has("category", category):
        return noted.words
    every = [*noted.words["category"], *filter(None, [as_listed(category, categories())])]
    return noted.words | {"category": noted.as_ordered(every)}


def in_any_case(column: str, text: str) -> Condition:
    """Whether a course's `column` is this word, whatever its case. One statement.

    By the spellings in use, so that an index finds them.
    """
    spelled = [word for word in queries.used(column) if word.lower() == text.lower()]
    return Condition.among(f"courses.{column}", spelled)


def as_listed(text: str, listed: Iterable[str]) -> str | None:
    """How a word is spelled in a list, whatever its case and spaces; None if it isn't there."""
    return {alike(word): word for word in listed}.get(alike(text))


@cache
def all_languages() -> tuple[str, ...]:
    """The English names that the CLDR has, in the order of the alphabet."""
    names = Locale("en").languages.items()
    return tuple(sorted({name for key, name in names if "_" not in key and key not in _NONE}))


class _Offered(NamedTuple):
    """The `words` on offer, and the places of all categories that staff keep."""

    words: dict[str, list[str]]
    places: dict[str, int]

    @classmethod
    def read(cls) -> Self:
        """Two statements."""
        places = {alike(name): place for place, name in enumerate(_kept())}
        found: dict[str, dict[str, str]] = {"category": {}, "language": {}}
        for column, word in sorted(queries.offered(), key=lambda row: (alike(row[1]), row[1])):
            found[column].setdefault(word.lower(), word)
        read = cls({column: [*words.values()] for column, words in found.items()}, places)
        read.words["category"] = read.as_ordered(read.words["category"])
        return read

    def has(self, column: str, word: str) -> bool:
        return alike(word) in map(alike, ["", *self.words[column]])

    def as_ordered(self, categories: Iterable[str]) -> list[str]:
        return sorted(categories, key=lambda name: self.places.get(alike(name), len(self.places)))


_offered = Notes[_Offered]()


def _kept() -> Iterable[str]:
    return [*Category.objects.values_list("name", flat=True)] or CATEGORIES


def _once(words: Iterable[str]) -> list[str]:
    """Of words that are alike the first."""
    found: dict[str, str] = {}
    for word in words:
        found.setdefault(alike(word), word)
    return [*found.values()]
