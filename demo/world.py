"""The demo world, made through the services as its people would make it."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone

from accounts.introducing import introduce
from accounts.models import User
from accounts.names import write_name
from accounts.services import register
from common.locks import in_any_order
from common.transactions import operation
from courses.models import Course
from courses.services import archive_course, publish_course
from demo.backdating import backdate_course, backdate_people, write_to_nobody
from demo.data import (
    CLERKS,
    COURSES,
    PAID_TO,
    PASSWORD,
    STAFF,
    STUDENTS,
    TEACHERS,
    WITHDRAWALS,
    DemoCourse,
    DemoWithdrawal,
    People,
    Person,
)
from demo.rooms import run_sessions
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.reminding import remind_all
from enrollments.services.sessions import cancel_session, move_session
from enrollments.services.timetable import add_session
from payments.earnings import available_to
from payments.models import Withdrawal
from payments.services.grants import grant_credit
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
    request_withdrawal,
)
from teaching.services import write_to_students

# Before any course was made.
ARRIVED = timedelta(days=60)
SESSION_MOVES_BY = timedelta(days=1, hours=-1)


@operation
def build_world() -> bool:
    """Make the demo world, all or nothing. Gives False, and changes nothing, if there are users."""
    if User.objects.exists():
        return False
    with in_any_order():
        _populate()
    return True


def _populate() -> None:
    staff = User.objects.create_superuser(STAFF.email, PASSWORD, display_name=STAFF.name)
    clerks = _hire()
    people: People = {}
    for person in TEACHERS + STUDENTS:
        people[person.key] = _arrive(person, people)
    User.objects.filter(email__in=[teacher.email for teacher in TEACHERS]).update(is_teacher=True)
    for teacher in TEACHERS:
        write_name(people[teacher.key].pk)
        if teacher.words:
            introduce(user=people[teacher.key], words=teacher.words)
    backdate_people(ARRIVED)
    for plan in COURSES:
        _play(plan, people)
    for withdrawal in WITHDRAWALS:
        _withdraw(withdrawal, people[withdrawal.person], staff, clerks["finance"])
    # What is a day or an hour ahead by now was due before: nobody is left to be reminded of it.
    for _ in remind_all():
        pass
    write_to_nobody()


def _hire() -> People:
    """One clerk for each group of staff."""
    call_command("make_staff_groups", stdout=StringIO())
    clerks: People = {}
    for group, person in CLERKS.items():
        clerk = User.objects.create_user(
            person.email, PASSWORD, display_name=person.name, is_staff=True
        )
        clerk.groups.add(Group.objects.get(name=group))
        clerks[group] = clerk
    return clerks


def _arrive(person: Person, people: People) -> User:
    referrer = people.get(person.referred_by)
    user = register(
        email=person.email,
        password=PASSWORD,
        display_name=person.name,
        referral_code=referrer.referral_code if referrer else "",
        time_zone=person.time_zone,
    )
    if person.credit:
        grant_credit(
            user=user,
            amount=person.credit,
            reason="Welcome to the demo",
            request_id=uuid4(),
        )
    return user


def _play(plan: DemoCourse, people: People) -> None:
    """The story of one course, from its first sale until today."""
    course = _make(plan, people[plan.teacher])
    _sell(course, plan, people)
    backdate_course(course, plan.age)
    run_sessions(course, plan, people)
    _happen_today(course, plan, people)


def _make(plan: DemoCourse, teacher: User) -> Course:
    """The course with its sessions, all of them still to come, so that they can be sold."""
    course = Course.objects.create(
        teacher=teacher,
        title=plan.title,
        description=plan.description,
        category=plan.category,
        language=plan.language,
        level=plan.level,
        price_full_course=plan.full,
        price_per_session=plan.single,
        max_students=plan.seats,
    )
    for index, title in enumerate(plan.sessions):
        add_session(
            course_id=course.pk,
            actor=teacher,
            title=title,
            starts_at=_start(plan, index, teacher) + plan.age,
            duration_minutes=plan.minutes,
        )
    return publish_course(course_id=course.pk, actor=teacher) if plan.sessions else course


def _start(plan: DemoCourse, index: int, teacher: User) -> datetime:
    """When a session starts, once its course is backdated."""
    now = timezone.now()
    half_hour = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    start = half_hour + plan.first + index * plan.every
    if plan.at is None:
        return start
    zone = ZoneInfo(teacher.time_zone)
    return datetime.combine(start.astimezone(zone), plan.at, tzinfo=zone).astimezone(UTC)


def _sell(course: Course, plan: DemoCourse, people: People) -> None:
    sessions = {session.session_number: session.pk for session in course.sessions.all()}
    for key, numbers in plan.singles.items():
        for number in numbers:
            purchase_session(student=people[key], session_id=sessions[number])
    for key, numbers in plan.returned.items():
        for number in numbers:
            bought = purchase_session(student=people[key], session_id=sessions[number])
            cancel_session_purchase(student=people[key], purchase_id=bought.pk)
    for key in plan.enrolled + plan.changed_mind:
        enrollment = enroll_full_course(student=people[key], course_id=course.pk)
        if key in plan.changed_mind:
            cancel_enrollment(student=people[key], enrollment_id=enrollment.pk)


def _happen_today(course: Course, plan: DemoCourse, people: People) -> None:
    for key in plan.late_today:
        enroll_full_course(student=people[key], course_id=course.pk)
    if plan.cancelled_today:
        session = course.sessions.get(session_number=plan.cancelled_today)
        cancel_session(session_id=session.pk, actor=course.teacher, reason=plan.why)
    if plan.moved_today:
        session = course.sessions.get(session_number=plan.moved_today)
        move_session(
            session_id=session.pk,
            actor=course.teacher,
            starts_at=session.starts_at + SESSION_MOVES_BY,
            duration_minutes=session.duration_minutes,
            reason=plan.why,
        )
    if plan.written_today:
        write_to_students(actor=course.teacher, course_id=course.pk, text=plan.written_today)
    if plan.archived_today:
        archive_course(course_id=course.pk, actor=course.teacher)


def _withdraw(plan: DemoWithdrawal, user: User, staff: User, clerk: User) -> None:
    """`staff` approves or rejects, `clerk` pays. Skipped if the rates in force left too little."""
    if available_to(user) < max(plan.amount, settings.MIN_WITHDRAWAL):
        return
    made = request_withdrawal(user=user, amount=plan.amount, payout_details=PAID_TO)
    if plan.status == Withdrawal.Status.CANCELLED:
        cancel_withdrawal(user=user, withdrawal_id=made.pk)
    elif plan.status != Withdrawal.Status.REQUESTED:
        approve_withdrawal(withdrawal_id=made.pk, actor=staff)
    if plan.status == Withdrawal.Status.COMPLETED:
        complete_withdrawal(withdrawal_id=made.pk, actor=clerk, reference=plan.word)
    elif plan.status == Withdrawal.Status.REJECTED:
        reject_withdrawal(withdrawal_id=made.pk, actor=staff, reason=plan.word)
