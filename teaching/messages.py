"""What a teacher writes to those who booked."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.text import Truncator

from courses.models import Announcement
from enrollments.messages.words import course_page, names, what
from notices.kinds import Button, Group, Kind, Letter, Quote, register
from notices.models import Notice
from notices.services.outbox import put

# How many characters of it the notice shows; the email and the course page show all of it.
BEGINNING = 200


def _to_whom(notice: Notice) -> str:
    """`the students of “Spanish to go”`, or of one session of it."""
    if notice.text("session"):
        return f"the students of {what(notice)}"
    return f"the students of “{notice.text('course')}”"


def _letter(notice: Notice) -> Letter:
    teacher = notice.text("teacher")
    written = Announcement.objects.get(pk=notice.text("announcement"))
    return Letter(
        subject=f"Message from {teacher}: {notice.text('course')}",
        lead=f"{teacher} wrote to {_to_whom(notice)}.",
        rows=names(notice),
        quote=Quote(written.text, by=teacher),
        button=Button("Open the course", course_page(notice)),
    )


WRITTEN = register(
    Kind(
        name="announcement",
        to="students",
        told="what their teacher writes to everyone who booked a course, or one session of it",
        letter=_letter,
        text=lambda notice: (
            f"{notice.text('teacher')} wrote to {_to_whom(notice)}: “{notice.text('beginning')}”"
        ),
        page=course_page,
        group=Group.ANNOUNCEMENTS,
    )
)


def tell_written(written: Announcement, students: Iterable[UUID]) -> None:
    """Tell students what their teacher wrote; it comes with its course, session and author."""
    facts = {
        "course": written.course.title,
        "session": str(written.session or ""),
        "teacher": written.author.display_name,
        "announcement": written.pk,
        "beginning": Truncator(" ".join(written.text.split())).chars(BEGINNING),
    }
    put(
        WRITTEN.tell(
            student,
            about=written.pk,
            facts=facts,
            course_id=written.course_id,
            session_id=written.session_id,
        )
        for student in students
    )
