"""What students are told about a session they have: moved, called off."""

from collections.abc import Mapping, Sequence
from typing import TypedDict
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from calendars.mails import changed_parts, deleted_parts, session_parts
from common.formats import moment, money
from courses.models import Course, CourseSession
from enrollments.messages.words import (
    STAFF,
    Slot,
    elsewhere,
    in_teaching,
    my_learning,
    names,
    quote,
    what,
    why,
)
from notices.kinds import Button, Kind, Letter, NoLongerTrue, register
from notices.models import Notice
from notices.services.outbox import put
from payments.models import HoldPart

DELETED = "deleted"


def _who(notice: Notice) -> str:
    """Who did it, as told to a student: `Your teacher` or `Our staff`."""
    return STAFF if notice.facts.get("by_staff") else "Your teacher"


def _moved(notice: Notice) -> Letter:
    slot, back = Slot.among(notice, "new"), ""
    there = elsewhere(slot, notice.text("zone"))
    button = Button("Open My learning", my_learning(notice))
    if notice.facts["returnable"]:
        back = " If that doesn't suit you, return it for a refund until it starts."
        button = Button("Return it for a refund", _way_out(notice))
    return Letter(
        subject=f"Moved: {notice.text('session')}, now {moment(slot.starts_at)}",
        lead=f"{_who(notice)} changed the time of a session that you booked.{back}",
        rows=(
            *names(notice),
            ("New time", str(slot)),
            *((("For your teacher", there),) if there else ()),
            ("Old time", str(Slot.among(notice, "old"))),
            ("You paid", money(notice.sum("paid"))),
        ),
        quote=quote(notice),
        button=button,
        calendar=session_parts(notice.reader, notice.session_id),
    )


def _way_out(notice: Notice) -> str:
    """Where to return it: one session of an enrolment, or a whole single purchase."""
    if single := notice.text("purchase"):
        return reverse("enrollments:cancel_purchase", args=[single])
    return reverse("enrollments:hand_back", args=[notice.text("enrollment"), notice.session_id])


MOVED = register(
    Kind(
        name="session_moved",
        to="students",
        told="a session that they booked: its old and its new time, and why",
        letter=_moved,
        text=lambda notice: (
            f"{what(notice)} has moved from {Slot.among(notice, 'old')} to "
            f"{Slot.among(notice, 'new')}.{why(notice)}"
        ),
        page=my_learning,
        must_acknowledge=True,
    )
)


def _refunded(notice: Notice) -> str:
    refund = notice.sum("refund")
    return f" {money(refund)} is refunded." if refund else ""


