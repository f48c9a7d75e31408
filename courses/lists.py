"""The languages and categories that courses are filed under, each in one spelling."""

from collections.abc import Iterable
from functools import cache

from babel import Locale

from courses.models import Course

CATEGORIES = (
    "Art", "Business", "Communication", "Cooking", "Games", "Languages", "Literature",
    "Mathematics", "Music", "Programming", "Science", "Wellbeing",
)  # fmt: skip
# What the CLDR has names for, and nobody teaches in.
_NONE = {"mis", "mul", "root", "und", "zxx"}


def languages() -> list[str]:
    """Every language, by its English name in the CLDR: those of courses first. One statement."""
    return _used_first("language", all_languages())


def categories() -> list[str]:
    """Those of courses and of ours. One statement."""
    return sorted(_used_first("category", CATEGORIES))


def as_listed(text: str, listed: Iterable[str]) -> str | None:
    """How a word is spelled in a list, whatever its case and spaces; None if it isn't there."""
    return {folded(word): word for word in listed}.get(folded(text))


@cache
def all_languages() -> tuple[str, ...]:
    names = Locale("en").languages.items()
    return tuple(sorted({name for key, name in names if "_" not in key and key not in _NONE}))


def _used_first(column: str, known: Iterable[str]) -> list[str]:
    used = Course.objects.order_by(column).values_list(column, flat=True).distinct()
    return [*{folded(word): word for word in [*used, *known]}.values()]


def folded(word: str) -> str:
    return " ".join(word.casefold().split())
