"""What happened in the rooms of the demo world, and what was settled because of it."""

from django.utils import timezone

from accounts.models import User
from courses.models import Course, CourseSession
from demo.backdating import backdate_news, backdate_settlement
from demo.data import DemoCourse, People
from payments.models import HoldPart
from rooms import livekit
from rooms.rehearsal import Visits, conversation
from rooms.services.events import store_event
from settlement.services.listening import process_event
from settlement.services.settling import settle_session

# Everyone comes and goes in their own way.
WAYS: tuple[Visits, ...] = (
    ((0, 1),),
    ((0.02, 0.45), (0.48, 1)),
    ((0.1, 0.9),),
    ((-0.02, 0.7),),
)
TEACHING: Visits = ((-0.05, 1.02),)
BRIEFLY: Visits = ((0.3, 0.42),)  # 12% of a session, which is too little


def run_sessions(course: Course, plan: DemoCourse, people: People) -> None:
    """Let everyone come and go in the sessions that have begun, and settle those that can be."""
    begun = list(course.sessions.filter(starts_at__lte=timezone.now()))
    for session in begun:
        if session.session_number not in plan.unheard:
            _fill_room(session, plan, people)
    before = timezone.now()
    for session in begun:
        list(settle_session(session))
    # The last first: a hold is released when its last session is settled.
    for session in reversed(begun):
        backdate_settlement(session, since=before)


def _fill_room(session: CourseSession, plan: DemoCourse, people: People) -> None:
    """Everyone who paid is there, and the teacher, unless the plan says otherwise."""
    number = session.session_number
    paid = HoldPart.objects.filter(session=session, status=HoldPart.Status.PENDING)
    students = User.objects.filter(holds__parts__in=paid).distinct().order_by("pk")
    visits = {student: WAYS[n % len(WAYS)] for n, student in enumerate(students)}
    visits[people[plan.teacher]] = TEACHING
    visits |= {people[key]: BRIEFLY for key in plan.brief.get(number, ())}
    for key in plan.absent.get(number, ()):
        visits.pop(people[key], None)
    for event in conversation(session, visits, until=timezone.now()):
        process_event(store_event(event, livekit.write(event)))
    backdate_news(session)
