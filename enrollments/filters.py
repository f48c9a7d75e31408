"""How the catalogue is searched."""

import django_filters
from django.db.models import Q, QuerySet

from courses.models import Course, CourseQuerySet


class CourseFilter(django_filters.FilterSet):
    search = django_filters.CharFilter(method="matching", label="Words of title or description")
    language = django_filters.CharFilter(method="in_any_case")
    level = django_filters.ChoiceFilter(choices=Course.Level.choices)
    category = django_filters.CharFilter(method="in_any_case")
    teacher = django_filters.UUIDFilter(field_name="teacher_id")

    class Meta:
        model = Course
        fields = ["search", "language", "level", "category", "teacher"]

    def matching(self, courses: QuerySet, name: str, words: str) -> QuerySet:
        """Courses with every word in their title, description or teacher's name."""
        for word in words.split()[:10]:
            courses = courses.filter(
                Q(title__icontains=word)
                | Q(description__icontains=word)
                | Q(teacher__display_name__icontains=word)
            )
        return courses

    def in_any_case(self, courses: CourseQuerySet, name: str, text: str) -> QuerySet:
        """Teachers may write it in any case."""
        return courses.in_any_case(name, text)
