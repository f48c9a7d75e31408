"""The demo world in an empty database, made through the services, as its people would make it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from accounts.services import register
from common.transactions import operation
from courses.models import Course, CourseSession
from courses.services import archive_course, publish_course, write_outline
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
    Person,
)
from demo.rooms import let_pass
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import add_session, cancel_session, move_session
from payments.earnings import available_to
from payments.models import HoldPart, PaymentHold, Transfer, Withdrawal
from payments.services.ledger import grant_credit
from payments.services.withdrawals import (
    approve_withdrawal,
    cancel_withdrawal,
    complete_withdrawal,
    reject_withdrawal,
    request_withdrawal,
)

People = dict[str, User]

# Before any course was made.
ARRIVED = timedelta(days=60)
SESSION_MOVES_BY = timedelta(days=1, hours=-1)


@operation
def build_world() -> bool:
    """Make the demo world, all or nothing; gives False, and makes nothing, if anybody is there."""
    if User.objects.exists():
        return False
    staff = User.objects.create_superuser(STAFF.email, PASSWORD, display_name=STAFF.name)
    clerks = _hire()
    people: People = {}
    for person in TEACHERS + STUDENTS:
        people[person.key] = _arrive(person, people, staff)
    User.objects.filter(email__in=[teacher.email for teacher in TEACHERS]).update(is_teacher=True)
    _age_people()
    for plan in COURSES:
        _play(plan, people)
    for withdrawal in WITHDRAWALS:
        _withdraw(withdrawal, people[withdrawal.person], staff, clerks["finance"])
    return True


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


def _arrive(person: Person, people: People, staff: User) -> User:
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
            actor=staff,
        )
    return user


def _play(plan: DemoCourse, people: People) -> None:
    course = _make(plan, people[plan.teacher])
    sessions = {session.session_number: session for session in course.sessions.all()}
    _sell_singles(plan, people, sessions)
    for key in plan.enrolled + plan.changed_mind:
        enrollment = enroll_full_course(student=people[key], course_id=course.pk)
        if key in plan.changed_mind:
            cancel_enrollment(student=people[key], enrollment_id=enrollment.pk)
    _age(course, plan.age)
    let_pass(plan, course, people)
    _happen_today(plan, people, course)


def _withdraw(plan: DemoWithdrawal, user: User, staff: User, clerk: User) -> None:
    """Approved by one, paid by the other. Nothing where the rates left the person with less."""
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


def _make(plan: DemoCourse, teacher: User) -> Course:
    """The course with its sessions, all still to come: they are sold before they are aged."""
    course = Course.objects.create(
        teacher=teacher,
        title=plan.title,
        description=plan.description,
        category=plan.category,
        language=plan.language,
        level=plan.level,
        price_full_course=plan.full and Decimal(plan.full),
        price_per_session=plan.single and Decimal(plan.single),
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


def _sell_singles(plan: DemoCourse, people: People, sessions: dict[int, CourseSession]) -> None:
    for key, numbers in plan.singles.items():
        for number in numbers:
            purchase_session(student=people[key], session_id=sessions[number].pk)
    for key, numbers in plan.returned.items():
        for number in numbers:
            bought = purchase_session(student=people[key], session_id=sessions[number].pk)
            cancel_session_purchase(student=people[key], purchase_id=bought.pk)


def _happen_today(plan: DemoCourse, people: People, course: Course) -> None:
    for key in plan.late_today:
        enroll_full_course(student=people[key], course_id=course.pk)
    if plan.cancelled_today:
        session = course.sessions.get(session_number=plan.cancelled_today)
        cancel_session(session_id=session.pk, actor=course.teacher)
    if plan.moved_today:
        session = course.sessions.get(session_number=plan.moved_today)
        move_session(
            session_id=session.pk,
            actor=course.teacher,
            starts_at=session.starts_at + SESSION_MOVES_BY,
            duration_minutes=session.duration_minutes,
        )
    if plan.archived_today:
        archive_course(course_id=course.pk, actor=course.teacher)


def _start(plan: DemoCourse, index: int, teacher: User) -> datetime:
    """When a session begins, as it will look after the course has aged."""
    start = _last_half_hour() + plan.first + index * plan.every
    if plan.at is None:
        return start
    zone = ZoneInfo(teacher.time_zone)
    return datetime.combine(start.astimezone(zone), plan.at, tzinfo=zone).astimezone(UTC)


def _last_half_hour() -> datetime:
    now = timezone.now()
    return now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)


def _age_people() -> None:
    _shift(User.objects.all(), ARRIVED, "date_joined")
    _shift(Transfer.objects.all(), ARRIVED, "created_at")


def _age(course: Course, by: timedelta) -> None:
    """Let everything about a course have happened `by` earlier, which no service can do.

    What was sold moves along with the sessions, so none of them looks moved.
    """
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


def _shift(rows: Any, by: timedelta, *fields: str) -> None:
    rows.update(**{field: F(field) - by for field in fields})
