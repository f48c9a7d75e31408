"""Students are reminded of a session a day and an hour before, teachers an hour before."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from calendars.mails import session_parts
from common.formats import counted, moment
from courses.models import CourseSession
from enrollments.messages.words import Slot, in_teaching, names, what
from notices.kinds import Button, Group, Kind, Letter, NoLongerTrue, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import HoldPart

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def _start(notice: Notice) -> str:
    return moment(Slot.among(notice).starts_at)


def _check(notice: Notice) -> CourseSession:
    """The session, if it still starts when it was to; otherwise raises `NoLongerTrue`."""
    assert notice.session_id
    session = CourseSession.objects.filter(pk=notice.session_id).first()
    if session is None or session.status not in CourseSession.OPEN:
        raise NoLongerTrue("The session was cancelled.")
    if session.starts_at != Slot.among(notice).starts_at:
        raise NoLongerTrue("The session was moved.")
    return session


def _door(notice: Notice) -> str:
    return reverse("enrollments:room", args=[notice.session_id])


def _reminder(notice: Notice) -> Letter:
    if not _booked(_check(notice)).filter(hold__student=notice.reader).exists():
        raise NoLongerTrue("The reader no longer has the session.")
    return Letter(
        subject=f"Reminder: {notice.text('session')}, {_start(notice)}",
        lead=f"You booked {what(notice)}. It starts on {_start(notice)}.",
        rows=(
            *names(notice),
            ("Teacher", notice.text("teacher")),
            ("Time", str(Slot.among(notice))),
        ),
        button=Button("Open the session", _door(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


def _for_students(name: str, when: str) -> Kind:
    return register(
        Kind(
            name=name,
            to="students",
            told=f"a session that they booked, {when} before it starts",
            letter=_reminder,
            text=lambda notice: f"Reminder: {what(notice)} starts on {_start(notice)}.",
            page=_door,
            group=Group.REMINDERS,
        )
    )


REMINDERS = {
    DAY: _for_students("reminder_day", "a day"),
    HOUR: _for_students("reminder_hour", "an hour"),
}


def _taught(notice: Notice) -> str:
    students = counted(notice.facts["students"], "student")
    return f"{what(notice)} starts on {_start(notice)}, with {students}."


def _teaching(notice: Notice) -> Letter:
    _check(notice)
    return Letter(
        subject=f"You teach soon: {notice.text('session')}, {_start(notice)}",
        lead=_taught(notice),
        rows=(
            *names(notice),
            ("Time", str(Slot.among(notice))),
            ("Students", str(notice.facts["students"])),
        ),
        button=Button("Open the session", in_teaching(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


TEACHING_SOON = register(
    Kind(
        name="teaching_soon",
        to="teachers",
        told="a session of theirs, an hour before it starts: how many students have it",
        letter=_teaching,
        text=lambda notice: f"You teach soon: {_taught(notice)}",
        page=in_teaching,
        group=Group.REMINDERS,
    )
)


def tell_soon(session: CourseSession, *, ahead: timedelta) -> int:
    """Remind students of a session, and an hour `ahead` its teacher; gives how many people.

    Students who booked it later than that are not reminded. Each start is a reminder of its own.
    The session comes with its course.
    """
    course, parts = session.course, list(_booked(session))
    facts = {
        "course": course.title,
        "session": str(session),
        "teacher": course.teacher.display_name,
        "slot": Slot.of(session),
        "students": len(parts),
    }
    told: dict[str, Any] = {
        "about": f"{session.pk}:{session.starts_at.timestamp():.0f}",
        "facts": facts,
        "until": session.starts_at,
        "course_id": course.pk,
        "session_id": session.pk,
    }
    known_by, kind = session.starts_at - ahead, REMINDERS[ahead]
    notices = [
        kind.tell(part.hold.student_id, **told) for part in parts if part.hold.held_at <= known_by
    ]
    if parts and ahead == HOUR:
        notices.append(TEACHING_SOON.tell(course.teacher_id, **told))
    put(notices)
    return len(notices)


def _booked(session: CourseSession) -> QuerySet[HoldPart]:
    pending = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    return pending.select_related("hold")
