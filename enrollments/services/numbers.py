"""The numbers of a course's sessions: by time until somebody has bought, then for good."""

from django.conf import settings
from django.db.models import Count, Max

from common.writing import save
from courses.models import Course, in_time
from enrollments.errors import TooManySessions
from payments.models import HoldPart


def next_number(course: Course, *, adding: int = 1) -> int:
    """The number of the first of so many more sessions; those called off keep theirs and count.

    Raises `TooManySessions`. The caller has locked the course.
    """
    there = course.sessions.aggregate(count=Count("pk"), last=Max("session_number", default=0))
    if there["count"] + adding > settings.MAX_SESSIONS_PER_COURSE:
        raise TooManySessions(limit=settings.MAX_SESSIONS_PER_COURSE)
    return there["last"] + 1


def renumber(course: Course) -> None:
    """Number the sessions of a locked course by time, unless anybody has or had a part of it.

    The full price is split in the order of the numbers, so from then on they stay, gaps too. A
    repeat changes nothing.
    """
    if HoldPart.objects.filter(session__course=course).exists():
        return
    sessions = in_time(course.sessions.all())
    moving = [(s, n) for n, s in enumerate(sessions, 1) if s.session_number != n]
    free = max((session.session_number for session in sessions), default=0)
    # The database checks row by row that no two are the same, so they pass through free numbers.
    for beyond in (free, 0):
        for session, number in moving:
            session.session_number = beyond + number
        save([session for session, _ in moving], ["session_number"])
