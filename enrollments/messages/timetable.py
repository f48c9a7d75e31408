"""What enrolled students are told about sessions that their teacher adds, however many at once."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from accounts.models import User
from calendars.mails import session_part, sessions_part
from common.formats import counted, moment
from courses.models import CourseSession
from enrollments.messages.words import STAFF, Rows, Slot, course_page, names
from notices.kinds import Button, Kind, Letter, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import HoldPart

# How many sessions an email lists.
LISTED = 20


def _who(notice: Notice) -> str:
    """Who did it, as told to a student: `Your teacher` or `Our staff`."""
    return STAFF if notice.facts.get("by_staff") else "Your teacher"


def _added(notice: Notice) -> Letter:
    slot = Slot.among(notice)
    return Letter(
        subject=f"Added to your course: {notice.text('session')}, {moment(slot.starts_at)}",
        lead=f"{_who(notice)} added a session to a course that you booked. You pay nothing for it.",
        rows=(*names(notice), ("Time", str(slot))),
        button=Button("Open the course", course_page(notice)),
        calendar=session_part(notice.reader, notice.session_id),
    )


ADDED = register(
    Kind(
        name="session_added",
        to="students",
        told="a session that was added to a course that they booked",
        letter=_added,
        text=lambda notice: (
            f"“{notice.text('session')}” was added to “{notice.text('course')}”, on "
            f"{Slot.among(notice)}. You pay nothing for it."
        ),
        page=course_page,
    )
)


def _several(notice: Notice) -> list[tuple[str, Slot]]:
    return [(name, Slot.stored(slot)) for name, slot in notice.facts["sessions"]]


def _listed(notice: Notice) -> Rows:
    """Each session and its time; of very many the first."""
    sessions = _several(notice)
    rows = tuple((name, str(slot)) for name, slot in sessions[:LISTED])
    more = len(sessions) - LISTED
    return (*rows, ("And", counted(more, "more session"))) if more > 0 else rows


def _several_added(notice: Notice) -> Letter:
    number = counted(len(_several(notice)), "session")
    return Letter(
        subject=f"Added to your course: {number}",
        lead=f"{_who(notice)} added {number} to a course that you booked. "
        "You pay nothing for them.",
        rows=(*names(notice), *_listed(notice)),
        button=Button("Open the course", course_page(notice)),
        calendar=sessions_part(notice.reader, notice.course_id),
    )


SEVERAL_ADDED = register(
    Kind(
        name="sessions_added",
        to="students",
        told="several sessions that were added at once to a course that they booked",
        letter=_several_added,
        text=lambda notice: (
            f"{counted(len(_several(notice)), 'session')} were added to "
            f"“{notice.text('course')}”, the first on {_several(notice)[0][1]}. "
            "You pay nothing for them."
        ),
        page=course_page,
    )
)


def tell_added(sessions: Sequence[CourseSession], *, actor: User) -> None:
    """Tell enrolled students that sessions were added, once for all; they come with their course.

    The first of them has just been added.
    """
    first, course = sessions[0], sessions[0].course
    last = max(session.starts_at for session in sessions)
    single = first if len(sessions) == 1 else None
    facts = {
        "course": course.title,
        "session": str(single or ""),
        "slot": Slot.of(first),
        "sessions": [(str(session), Slot.of(session)) for session in sessions],
        "by_staff": actor.pk != course.teacher_id,
    }
    put(
        (ADDED if single else SEVERAL_ADDED).tell(
            student,
            about=first.pk,
            facts=facts,
            until=last,
            course_id=course.pk,
            session_id=single.pk if single else None,
        )
        for student in _students_of(first)
    )


def _students_of(session: CourseSession) -> Iterable[UUID]:
    """Those who have a pending part of it."""
    pending = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    return pending.values_list("hold__student", flat=True)
