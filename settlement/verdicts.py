"""What attendance makes of a part of a hold: for settling it, for late events, for staff."""

from datetime import timedelta

from django.conf import settings

from courses.models import CourseSession
from enrollments.models import SessionPurchase
from payments.models import HoldPart
from payments.reasons import Reason
from payments.services.holds import Verdict
from rooms.attendance import MINUTE, Attended, Presence

Status = HoldPart.Status
NO_EVIDENCE = "It is not known who was there: nothing was heard from the room during that time."


def presences_of(part: HoldPart, attended: Attended) -> tuple[Presence, Presence]:
    """The teacher's and the student's in the session of a part, of the length it was sold with."""
    session, minutes = part.session_id, part.sold_duration_minutes
    teacher = attended.of(session, part.hold.teacher_id, minutes)
    return teacher, attended.of(session, part.hold.student_id, minutes)


def note_presence(purchase: SessionPurchase, part: HoldPart, attended: Attended) -> None:
    """Note on a single purchase how long its student was there, of the time sold; not saved."""
    presence = attended.of(part.session_id, purchase.user_id, part.sold_duration_minutes)
    purchase.attended = presence.suffices
    purchase.attendance_duration_minutes = presence.minutes


def reason_for(teacher: Presence, student: Presence) -> Reason | None:
    """What presences make of a part: both are of the length that it was sold with.

    None where it would be another with the time that nobody knows of than without it. A teacher
    is absent only where all of the time is known; one who was barred missed nothing.
    """
    if not teacher.suffices:
        return None if teacher.unknown else Reason.TEACHER_ABSENT
    if student.suffices:
        return Reason.ATTENDED
    return None if student.may_suffice or student.barred else Reason.MISSED


def verdict_on(part: HoldPart, session: CourseSession, attended: Attended) -> Verdict | None:
    """How a part ends by what is known of its session; None where that is not enough."""
    reason = reason_for(*presences_of(part, attended))
    if reason is None:
        return None
    missed_is_paid = settings.NO_SHOW == "release" and not _came_as_a_surprise(part, session)
    released = reason == Reason.ATTENDED or (reason == Reason.MISSED and missed_is_paid)
    return Verdict(part, Status.RELEASED if released else Status.REFUNDED, reason)


def why_unknown(part: HoldPart, attended: Attended) -> str:
    """What staff have to find out."""
    teacher, student = presences_of(part, attended)
    evidence = attended.evidence[part.session_id]
    if not (teacher.time or student.time) and evidence.unwatched == evidence.length:
        return NO_EVIDENCE
    times = f"Teacher: {teacher} minutes, student: {student}."
    if student.removed:
        return f"The student was removed from the room. {times}"
    if student.shut_out:
        return f"The student came after the teacher had ended the session early. {times}"
    unknown = -(-evidence.unwatched // MINUTE)
    lasts = evidence.length // MINUTE
    return f"It is not known who was there for {unknown} of {lasts} minutes. {times}"


def doubt_about(part: HoldPart, attended: Attended) -> str:
    """What speaks against how a part was settled, or for a decision on one under review."""
    teacher, student = presences_of(part, attended)
    now_said = reason_for(teacher, student)
    decided = part.reason in Reason.BY_ATTENDANCE and now_said not in (None, part.reason)
    waits = part.status == HoldPart.Status.PENDING and part.review_reason
    if not (decided or waits):
        return ""
    times = f"the teacher was there for {teacher} minutes, the student for {student}"
    return f"According to late events, {times}."


def _came_as_a_surprise(part: HoldPart, session: CourseSession) -> bool:
    """Whether start or length changed after the sale, with less notice than is promised.

    Also where they were changed back: the student may have gone by what was said in between.
    """
    changed_at = session.rescheduled_at
    if changed_at is None:
        return False
    as_sold = part.is_as_sold(session)
    notice = timedelta(hours=settings.CHANGE_NOTICE_HOURS)
    knew = as_sold and part.hold.held_at > changed_at
    return not knew and session.starts_at - changed_at < notice
