"""What a course's description says, as HTML that is made when it is saved."""

from django.utils.html import linebreaks
from django.utils.safestring import SafeString

from common.markdown import to_html
from courses import queries
from courses.models import Course, CourseDescription


def described(course: Course) -> SafeString:
    """The description as safe HTML; one statement.

    One that was written as plain text, before there was Markdown, looks as it did.
    """
    kept = queries.description_of(course.pk)
    made = kept[0][0] if kept else linebreaks(course.description, autoescape=True)
    return SafeString(made)


def write_description(course: Course) -> None:
    """Keep what the Markdown of a course's description says, whenever that is new.

    A repeat changes nothing.
    """
    CourseDescription(course_id=course.pk, html=to_html(course.description)).save()
