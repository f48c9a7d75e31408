"""How the catalogue is searched."""

import django_filters
from django.forms import ValidationError
from django.http import QueryDict
from rest_framework import exceptions

from courses import lists
from courses.models import Course, CourseQuerySet
from courses.search import Search


def meeting(courses: CourseQuerySet, name: str, words: str) -> CourseQuerySet:
    """Courses that meet every word."""
    return Search.of(words).narrow(courses)


class CourseFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(
        method=meeting,
        label="Words of title, teacher, category, language, level or description: all of them, "
        "of the last at least the beginning",
    )
    # Teachers may write it in any case.
    language = django_filters.CharFilter(method=lists.in_any_case)
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    category = django_filters.CharFilter(method=lists.in_any_case)
    teacher = django_filters.UUIDFilter(field_name="teacher_id")

    class Meta:
        model = Course
        fields = ["search", "language", "level", "category", "teacher"]


def narrowed(courses: CourseQuerySet, asked: QueryDict) -> CourseQuerySet:
    """Those of these courses that `CourseFilter` leaves; `ValidationError` where it says no.

    Without one of its own and a form for each request, which copy all of it.
    """
    filters = {name: one for name, one in CourseFilter.base_filters.items() if name in asked}
    chosen, faults = {}, {}
    for name, one in filters.items():
        try:
            chosen[name] = one.field.clean(asked[name])
        except ValidationError as error:
            faults[name] = error.messages
    if faults:
        raise exceptions.ValidationError(faults)
    for name, one in filters.items():
        courses = one.filter(courses, chosen[name])
    return courses
