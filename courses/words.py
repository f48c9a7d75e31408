"""The words of courses, kept so that a search finds them."""

from uuid import UUID

from django.utils import timezone

from common.markdown import to_words
from common.transactions import operation
from common.words import words_in
from courses.descriptions import described
from courses.locks import lock_course
from courses.models import Course, CourseWord

# What words are made of, and what says whether there are any.
IN_WORDS = frozenset(
    {"title", "category", "language", "level", "description", "status", "by_link_only"}
)


def write_words(course: Course) -> bool:
    """Keep the words of a locked course if it is published and listed, or else none.

    Gives whether anything changed. At most five statements; a repeat changes nothing.
    """
    wanted = expected_words(course) if is_listed(course) else {}
    kept = dict(CourseWord.objects.filter(course=course).values_list("word", "leads"))
    if gone := [word for word, leads in kept.items() if wanted.get(word) != leads]:
        CourseWord.objects.filter(course=course, word__in=gone).delete()
    added = [word for word, leads in wanted.items() if kept.get(word) != leads]
    CourseWord.objects.bulk_create(
        CourseWord(course=course, word=word, leads=wanted[word]) for word in added
    )
    if gone or added:
        course.words_at = timezone.now()
        Course.objects.filter(pk=course.pk).update(words_at=course.words_at)
    return bool(gone or added)


@operation
def rewrite_words(course_id: UUID) -> bool:
    """The same for a course that may have been changed by hand; gives whether anything differed.

    Locks the course, which may be gone.
    """
    course = lock_course(course_id)
    return course is not None and write_words(course)


def is_listed(course: Course) -> bool:
    """Whether anyone may come across it while its teacher is active."""
    return course.status == Course.Status.PUBLISHED and not course.by_link_only


def expected_words(course: Course) -> dict[str, bool]:
    """Each word of a course, and whether it leads; one statement."""
    leading = words_in(f"{course.title} {course.category} {course.language} {course.level}")
    described_by = words_in(to_words(described(course)))
    return dict.fromkeys(described_by, False) | dict.fromkeys(leading, True)
