"""The languages and categories of courses: for forms, filters and staff alike."""

from collections.abc import Iterable
from functools import cache

from babel import Locale

from common.words import alike
from courses.models import Category, Course

CATEGORIES = (
    "Art", "Business", "Communication", "Cooking", "Games", "Languages", "Literature",
    "Mathematics", "Music", "Programming", "Science", "Wellbeing",
)  # fmt: skip
# What the CLDR has names for, and nobody teaches in.
_NONE = {"mis", "mul", "root", "und", "zxx"}


def languages() -> list[str]:
    """Every language, by its English name in the CLDR: those of courses first. One statement."""
    return _once([*_used("language"), *all_languages()])


def categories() -> list[str]:
    """Those that staff keep, in their order, and then any others of courses. Two statements."""
    kept = [*Category.objects.values_list("name", flat=True)]
    return _once([*(kept or CATEGORIES), *_used("category")])


def as_listed(text: str, listed: Iterable[str]) -> str | None:
    """How a word is spelled in a list, whatever its case and spaces; None if it isn't there."""
    return {alike(word): word for word in listed}.get(alike(text))


@cache
def all_languages() -> tuple[str, ...]:
    """The English names that the CLDR has, in the order of the alphabet."""
    names = Locale("en").languages.items()
    return tuple(sorted({name for key, name in names if "_" not in key and key not in _NONE}))


def _used(column: str) -> Iterable[str]:
    return Course.objects.order_by(column).values_list(column, flat=True).distinct()


def _once(words: Iterable[str]) -> list[str]:
    """Of words that are alike the first."""
    found: dict[str, str] = {}
    for word in words:
        found.setdefault(alike(word), word)
    return [*found.values()]
