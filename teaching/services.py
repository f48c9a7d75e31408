"""A teacher writes to those who booked a course, or one session of it."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from common.errors import NotFound
from common.transactions import operation
from courses.models import Announcement
from courses.services import lock_course
from teaching.errors import NobodyBooked, TooManyAnnouncements
from teaching.messages import tell_written
from teaching.reads import students_of

DAY = timedelta(days=1)


@operation
def write_to_students(
    *, actor: User, course_id: UUID, text: str, session_id: UUID | None = None
) -> Announcement:
    """Tell everyone who booked a course, or one session of it, what their teacher writes.

    A repeat tells them again. Raises `NotFound` for anyone but its teacher, while they teach;
    `NobodyBooked`; and `TooManyAnnouncements` after `ANNOUNCEMENTS_A_DAY` for one course. Locks the
    course, so that they are counted.
    """
    course = lock_course(course_id=course_id, actor=actor)
    session = course.sessions.filter(pk=session_id).first() if session_id else None
    teaches = course.teacher_id == actor.pk and actor.is_active_teacher
    if not teaches or (session_id and session is None):
        raise NotFound
    students = list(students_of(session or course))
    if not students:
        raise NobodyBooked
    today = course.announcements.filter(created_at__gt=timezone.now() - DAY)
    if today.count() >= settings.ANNOUNCEMENTS_A_DAY:
        raise TooManyAnnouncements(limit=settings.ANNOUNCEMENTS_A_DAY)
    written = Announcement.objects.create(
        course=course, session=session, author=actor, text=text, students=len(students)
    )
    tell_written(written, students)
    return written
