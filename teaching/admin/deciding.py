"""Staff decide on courses and sessions: publish, archive, call off."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django import forms
from django.utils import timezone

from accounts.models import User
from common.admin.deciding import Answers, Decision, Done, Prospect
from common.formats import money, until
from courses.models import Course, CourseSession
from courses.services import archive_course, publish_course
from enrollments.services.admission import checked_together
from enrollments.services.sessions import (
    Refunds,
    cancel_session,
    refunds_changed,
    refunds_due,
    refunds_due_in,
    refunds_made,
    refuse_calling_off_each,
)
from teaching.reads import what_is_dearer_in


@dataclass(frozen=True, kw_only=True)
class ChangingStatus(Decision[Course]):
    """What can be taken back, and so is done at once; then staff read what is to be `heeded`."""

    done: str
    service: Callable[..., Course]
    heeded: Callable[[Course], str] = lambda course: ""
    rights: tuple[str, ...] = ("courses.change_course",)
    key: str = "course"
    form: type[forms.Form] = forms.Form
    asks: bool = False

    def deed(self, course: Course, actor: User, answers: Answers) -> Done:
        self.service(course_id=course.pk, actor=actor)
        return Done(self.done, warning=self.heeded(course))


@dataclass(frozen=True, kw_only=True)
class CallingOff(Decision[CourseSession]):
    """It refunds everybody: those who may refund one may do that. A booking at a time, in steps."""

    rights: tuple[str, ...] = ("courses.change_coursesession", "payments.decide_paymenthold")
    key: str = "session"
    steps: bool = True
    together: Callable[[], AbstractContextManager] = checked_together

    def is_offered(self, session: CourseSession) -> bool:
        return session.status in CourseSession.OPEN

    def prospects(
        self, rows: Sequence[CourseSession], actor: User
    ) -> list[Prospect[CourseSession]]:
        open_ = [row for row in rows if row.status != CourseSession.Status.CANCELLED]
        refusals = refuse_calling_off_each(open_, actor, timezone.now())
        dues = refunds_due_in([row.pk for row in rows])
        return [
            Prospect(
                row=session,
                name=str(session),
                title=f"{session.course}: {session}",
                facts=[until(session.starts_at, session.duration_minutes)],
                outcome=outlook(dues[session.pk]),
                refusal=refusals.get(session.pk),
                told=dues[session.pk].told,
            )
            for session in rows
        ]

    def deed(self, session: CourseSession, actor: User, answers: Answers) -> Done:
        """Cancel a session if that gives back what the page has told.

        A repeat does what a crash left, whatever the page has told.
        """
        due = refunds_due(session.pk)
        if answers.told(session.pk) != due.told and session.status != session.Status.CANCELLED:
            raise refunds_changed(due)
        reason = answers.fields["reason"]
        cancel_session(session_id=session.pk, actor=actor, reason=reason, expected=due)
        return Done(f"Cancelled. {refunds_made(session.pk)}".removesuffix("."))


ON_COURSES = (
    ChangingStatus(
        verb="publish",
        label="Publish selected courses",
        done="Published",
        service=publish_course,
        heeded=what_is_dearer_in,
    ),
    ChangingStatus(
        verb="archive",
        label="Archive selected courses",
        done="Archived",
        service=archive_course,
    ),
)
ON_SESSIONS = (
    CallingOff(
        verb="cancel_and_refund",
        label="Cancel session and refund",
        warning="A cancelled session cannot be reinstated. Its students and teacher read why.",
    ),
)


def outlook(due: Refunds) -> str:
    """What calling a session off would give back."""
    if not due.students:
        return "Nobody has paid for it."
    people = "1 student gets" if due.students == 1 else f"{due.students} students get"
    return f"{people} {money(due.amount)} back."