def _called_off(notice: Notice) -> Letter:
    slot = Slot.among(notice)
    return Letter(
        subject=f"Cancelled: {notice.text('session')}, {moment(slot.starts_at)}",
        lead=f"{_who(notice)} cancelled a session that you booked.{_refunded(notice)}",
        rows=(*names(notice), ("Time", str(slot)), ("Refunded", money(notice.sum("refund")))),
        quote=quote(notice),
        button=Button("Open My learning", my_learning(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


CALLED_OFF = register(
    Kind(
        name="session_called_off",
        to="students",
        told="a session that they booked and that was cancelled: why, and what they get back",
        letter=_called_off,
        text=lambda notice: (
            f"{what(notice)} on {Slot.among(notice)} was cancelled.{_refunded(notice)}{why(notice)}"
        ),
        page=my_learning,
        must_acknowledge=True,
    )
)


def _changed(notice: Notice) -> Letter:
    deed, slot = notice.text("deed"), Slot.among(notice)
    return Letter(
        subject=f"Our staff {deed} your session {notice.text('session')}",
        lead=f"Our staff {deed} a session that you teach. Its students have been told.",
        rows=(*names(notice), ("Time", str(slot))),
        quote=quote(notice),
        button=Button("Open the session", in_teaching(notice)),
        calendar=session_parts(notice.reader, notice.session_id),
    )


CHANGED_BY_STAFF = register(
    Kind(
        name="teaching_changed",
        to="teachers",
        told="a session of theirs that staff moved or cancelled, and why",
        letter=_changed,
        text=lambda notice: (
            f"Our staff {notice.text('deed')} “{notice.text('session')}” in "
            f"“{notice.text('course')}”, {Slot.among(notice)}.{why(notice)}"
        ),
        page=in_teaching,
    )
)


def _for_calendar(notice: Notice) -> Letter:
    deed, slot = notice.text("deed"), Slot.among(notice)
    is_gone = deed == DELETED
    calendar = (
        deleted_parts(notice.reader, _as_it_was(notice))
        if is_gone
        else changed_parts(notice.reader, notice.session_id)
    )
    if not calendar:
        raise NoLongerTrue("No email has put it into their calendar.")
    who = STAFF if notice.facts["by_staff"] else "You"
    now = "now " if deed == "moved" else ""
    told = "Nobody had booked it" if is_gone else "Its students have been told"
    return Letter(
        subject=f"{who} {deed} {notice.text('session')}, {now}{moment(slot.starts_at)}",
        lead=f"{who} {deed} a session that you teach. {told}, and this email updates your "
        "calendar.",
        rows=(*names(notice), ("Time", str(slot))),
        button=Button("Open your courses", reverse("teaching:courses"))
        if is_gone
        else Button("Open the session", in_teaching(notice)),
        calendar=calendar,
    )


def _as_it_was(notice: Notice) -> CourseSession:
    """A session that was deleted."""
    slot = Slot.among(notice)
    return CourseSession(
        pk=notice.session_id,
        course=Course(pk=notice.course_id, title=notice.text("course")),
        title=notice.text("title"),
        starts_at=slot.starts_at,
        duration_minutes=slot.minutes,
        sequence=notice.facts["sequence"],
        status=CourseSession.Status.CANCELLED,
    )


FOR_CALENDAR = register(
    Kind(
        name="teaching_for_calendar",
        to="teachers",
        told="a session of theirs that they moved, cancelled or deleted, or that was moved with "
        "others, if an earlier email put it into their calendar",
        letter=_for_calendar,
    )
)


def tell_moved(session: CourseSession, *, old: Slot, actor: User, reason: str) -> None:
    """Tell students of a session that its time or length has changed, once for each change.

    Its teacher too, if only for their calendar. The session comes with its course.
    """
    facts = _facts(session, actor, reason) | {
        "old": old,
        "new": Slot.of(session),
        "zone": session.course.teacher.time_zone,
    }
    keys = _keys(session, f"{session.pk}:{session.sequence}")
    told = [
        MOVED.tell(
            part.hold.student_id,
            facts=facts | _return_of(part, session),
            until=session.starts_at,
            **keys,
        )
        for part in _parts(session)
    ]
    put([*told, _to_teacher(session, actor, facts | {"deed": "moved"}, keys)])


def moved_for_calendar(
    session: CourseSession, course: Course, said: Mapping[str, object]
) -> Notice:
    """What the teacher's calendar is told of one of several sessions that moved at once."""
    facts = {**said, "course": course.title, "session": str(session), "slot": Slot.of(session)}
    keys = _keys(session, f"{session.pk}:{session.sequence}")
    return FOR_CALENDAR.tell(course.teacher_id, facts={**facts, "deed": "moved"}, **keys)


def deleted_for_calendar(
    course: Course, sessions: Sequence[CourseSession], *, actor: User
) -> list[Notice]:
    """What the teacher's calendar is told once these sessions of a course are deleted.

    Of those about which the teacher was sent an email, or is about to be; one statement.
    """
    mailed = Notice.objects.filter(
        reader=course.teacher_id,
        session_id__in=[session.pk for session in sessions],
        mail__in=[Notice.Mail.WAITING, Notice.Mail.SENT],
    )
    known = set(mailed.values_list("session_id", flat=True))
    return [_deleted(course, session, actor) for session in sessions if session.pk in known]


def _deleted(course: Course, session: CourseSession, actor: User) -> Notice:
    session.course = course
    number = {"title": session.title, "sequence": session.sequence + 1}
    facts = _facts(session, actor) | {"deed": DELETED, **number}
    keys = _keys(session, f"{session.pk}:{DELETED}")
    return FOR_CALENDAR.tell(course.teacher_id, facts=facts, **keys)


def tell_called_off(session: CourseSession, *, actor: User, reason: str) -> None:
    """Tell students of a session that it is called off, before its parts are refunded.

    Its teacher too, if only for their calendar. A repeat tells nobody again. The session comes with
    its course.
    """
    facts, keys = _facts(session, actor, reason), _keys(session, session.pk)
    told = [
        CALLED_OFF.tell(part.hold.student_id, facts=facts | {"refund": part.amount}, **keys)
        for part in _parts(session)
    ]
    put([*told, _to_teacher(session, actor, facts | {"deed": "cancelled"}, keys)])


def _parts(session: CourseSession) -> QuerySet[HoldPart]:
    """The pending parts of a session, one per student, with their holds."""
    pending = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    return pending.select_related("hold")


def _facts(session: CourseSession, actor: User, reason: str = "") -> dict[str, object]:
    taught = actor.pk == session.course.teacher_id
    return {
        "course": session.course.title,
        "session": str(session),
        "slot": Slot.of(session),
        "by_staff": not taught,
        "by": actor.display_name if taught else STAFF,
        "reason": reason,
    }


class Keys(TypedDict):
    about: object
    course_id: UUID
    session_id: UUID


def _keys(session: CourseSession, about: object) -> Keys:
    return Keys(about=about, course_id=session.course_id, session_id=session.pk)


def _return_of(part: HoldPart, session: CourseSession) -> dict[str, object]:
    """What was paid, and how to return it; for an enrolment, if it is no longer as sold."""
    hold, changed = part.hold, not part.is_as_sold(session)
    return {
        "paid": part.amount,
        "returnable": bool(part.amount) and (changed or hold.enrollment_id is None),
        "enrollment": hold.enrollment_id,
        "purchase": hold.session_purchase_id,
    }


def _to_teacher(
    session: CourseSession, actor: User, facts: dict[str, object], keys: Keys
) -> Notice:
    teacher = session.course.teacher_id
    kind = FOR_CALENDAR if actor.pk == teacher else CHANGED_BY_STAFF
    return kind.tell(teacher, facts=facts, **keys)
