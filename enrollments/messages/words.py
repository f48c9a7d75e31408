"""What several messages say, and where their notices and buttons lead."""

from django.urls import reverse

from notices.models import Notice

Rows = tuple[tuple[str, str], ...]


def what(notice: Notice) -> str:
    """`the full course “Spanish to go”`, or one session of it."""
    course, session = f"“{notice.text('course')}”", notice.text("session")
    return f"“{session}” in {course}" if session else f"the full course {course}"


def names(notice: Notice) -> Rows:
    """Course and session as rows; without the session where it is about the course."""
    session = notice.text("session")
    return (("Course", notice.text("course")), *((("Session", session),) if session else ()))


def my_learning(notice: Notice) -> str:
    """Where a student sees what they booked."""
    return reverse("enrollments:learning")


def course_page(notice: Notice) -> str:
    """Where everybody sees the course."""
    return reverse("enrollments:course", args=[notice.course_id])


def in_teaching(notice: Notice) -> str:
    """Where a teacher sees who comes: to the session, or else to the course."""
    if notice.session_id:
        return reverse("teaching:roster", args=[notice.session_id])
    return reverse("teaching:course", args=[notice.course_id])
