"""What students are told about sessions that are added or moved, however many at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from accounts.models import User
from calendars.mails import session_parts, sessions_parts
from common.formats import counted, moment
from courses.models import CourseSession, in_time
from enrollments.messages.sessions import moved_for_calendar
from enrollments.messages.words import (
    STAFF,
    Rows,
    Slot,
    course_page,
    elsewhere,
    in_teaching,
    my_learning,
    names,
    quote,
    why,
)
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
        calendar=session_parts(notice.reader, notice.session_id),
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
        calendar=sessions_parts(notice.reader, notice.course_id),
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


def _moves(notice: Notice) -> list[tuple[str, Slot, Slot]]:
    """Each session that the reader has, with its old and its new time."""
    return [(n, Slot.stored(old), Slot.stored(new)) for n, old, new in notice.facts["sessions"]]


def _move(notice: Notice, old: Slot, new: Slot) -> str:
    """Both times, and the new one on the teacher's clocks if those show another."""
    there = elsewhere(new, notice.text("zone"))
    return f"{new} (before: {old}{f'; for your teacher: {there}' if there else ''})"


def _moved_rows(notice: Notice) -> Rows:
    """The course, and each session with both its times; of very many the first."""
    moves = _moves(notice)
    rows = tuple((name, _move(notice, old, new)) for name, old, new in moves[:LISTED])
    more = len(moves) - LISTED
    rest = (("And", counted(more, "more session")),) if more > 0 else ()
    return (("Course", notice.text("course")), *rows, *rest)


def _several_moved(notice: Notice) -> Letter:
    number, back = counted(len(_moves(notice)), "session"), ""
    if notice.facts["returnable"]:
        back = " If a new time doesn't suit you, return that session for a refund until it starts."
    return Letter(
        subject=f"Moved: {number} of {notice.text('course')}",
        lead=f"{_who(notice)} changed the time of {number} that you booked.{back}",
        rows=_moved_rows(notice),
        quote=quote(notice),
        button=Button("Open My learning", my_learning(notice)),
        calendar=sessions_parts(notice.reader, notice.course_id),
    )


def _several_moved_words(notice: Notice) -> str:
    number = len(_moves(notice))
    verb = "has" if number == 1 else "have"
    return (
        f"{counted(number, 'session')} of “{notice.text('course')}” {verb} moved. "
        f"{_first_move(notice)}"
    )


def _first_move(notice: Notice) -> str:
    name, _, new = _moves(notice)[0]
    return f"“{name}” is now on {new}.{why(notice)}"


SEVERAL_MOVED = register(
    Kind(
        name="sessions_moved",
        to="students",
        told="several sessions that they booked, moved at once: their old and new times, and why",
        letter=_several_moved,
        text=_several_moved_words,
        page=my_learning,
        must_acknowledge=True,
    )
)


def _moved_by_staff(notice: Notice) -> Letter:
    number = counted(len(_moves(notice)), "session")
    return Letter(
        subject=f"{STAFF} moved {number} of {notice.text('course')}",
        lead=f"{STAFF} changed the time of {number} that you teach. Their students have been told.",
        rows=_moved_rows(notice),
        quote=quote(notice),
        button=Button("Open the course", in_teaching(notice)),
    )


MOVED_BY_STAFF = register(
    Kind(
        name="teaching_moved",
        to="teachers",
        told="sessions of theirs that staff moved at once: their old and new times, and why",
        letter=_moved_by_staff,
        text=lambda notice: (
            f"{STAFF} moved {counted(len(_moves(notice)), 'session')} of "
            f"“{notice.text('course')}”. {_first_move(notice)}"
        ),
        page=in_teaching,
    )
)


def _can_go_back(part: HoldPart) -> bool:
    """Whether it brings a refund; an enrolment's only if it is no longer as sold."""
    alone = part.hold.enrollment_id is None
    return bool(part.amount) and (alone or not part.is_as_sold(part.session))


def tell_several_moved(
    sessions: Sequence[CourseSession], *, old: Mapping[UUID, Slot], actor: User, reason: str
) -> None:
    """Tell each student of these sessions, once for all, which of theirs moved from `old` times.

    Their teacher too: of all of them if staff moved them, else only for their calendar. They come
    with their course, whose version is that of after the move.
    """
    course, theirs = sessions[0].course, _parts_by_student(sessions)
    taught = actor.pk == course.teacher_id
    said = {"by_staff": not taught, "by": actor.display_name if taught else STAFF, "reason": reason}
    of_course = {**said, "course": course.title, "zone": course.teacher.time_zone}
    about = f"{course.pk}:{course.terms_version}"
    told = [
        SEVERAL_MOVED.tell(
            student,
            about=about,
            facts=of_course
            | {
                "sessions": _both_times((part.session for part in parts), old),
                "returnable": any(_can_go_back(part) for part in parts),
            },
            until=max(part.session.starts_at for part in parts),
            course_id=course.pk,
        )
        for student, parts in theirs.items()
    ]
    if not taught:
        facts = of_course | {"sessions": _both_times(in_time(sessions), old)}
        teacher = course.teacher_id
        told.append(MOVED_BY_STAFF.tell(teacher, about=about, facts=facts, course_id=course.pk))
    booked = {part.session_id: part.session for parts in theirs.values() for part in parts}
    put([*told, *(moved_for_calendar(session, course, said) for session in booked.values())])


def _parts_by_student(sessions: Sequence[CourseSession]) -> Mapping[UUID, list[HoldPart]]:
    """What each still has of these sessions, in the order of their starts."""
    found: dict[UUID, list[HoldPart]] = defaultdict(list)
    pending = HoldPart.objects.filter(session__in=sessions, status=HoldPart.Status.PENDING)
    for part in pending.select_related("hold", "session").order_by("session__starts_at", "pk"):
        found[part.hold.student_id].append(part)
    return found


def _both_times(
    sessions: Iterable[CourseSession], old: Mapping[UUID, Slot]
) -> list[tuple[str, Slot, Slot]]:
    return [(str(session), old[session.pk], Slot.of(session)) for session in sessions]
