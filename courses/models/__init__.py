"""The catalogue: courses, the live sessions that they are made of, and what they are found by."""

from courses.models.categories import LONGEST_CATEGORY, Category
from courses.models.courses import (
    LONGEST_ANNOUNCEMENT,
    MAX_SESSION_MINUTES,
    Course,
    CourseQuerySet,
    CourseSession,
    CourseSessionQuerySet,
    S,
    ending,
    grace,
    in_time,
    new_room_name,
    next_of,
    next_start,
)
from courses.models.outlines import CourseOutline, OutlinedSession
from courses.models.texts import Announcement, CourseDescription
from courses.models.words import CourseWord

__all__ = [
    "LONGEST_ANNOUNCEMENT",
    "LONGEST_CATEGORY",
    "MAX_SESSION_MINUTES",
    "Announcement",
    "Category",
    "Course",
    "CourseDescription",
    "CourseOutline",
    "CourseQuerySet",
    "CourseSession",
    "CourseSessionQuerySet",
    "CourseWord",
    "OutlinedSession",
    "S",
    "ending",
    "grace",
    "in_time",
    "new_room_name",
    "next_of",
    "next_start",
]
