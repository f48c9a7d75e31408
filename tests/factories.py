"""People, credit and courses made through the services, so no test starts from impossible money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import factory
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from accounts.names import write_name
from accounts.services import register
from common.money import ZERO, total
from common.transactions import operation
from courses.models import Course, CourseSession
from courses.services import archive_course, publish_course, save_sessions, write_outline
from enrollments.access import Access, find_access
from enrollments.services.enrolling import enroll_full_course
from enrollments.services.purchasing import purchase_session
from enrollments.services.timetable import add_session
from notices.models import Notice
from payments.models import Dispute, HoldPart, PaymentHold, TopUp
from payments.processors import Movement, TakenBack
from payments.processors.rehearsal import play
from payments.services import withdrawals
from payments.services.disputes import book
from payments.services.grants import grant_credit
from payments.services.holds import Verdict, lock_pending_parts, settle_parts
from payments.services.topups import open_checkout, request_top_up, settle_top_up

PASSWORD = "correct horse battery"
PAYOUT_DETAILS = "Sofía Marín, ES91 2100 0418 4502 0005 1332"
DAY = timedelta(days=1)


class UserFactory(factory.Factory):
    """A registered user, whose address is proved unless `proved_since` is None.

    `referral_code` is somebody else's; flags such as `is_staff` work too.
    """

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    password = PASSWORD
    display_name = factory.Sequence(lambda n: f"User {n}")
    referral_code = ""
    time_zone = "UTC"
    proved_since = datetime(2020, 1, 1, tzinfo=UTC)

    @classmethod
    def _create(
        cls,
        model_class: type[User],
        *,
        email: str,
        password: str,
        display_name: str,
        referral_code: str,
        time_zone: str,
        **flags: Any,
    ) -> User:
        user = register(
            email=email,
            password=password,
            display_name=display_name,
            referral_code=referral_code,
            time_zone=time_zone,
        )
        for name, value in flags.items():
            setattr(user, name, value)
        user.save(update_fields=list(flags))
        if user.is_teacher:
            write_name(user.pk)
        if user.email_proved:
            Notice.objects.filter(reader=user).delete()  # the link that they have used
        return user


class TeacherFactory(UserFactory):
    is_teacher = True


class StaffFactory(UserFactory):
    is_staff = True
    is_superuser = True


def give_credit(user: User, amount: Decimal | str) -> None:
    """Of which the user is told nothing: every test begins in silence."""
    made = grant_credit(user=user, amount=Decimal(amount), reason="For a test", request_id=uuid4())
    Notice.objects.filter(dedupe_key=f"credit_granted:{made.pk}:{user.pk}").delete()


def student_with_credit(amount: Decimal | str = "500.00", **fields: Any) -> User:
    """A student whose wallet holds `amount` credits; `fields` go to `UserFactory`."""
    student: User = UserFactory(**fields)
    if Decimal(amount):
        give_credit(student, amount)
    return student


def top_up_of(user: User, amount: Decimal | str = "20.00", *, play_it: str = "paid") -> TopUp:
    """A top-up of the rehearsal's, opened; what is played on its page then is settled."""
    with override_settings(PAYMENTS="rehearsal"):
        made = request_top_up(user=user, amount=Decimal(amount), method="rehearsal")
        opened = open_checkout(made)
        if not play_it:
            return opened
        play(opened, play_it)
        return settle_top_up(opened.pk)


def owe(user: User, amount: Decimal | str = "15.00") -> TopUp:
    """Have a user without credit owe `amount`: a top-up that is spent, and taken back then."""
    top_up = top_up_of(user, amount)
    course = make_course(sessions=1, price_per_session=amount)
    purchase_session(student=user, session_id=course.sessions.get().pk)
    disputed(top_up, f"-{amount}", status="lost")
    return top_up


def payer() -> User:
    """Somebody with a top-up that can go back."""
    user = UserFactory()
    top_up_of(user)
    return user


def debtor() -> User:
    """Somebody who owes."""
    user = UserFactory()
    owe(user)
    return user


def disputed(top_up: TopUp, *moved: str, status: str = "") -> Dispute:
    """What its bank has moved of a top-up so far: below zero it was taken, above given back."""
    movements = tuple(
        Movement(id=f"{top_up.pk}:{n}", amount=Decimal(one), fee=ZERO, currency="usd")
        for n, one in enumerate(moved)
    )
    now = timezone.now()
    said = TakenBack(
        id=f"du_{top_up.pk}",
        kind=Dispute.Kind.DISPUTE,
        about=str(top_up.pk),
        payment_intent=top_up.payment_intent,
        status=status or ("needs_response" if total(one.amount for one in movements) else "won"),
        reason="fraudulent",
        amount=top_up.amount,
        live=top_up.live,
        opened_at=now,
        due_by=now + 7 * DAY,
        movements=movements,
    )
    return book(top_up.pk, said)


