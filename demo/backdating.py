"""What no service can do: rows rewritten as if what was done just now had happened earlier."""

from datetime import datetime, timedelta

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from courses.models import Course, CourseSession
from courses.services import write_outline
from enrollments.models import CourseEnrollment, SessionPurchase
from notices.models import Notice
from payments.models import HoldPart, PaymentHold, Transfer
from rooms.models import WebhookEvent


def backdate_people(by: timedelta) -> None:
    """Everyone so far signed up, proved their address, and got their credit, `by` earlier."""
    _shift(User.objects.all(), by, "date_joined")
    User.objects.update(proved_since=F("date_joined"))
    Notice.objects.filter(is_notice=False).delete()  # the links by which they did
    _shift(Transfer.objects.all(), by, "created_at")
    _shift(Notice.objects.all(), by, "created_at")


def backdate_course(course: Course, by: timedelta) -> None:
    """Everything about a course, its sales included, happened `by` earlier.

    The times that were sold move along with the sessions, so no session looks rescheduled. What
    people were told of it names other times, and is forgotten.
    """
    Notice.objects.filter(course_id=course.pk).delete()
    holds = PaymentHold.objects.filter(
        Q(enrollment__course=course) | Q(session_purchase__course=course)
    )
    held = list(holds.values_list("pk", flat=True))
    _shift(Course.objects.filter(pk=course.pk), by, "created_at", "updated_at")
    times = ("starts_at", "rescheduled_at", "created_at", "updated_at")
    _shift(CourseSession.objects.filter(course=course), by, *times)
    write_outline(course)
    booked = ("cancelled_at", "created_at", "updated_at")
    _shift(CourseEnrollment.objects.filter(course=course), by, "enrolled_at", *booked)
    _shift(SessionPurchase.objects.filter(course=course), by, "purchased_at", *booked)
    _shift(PaymentHold.objects.filter(pk__in=held), by, "held_at")
    _shift(HoldPart.objects.filter(hold__in=held), by, "sold_starts_at", "settled_at")
    _shift(Transfer.objects.filter(hold__in=held), by, "created_at")


def backdate_news(session: CourseSession) -> None:
    """LiveKit's news of a session's room came, and was processed, at once."""
    WebhookEvent.objects.filter(session=session).update(
        received_at=F("occurred_at"), processed_at=F("occurred_at")
    )


def backdate_settlement(session: CourseSession, since: datetime) -> None:
    """What has been settled of a session since `since` was settled soon after its grace ended."""
    then = session.settles_at + timedelta(seconds=40)
    settled = HoldPart.objects.filter(session=session, settled_at__gte=since)
    parts = list(settled.values_list("pk", flat=True))
    holds = list(settled.values_list("hold_id", flat=True))
    settled.update(settled_at=then)
    Transfer.objects.filter(hold_part__in=parts).update(created_at=then)
    PaymentHold.objects.filter(pk__in=holds, released_at__gte=since).update(released_at=then)
    SessionPurchase.objects.filter(session=session, cancelled_at__gte=since).update(
        cancelled_at=then
    )
    completed = CourseSession.objects.filter(status=CourseSession.Status.COMPLETED)
    completed.filter(pk=session.pk).update(updated_at=then)
    Notice.objects.filter(session_id=session.pk, created_at__gte=since).update(created_at=then)


def write_to_nobody() -> None:
    """No mail is due of what happened so far, and what is older than a day was read."""
    Notice.objects.update(mail=Notice.Mail.NONE)
    old = Notice.objects.filter(created_at__lt=timezone.now() - timedelta(days=1))
    old.update(read_at=F("created_at"))


def _shift(rows: QuerySet[Model], by: timedelta, *fields: str) -> None:
    rows.update(**{field: F(field) - by for field in fields})
