"""How the catalogue is searched."""

from collections.abc import Callable

import django_filters
from django.forms import ValidationError
from django.http import QueryDict
from rest_framework import exceptions

from common.conditions import Condition
from courses import lists
from courses.models import Course
from courses.search import Search


class CourseFilter(django_filters.FilterSet):
    """The filters of the API, as it describes them; `narrowing` says what each asks for."""

    search = django_filters.CharFilter(
        label="Words of title, teacher, category, language, level or description: all of them, "
        "of the last at least the beginning",
    )
    language = django_filters.CharFilter()
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    category = django_filters.CharFilter()
    teacher = django_filters.UUIDFilter(field_name="teacher_id")

    class Meta:
        model = Course
        fields = ["search", "language", "level", "category", "teacher"]


def narrowing(asked: QueryDict) -> tuple[Condition | None, Condition]:
    """What is so of the courses that were asked for, in two parts as `Search.where` gives them.

    Raises the API's `ValidationError` for what is no value of a filter.
    """
    chosen = _cleaned(asked)
    wanted = [ask(chosen[name]) for name, ask in _CONDITIONS.items() if chosen.get(name)]
    few = None
    if words := chosen.get("search"):
        few, found = Search.of(str(words)).where()
        wanted.append(found)
    return few, Condition.all_of(wanted)


def _cleaned(asked: QueryDict) -> dict[str, object]:
    """By the fields alone: a filterset and a form for each request would copy them all."""
    chosen, faults = {}, {}
    for name, one in CourseFilter.base_filters.items():
        if name not in asked:
            continue
        try:
            chosen[name] = one.field.clean(asked[name])
        except ValidationError as error:
            faults[name] = error.messages
    if faults:
        raise exceptions.ValidationError(faults)
    return chosen


# Teachers may write a language or category in any case.
_CONDITIONS: dict[str, Callable[..., Condition]] = {
    "language": lambda text: lists.in_any_case("language", text),
    "category": lambda text: lists.in_any_case("category", text),
    "level": lambda level: Condition.among("courses.level", [level]),
    "teacher": lambda key: Condition.among("courses.teacher_id", [key.hex]),
}