def make_course(
    *,
    sessions: int = 7,
    price_full_course: Decimal | str | None = "100.00",
    price_per_session: Decimal | str | None = "16.00",
    max_students: int | None = None,
    teacher: User | None = None,
    published: bool = True,
    starts_in: timedelta = DAY,
    every: timedelta = DAY,
    **fields: Any,
) -> Course:
    """A course of sessions of 60 minutes, the first of which starts after `starts_in`.

    Whoever is its `teacher` is made one.
    """
    texts = {"title": "Spanish to go", "language": "Spanish", "category": "Languages"}
    teacher = teacher or TeacherFactory()
    if not teacher.is_teacher:
        teacher.is_teacher = True
        teacher.save(update_fields=["is_teacher"])
        write_name(teacher.pk)
    course = Course.objects.create(
        teacher=teacher,
        price_full_course=_price(price_full_course),
        price_per_session=_price(price_per_session),
        max_students=max_students,
        **(texts | fields),
    )
    first = timezone.now() + starts_in
    if sessions:
        plan_sessions(course, [first + index * every for index in range(sessions)])
    return publish_course(course_id=course.pk, actor=teacher) if published else course


def plan_sessions(course: Course, starts: list[datetime]) -> None:
    """As `add_session` would a draft, which has nobody to let in or to tell, but all at once."""
    CourseSession.objects.bulk_create(
        CourseSession(
            course=course,
            session_number=number,
            title="A lesson",
            starts_at=starts_at,
            duration_minutes=60,
        )
        for number, starts_at in enumerate(starts, start=1)
    )
    save_sessions(course)


def extend_course(course: Course, *, starts_at: datetime, minutes: int = 60) -> CourseSession:
    """One more session at the end of a course."""
    return add_session(
        course_id=course.pk,
        actor=course.teacher,
        title="A lesson",
        starts_at=starts_at,
        duration_minutes=minutes,
    )


def lengthen_course(course: Course, sessions: int) -> None:
    """Give it so many sessions, at once: of those added a fifth is over, and a fifth called off."""
    last, becomes = course.sessions.last(), ("completed", "cancelled", *["scheduled"] * 3)
    CourseSession.objects.bulk_create(
        CourseSession(
            course=course,
            session_number=number,
            title="A lesson",
            duration_minutes=60,
            status=becomes[number % 5],
            starts_at=last.starts_at + number * DAY * (-1 if number % 5 == 0 else 1),
        )
        for number in range(last.session_number + 1, sessions + 1)
    )
    write_outline(course)


def earn(
    user: User, amount: Decimal | str = "100.00", *, student: User | None = None
) -> CourseSession:
    """Have `user` earn `amount` by a session of the past, of which nothing goes to the platform.

    Paid by a `student` who can, or by somebody whose credit was granted.
    """
    with override_settings(COMMISSION_BP=0):
        course = make_course(sessions=1, teacher=user, price_full_course=amount)
        student = student or student_with_credit(amount)
        bought = enroll_full_course(student=student, course_id=course.pk)
    session = course.sessions.get()
    end_session(session, ago=DAY)
    release_hold(bought.hold)
    archive_course(course_id=course.pk, actor=user)
    return session


@operation
def release_hold(hold: PaymentHold) -> None:
    """Release all that is pending of a hold, as if everybody had attended."""
    pending = lock_pending_parts(hold)
    paid = [Verdict(p, HoldPart.Status.RELEASED, HoldPart.Reason.ATTENDED) for p in pending]
    settle_parts(paid, pending=pending, now=timezone.now(), actor=None)


def access_to(session: CourseSession, user: User) -> Access:
    """Whether the user may enter a session, and why."""
    return find_access(user=user, session_id=session.pk)[1]


def withdraw(user: User, amount: Decimal | str = "10.00", *, status: str = "requested") -> Any:
    """A withdrawal of what `user` has earned, brought to this status as staff would do it."""
    made = withdrawals.request_withdrawal(
        user=user, amount=Decimal(amount), payout_details=PAYOUT_DETAILS
    )
    if status == "requested":
        return made
    if status == "cancelled":
        return withdrawals.cancel_withdrawal(user=user, withdrawal_id=made.pk)
    staff = StaffFactory()
    made = withdrawals.approve_withdrawal(withdrawal_id=made.pk, actor=staff)
    decide = {"withdrawal_id": made.pk, "actor": staff}
    if status == "completed":
        return withdrawals.complete_withdrawal(**decide, reference="SEPA 2026-1")
    if status == "rejected":
        return withdrawals.reject_withdrawal(**decide, reason="The bank sent it back")
    return made


def start_session(session: CourseSession, *, ago: timedelta = timedelta(minutes=5)) -> None:
    """Move the clock for this session alone: it started that long `ago`, and was sold so."""
    _shift(session, timezone.now() - ago)


def end_session(session: CourseSession, *, ago: timedelta = timedelta(minutes=1)) -> None:
    """Move the clock for this session alone: it ended that long `ago`, and was sold so."""
    _shift(session, timezone.now() - ago - timedelta(minutes=session.duration_minutes))


def break_calling_off(session: CourseSession) -> None:
    """It was called off, and before anybody got anything back, the process died."""
    CourseSession.objects.filter(pk=session.pk).update(status="cancelled")
    write_outline(session.course)


def _shift(session: CourseSession, starts_at: datetime) -> None:
    """No service moves a session into the past, so the rows are written; nothing looks moved."""
    starts_at = starts_at.replace(microsecond=0)  # as people plan, and as LiveKit tells the time
    delta = starts_at - session.starts_at
    HoldPart.objects.filter(session=session).update(sold_starts_at=F("sold_starts_at") + delta)
    CourseSession.objects.filter(pk=session.pk).update(
        starts_at=starts_at, rescheduled_at=F("rescheduled_at") + delta
    )
    session.starts_at = starts_at
    write_outline(session.course)


def _price(amount: Decimal | str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)
