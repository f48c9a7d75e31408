"""What a course's description says, as HTML that is made when it is saved."""

from django.utils.html import linebreaks
from django.utils.safestring import SafeString

from common.markdown import to_html
from courses.models import Course, CourseDescription


def described(course: Course) -> SafeString:
    """The description as safe HTML; one statement.

    One that was written as plain text, before there was Markdown, looks as it did.
    """
    kept = CourseDescription.objects.filter(course=course).values_list("html", flat=True).first()
    made = linebreaks(course.description, autoescape=True) if kept is None else kept
    return SafeString(made)


def write_description(course: Course) -> None:
    """Keep what the Markdown of a course's description says, whenever that is new.

    A repeat changes nothing.
    """
    CourseDescription(course_id=course.pk, html=to_html(course.description)).save()
