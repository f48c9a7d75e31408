"""Every operation that moves money or seats, ready to be done, and what breaks it off."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

from django.apps import apps
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from enrollments.services.enrolling import (
    cancel_enrollment,
    enroll_full_course,
    hand_back_session,
)
from enrollments.services.lifecycle import end_enrollment
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    delete_session,
    move_session,
    refund_cancelled_session,
)
from payments.idempotency import Answer, answer_once
from payments.processors.rehearsal import play
from payments.services.grants import grant_credit
from payments.services.refunds import request_refund, settle_refund
from payments.services.topups import request_top_up, settle_top_up
from payments.services.withdrawals import complete_withdrawal, reject_withdrawal
from rooms import livekit
from rooms.rehearsal import conversation
from rooms.services.events import store_event
from settlement.services.deciding import refund_hold
from settlement.services.listening import process_event
from settlement.services.settling import settle_hold
from tests.factories import (
    DAY,
    StaffFactory,
    TeacherFactory,
    UserFactory,
    break_calling_off,
    earn,
    end_session,
    extend_course,
    make_course,
    owe,
    start_session,
    student_with_credit,
    top_up_of,
    withdraw,
)


class PulledPlugError(Exception):
    """No error of the database, and none of ours: nobody catches it by intent."""


class Fault:
    """Counts the statements; raises `error` instead of the k-th, and `times` - 1 after it."""

    def __init__(self, k: int = 0, error: Exception | None = None, times: int = 1) -> None:
        self.seen, self.k, self.times = 0, k, times
        self.error = error or PulledPlugError()

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith(("SAVEPOINT", "ROLLBACK", "RELEASE")):
            return execute(sql, params, many, context)
        self.seen += 1
        if self.k and self.k <= self.seen < self.k + self.times:
            raise self.error
        return execute(sql, params, many, context)


def rows():
    """Every row of every table of ours."""
    ours = ("accounts", "courses", "enrollments", "payments")
    models = [model for app in ours for model in apps.get_app_config(app).get_models()]
    return {model: sorted(model.objects.values_list(), key=str) for model in models}


class World:
    """A student who has bought, or is about to, and can put it all back."""

    def __init__(self):
        self.student = student_with_credit("500.00")
        self.course = make_course(sessions=3)
        self.sessions = list(self.course.sessions.all())

    def enroll(self):
        return enroll_full_course(student=self.student, course_id=self.course.pk)

    def purchase(self):
        return purchase_session(student=self.student, session_id=self.sessions[0].pk)

    def add(self):
        return extend_course(self.course, starts_at=timezone.now() + 20 * DAY)

    def call_off(self, *sessions):
        for session in sessions:
            cancel_session(session_id=session.pk, actor=self.course.teacher)


def enroll_with_folding():
    world = World()
    world.purchase()
    return world.enroll


def purchase():
    return World().purchase


def cancel_a_course():
    world = World()
    bought = world.enroll()
    return lambda: cancel_enrollment(student=world.student, enrollment_id=bought.pk)


def cancel_a_session():
    world = World()
    bought = world.purchase()
    return lambda: cancel_session_purchase(student=world.student, purchase_id=bought.pk)


def hand_back():
    world = World()
    bought, moved = world.enroll(), world.sessions[0]
    move_session(
        session_id=moved.pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=60,
    )
    return lambda: hand_back_session(
        student=world.student, enrollment_id=bought.pk, session_id=moved.pk
    )


def move():
    world = World()
    world.enroll()
    return lambda: move_session(
        session_id=world.sessions[0].pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=90,
    )


def delete():
    """A session that nobody booked, and of whose room something is known."""
    world = World()
    session = world.sessions[0]
    tell(session, world.course.teacher)
    return lambda: delete_session(session_id=session.pk, actor=world.course.teacher)


def hand_back_the_last():
    """The others were called off; the enrolment ends, and what was free with it."""
    world = World()
    bought, last = world.enroll(), world.sessions[2]
    world.add()
    move_session(
        session_id=last.pk,
        actor=world.course.teacher,
        starts_at=timezone.now() + 9 * DAY,
        duration_minutes=60,
    )
    world.call_off(*world.sessions[:2])
    return lambda: hand_back_session(
        student=world.student, enrollment_id=bought.pk, session_id=last.pk
    )


def decide_on_a_course():
    world, staff = World(), StaffFactory()
    bought = world.enroll()
    keys = list(bought.hold.parts.values_list("pk", flat=True))
    world.add()
    return lambda: refund_hold(
        hold_id=bought.hold.pk, actor=staff, reason="A complaint", part_ids=keys
    )


def end_a_course():
    """All is called off but what was free, and then something broke."""
    world = World()
    bought = world.enroll()
    world.add()
    for session in world.sessions:
        break_calling_off(session)
        refund_cancelled_session(session, actor=None)
    return lambda: end_enrollment(bought.pk)


def buy_with_a_key():
    world = World()

    def act():
        world.enroll()
        return Answer(201, {})

    return lambda: answer_once(user=world.student, key="k", request="r", act=act)


def ask_for_a_payout():
    teacher = TeacherFactory()
    earn(teacher)
    return lambda: withdraw(teacher)


def asked_for(status, act):
    """A withdrawal in this status, and what `act` does to it."""
    teacher, staff = TeacherFactory(), StaffFactory()
    earn(teacher)
    made = withdraw(teacher, status=status)
    return lambda: act(withdrawal_id=made.pk, actor=staff)


def pay_out():
    return asked_for("approved", partial(complete_withdrawal, reference="SEPA 1"))


def send_back():
    return asked_for("requested", partial(reject_withdrawal, reason="Name unknown"))


def ask_for_a_top_up():
    request = partial(request_top_up, amount=Decimal("20.00"), method="rehearsal")
    return override_settings(PAYMENTS="rehearsal")(partial(request, user=UserFactory()))


def credit_a_top_up():
    """It is paid for, and nobody has asked about it yet."""
    made = top_up_of(UserFactory(), play_it="")
    play(made, "paid")
    return override_settings(PAYMENTS="rehearsal")(lambda: settle_top_up(made.pk))


def ask_for_a_refund():
    """By two top-ups."""
    user = UserFactory()
    for _ in range(2):
        top_up_of(user, "20.00")
    request = partial(request_refund, user=user, amount=Decimal("30.00"))
    return override_settings(PAYMENTS="rehearsal")(request)


def send_a_refund():
    made = ask_for_a_refund()()
    return override_settings(PAYMENTS="rehearsal")(lambda: settle_refund(made.pk))


def pay_what_is_owed():
    user = UserFactory()
    owe(user, "15.00")
    grant = partial(grant_credit, amount=Decimal("20.00"), reason="Sorry", request_id=uuid4())
    return partial(grant, user=user)


def settle_a_hold():
    """Released, refunded and under review, all at once."""
    world = World()
    bought = world.enroll()
    attended, missed, unheard = world.sessions
    for session, people in ((attended, [world.student]), (missed, [])):
        end_session(session, ago=DAY)
        tell(session, world.course.teacher, *people)
    end_session(unheard, ago=DAY)
    return lambda: settle_hold(bought.hold.pk)


def work_in_an_event():
    world = World()
    start_session(world.sessions[0])
    event = conversation(world.sessions[0], {world.student: ((0, 1),)})[1]
    key = store_event(event, livekit.write(event))
    return lambda: process_event(key)


def tell(session, *people):
    """News of a room in which these people were throughout."""
    for event in conversation(session, dict.fromkeys(people, ((0, 1),))):
        process_event(store_event(event, livekit.write(event)))


def statements_of(act):
    """How many statements it takes; it is done for good."""
    fault = Fault()
    with connection.execute_wrapper(fault):
        act()
    return fault.seen


OPERATIONS = [
    enroll_with_folding,
    purchase,
    cancel_a_course,
    cancel_a_session,
    hand_back,
    move,
    delete,
    hand_back_the_last,
    decide_on_a_course,
    end_a_course,
    buy_with_a_key,
    ask_for_a_top_up,
    credit_a_top_up,
    ask_for_a_refund,
    send_a_refund,
    pay_what_is_owed,
    settle_a_hold,
    work_in_an_event,
    ask_for_a_payout,
    pay_out,
    send_back,
]
