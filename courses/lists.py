"""The languages and categories of courses: for forms, filters and staff alike."""

from collections.abc import Iterable
from functools import cache

from babel import Locale

from common.conditions import Condition
from common.words import alike
from courses import queries
from courses.models import Category

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


def offered(category: str = "") -> dict[str, list[str]]:
    """The categories and languages of which a course is upcoming, as a search form offers them.

    In one spelling where they differ by case alone; categories as staff order them. The `category`
    is among them if it is listed: a course that is over leads there. Two statements, or else four.
    """
    places = {alike(name): place for place, name in enumerate(_kept())}
    found: dict[str, dict[str, str]] = {"category": {}, "language": {}}
    for column, word in sorted(queries.offered(), key=lambda row: (alike(row[1]), row[1])):
        found[column].setdefault(word.lower(), word)
    told = {column: [*words.values()] for column, words in found.items()}
    if alike(category) not in map(alike, ["", *told["category"]]):
        told["category"] += filter(None, [as_listed(category, categories())])
    told["category"].sort(key=lambda name: places.get(alike(name), len(places)))
    return told


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


def _kept() -> Iterable[str]:
    return [*Category.objects.values_list("name", flat=True)] or CATEGORIES


def _once(words: Iterable[str]) -> list[str]:
    """Of words that are alike the first."""
    found: dict[str, str] = {}
    for word in words:
        found.setdefault(alike(word), word)
    return [*found.values()]
