"""The picture of a course: its own, or one of our drawings for its category."""

from django import template
from django.templatetags.static import static
from django.utils.text import slugify

from courses.models import Course

register = template.Library()

# How many drawings there are of each, such as static/img/covers/music-1.svg.
DRAWN = {
    "art": 2,
    "business": 2,
    "communication": 2,
    "cooking": 1,
    "games": 1,
    "languages": 2,
    "literature": 1,
    "mathematics": 1,
    "music": 2,
    "other": 2,
    "programming": 2,
    "science": 2,
    "wellbeing": 2,
}


@register.simple_tag
def cover(course: Course) -> str:
    """The URL of a course's picture; the same course always gets the same drawing."""
    if course.thumbnail:
        return course.thumbnail.url
    kind = slugify(course.category)
    kind = kind if kind in DRAWN else "other"
    return static(f"img/covers/{kind}-{course.pk.int % DRAWN[kind] + 1}.svg")
