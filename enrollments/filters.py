"""How the catalogue is searched."""

import django_filters
from django.db.models import QuerySet
from django.forms import Form

from courses import lists
from courses.models import Course, CourseQuerySet
from courses.search import Search

_forms: dict[type, type[Form]] = {}


class CourseFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(
        method="matching",
        label="Words of title, teacher, category, language, level or description: all of them, "
        "of the last at least the beginning",
    )
    language = django_filters.CharFilter(method="in_any_case")
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    category = django_filters.CharFilter(method="in_any_case")
    teacher = django_filters.UUIDFilter(field_name="teacher_id")

    # What was searched for, if anything.
    found: Search | None = None

    class Meta:
        model = Course
        fields = ["search", "language", "level", "category", "teacher"]

    def get_form_class(self) -> type[Form]:
        """Made once: whatever depends on the request is set on a form's own fields."""
        kind = type(self)
        if kind not in _forms:
            _forms[kind] = super().get_form_class()
        return _forms[kind]

    def matching(self, courses: CourseQuerySet, name: str, words: str) -> QuerySet:
        """Courses that meet every word."""
        self.found = Search.of(words)
        return self.found.narrow(courses)

    def in_any_case(self, courses: CourseQuerySet, name: str, text: str) -> QuerySet:
        """Teachers may write it in any case."""
        return lists.in_any_case(courses, name, text)
