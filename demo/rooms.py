"""What happened in the rooms of the demo world, and the money that moved because of it."""

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from courses.models import Course, CourseSession
from demo.data import DemoCourse
from enrollments import livekit
from enrollments.models import SessionPurchase, WebhookEvent
from enrollments.rehearsal import Visits, conversation
from enrollments.services.events import process_event, store_event
from enrollments.services.settlement import settle_session
from payments.models import HoldPart, PaymentHold, Transfer

# Everybody comes and goes in their own way.
TEACHING: Visits = ((-0.05, 1.02),)
WAYS: tuple[Visits, ...] = (
    ((0, 1),),
    ((0.02, 0.45), (0.48, 1)),
    ((0.1, 0.9),),
    ((-0.02, 0.7),),
)


# Twelve in a hundred, which is too little.
BRIEFLY: Visits = ((0.3, 0.42),)


def let_pass(plan: DemoCourse, course: Course, people: dict[str, User]) -> None:
    """Tell what happened in the rooms of a course up to now, and settle its sessions."""
    begun = list(course.sessions.filter(starts_at__lte=timezone.now()))
    for session in begun:
        if session.session_number not in plan.unheard:
            _fill_room(plan, session, people)
    before = timezone.now()
    for session in begun:
        list(settle_session(session))
    # The last first: a hold is released when its last session is settled.
    for session in reversed(begun):
        _date_back(session, before)


def _fill_room(plan: DemoCourse, session: CourseSession, people: dict[str, User]) -> None:
    absent = {people[key] for key in plan.absent.get(session.session_number, ())}
    visits = _visits(session) | {people[plan.teacher]: TEACHING}
    visits |= {people[key]: BRIEFLY for key in plan.brief.get(session.session_number, ())}
    come = {user: times for user, times in visits.items() if user not in absent}
    for event in conversation(session, come, until=timezone.now()):
        key = store_event(event, livekit.write(event))
        process_event(key)
    WebhookEvent.objects.filter(session=session).update(
        received_at=F("occurred_at"), processed_at=F("occurred_at")
    )


def _visits(session: CourseSession) -> dict[User, Visits]:
    """Everybody who paid, in a way of their own."""
    paid = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    students = User.objects.filter(holds__parts__in=paid).distinct().order_by("pk")
    return {user: WAYS[n % len(WAYS)] for n, user in enumerate(students)}


def _date_back(session: CourseSession, before: datetime) -> None:
    """What was settled since `before` was so soon after the grace, which no service can do."""
    then = session.settles_at + timedelta(seconds=40)
    settled = HoldPart.objects.filter(session=session, settled_at__gte=before)
    parts, holds = (
        list(settled.values_list("pk", flat=True)),
        list(settled.values_list("hold_id", flat=True)),
    )
    settled.update(settled_at=then)
    Transfer.objects.filter(hold_part__in=parts).update(created_at=then)
    PaymentHold.objects.filter(pk__in=holds, released_at__gte=before).update(released_at=then)
    SessionPurchase.objects.filter(session=session, cancelled_at__gte=before).update(
        cancelled_at=then
    )
    CourseSession.objects.filter(pk=session.pk, updated_at__gte=before).update(updated_at=then)
