"""All operations in any order, against a small model of who has what."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from courses.models import CourseSession
from enrollments.access import admitted
from enrollments.models import CourseEnrollment
from enrollments.services.enrolling import cancel_enrollment, enroll_full_course, hand_back_session
from enrollments.services.purchasing import cancel_session_purchase, purchase_session
from enrollments.services.sessions import (
    cancel_session,
    change_course,
    delete_session,
    move_session,
)
from payments import audit
from payments.models import HoldPart, LedgerAccount
from payments.wallets import balances_of
from rooms import livekit
from rooms.rehearsal import conversation
from rooms.services.events import store_event
from settlement.services.deciding import refund_hold, release_hold
from settlement.services.listening import process_event
from settlement.services.settling import Tally, settle_all
from tests.enrollments.school import FULL, SINGLE, Lesson, Model
from tests.factories import DAY, end_session, extend_course, give_credit, start_session

who = st.sampled_from([0, 1, 2])
which = st.integers(min_value=0, max_value=3)


class School(Model):
    """What its people do, as the model says and as the services do it."""

    def teardown(self) -> None:
        try:
            self.close()
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    def close(self) -> None:
        """In the end every session takes place: of three one without its teacher."""
        for number in range(len(self.lessons)):
            self.take_place(number, number % 3 != 1, frozenset({0, 2}), number % 2 == 0)
        self.settle()
        self.everybody_has_what_the_model_says()
        self.the_books_are_in_order()

    @initialize(students=st.frozensets(who))
    def some_are_enrolled(self, students: frozenset[int]) -> None:
        for student in students:
            self.enroll(student)

    @rule(student=who, amount=st.integers(min_value=1, max_value=5_000))
    def grant(self, student: int, amount: int) -> None:
        give_credit(self.students[student], Decimal(amount).scaleb(-2))
        self.credit[student] += amount

    @rule(student=who)
    def enroll(self, student: int) -> None:
        to_come = [i for i, lesson in enumerate(self.lessons) if lesson.open]
        sharing = [i for i, x in enumerate(self.lessons) if x.has_share and not x.deleted]
        n = len(sharing)
        shares = {i: FULL * (k + 1) // n - FULL * k // n for k, i in enumerate(sharing)}
        shares = {i: shares[i] for i in to_come}
        folded = [i for i in self.singles[student] if i in to_come]
        fullest = max((self.taken(i, but=student) for i in to_come), default=0)
        allowed = (
            self.enrolled[student] is None
            and bool(to_come)
            and fullest < self.seats
            and sum(shares.values()) <= self.credit[student] + SINGLE * len(folded)
        )
        done = self.attempt(
            lambda: enroll_full_course(student=self.students[student], course_id=self.course.pk).pk,
            allowed=allowed,
        )
        if done:
            for number in folded:
                self.give_back(self.singles[student].pop(number), [number])
            self.enrolled[student] = done
            self.keep(student, done, shares)

    @rule(student=who, number=which)
    def purchase(self, student: int, number: int) -> None:
        number %= len(self.lessons)
        enrollment = self.enrolled[student]
        allowed = (
            self.lessons[number].open
            and number not in self.singles[student]
            and number not in self.parts.get(enrollment, {})
            and (enrollment is not None or self.taken(number) < self.seats)
            and self.credit[student] >= SINGLE
        )
        session = self.lessons[number].row
        done = self.attempt(
            lambda: purchase_session(student=self.students[student], session_id=session.pk).pk,
            allowed=allowed,
        )
        if done:
            self.singles[student][number] = done
            self.keep(student, done, {number: SINGLE})

    @rule(student=who)
    def cancel(self, student: int) -> None:
        booking = self.enrolled[student]
        if booking is None:
            return
        done = self.attempt(
            lambda: cancel_enrollment(student=self.students[student], enrollment_id=booking),
            allowed=booking not in self.completed,
        )
        if done:
            self.enrolled[student] = None
            due = [i for i in self.parts[booking] if self.lessons[i].open]
            assert done.refund_amount == self.give_back(booking, due)

    @rule(student=who, number=which)
    def cancel_single(self, student: int, number: int) -> None:
        number %= len(self.lessons)
        booking = self.singles[student].get(number)
        if booking is None:
            return
        done = self.attempt(
            lambda: cancel_session_purchase(student=self.students[student], purchase_id=booking),
            allowed=self.lessons[number].open,
        )
        if done:
            assert done.refund_amount == self.give_back(booking, [number])
            del self.singles[student][number]

    @rule(student=who, number=which)
    def hand_back(self, student: int, number: int) -> None:
        number %= len(self.lessons)
        booking, lesson = self.enrolled[student], self.lessons[number]
        if booking is None:
            return
        part = self.parts[booking].get(number)
        done = self.attempt(
            lambda: hand_back_session(
                student=self.students[student],
                enrollment_id=booking,
                session_id=lesson.row.pk,
            ),
            allowed=part is not None
            and lesson.open
            and (part.sold_at, part.minutes) != (lesson.row.starts_at, lesson.row.duration_minutes),
        )
        if done:
            assert done.refund_amount == self.give_back(booking, [number])

    @precondition(lambda self: len(self.lessons) < 6)
    @rule()
    def add(self) -> None:
        starts_at = timezone.now() + 30 * DAY
        self.lessons.append(Lesson(extend_course(self.course, starts_at=starts_at)))
        for booking in filter(None, self.enrolled):
            self.parts[booking][len(self.lessons) - 1] = self.part_of(len(self.lessons) - 1, 0)
            self.completed.discard(booking)

    @rule(
        number=which,
        by=st.integers(min_value=0, max_value=9),
        minutes=st.sampled_from([60, 60, 1, 12, 1440]),
    )
    def move(self, number: int, by: int, minutes: int) -> None:
        lesson = self.lesson(number)
        done = self.attempt(
            lambda: move_session(
                session_id=lesson.row.pk,
                actor=self.course.teacher,
                starts_at=lesson.row.starts_at + timedelta(hours=by),
                duration_minutes=minutes,
            ),
            allowed=lesson.open,
        )
        if done:
            lesson.row = done

    @rule(number=which, by_staff=st.booleans())
    def call_off(self, number: int, by_staff: bool) -> None:
        number %= len(self.lessons)
        lesson = self.lessons[number]
        actor = self.staff if by_staff else self.course.teacher
        done = self.attempt(
            lambda: cancel_session(session_id=lesson.row.pk, actor=actor),
            allowed=not (lesson.settled or lesson.deleted)
            and (by_staff or lesson.cancelled or not lesson.started),
        )
        if not done:
            return
        lesson.cancelled, lesson.has_share = True, lesson.paid
        for booking in [one for one, parts in self.parts.items() if number in parts]:
            self.give_back(booking, [number])
        for mine in self.singles:
            mine.pop(number, None)

    @rule(number=which)
    def delete(self, number: int) -> None:
        lesson = self.lesson(number)
        self.attempt(
            lambda: delete_session(session_id=lesson.row.pk, actor=self.course.teacher),
            allowed=not (lesson.had or lesson.deleted) and (lesson.cancelled or not lesson.started),
        )
        lesson.deleted = not CourseSession.objects.filter(pk=lesson.row.pk).exists()

    @rule(number=which)
    def start(self, number: int) -> None:
        lesson = self.lesson(number)
        if lesson.open:
            before = lesson.row.starts_at
            start_session(lesson.row)
            lesson.started = True
            for parts in self.parts.values():
                for part in parts.values():
                    if part.sold_at == before:
                        part.sold_at = lesson.row.starts_at

    @rule(
        number=which,
        teacher=st.sampled_from([True, True, False, None]),
        people=st.frozensets(who),
        settled=st.booleans(),
    )
    def take_place(
        self, number: int, teacher: bool | None, people: frozenset[int], settled: bool
    ) -> None:
        """A session comes to its end, and the grace too; None: no news of it."""
        self.start(number)
        lesson = self.lesson(number)
        if lesson.over or lesson.cancelled or lesson.deleted:
            return
        end_session(lesson.row, ago=DAY)
        lesson.over = True
        if teacher is not None:
            lesson.teacher_was_there, lesson.were_there = teacher, people
            there = [self.students[student] for student in people]
            there += [self.course.teacher] * teacher
            for event in conversation(lesson.row, dict.fromkeys(there, ((0, 1),))):
                process_event(store_event(event, livekit.write(event)))
        if settled:
            self.settle()

    @rule()
    def settle(self) -> None:
        due = [i for i, x in enumerate(self.lessons) if x.over and not (x.cancelled or x.settled)]
        done = sum(settle_all(), Tally())
        assert done.failed == 0
        assert done.completed == len(due)
        for number in due:
            self.lessons[number].settled = True
            for booking in [one for one, parts in self.parts.items() if number in parts]:
                self.decide(booking, number)
        assert sum(settle_all(), Tally()) == Tally()

    def decide(self, booking: object, number: int) -> None:
        lesson = self.lessons[number]
        if lesson.teacher_was_there is None:
            return
        # Whoever was there stayed to the end, which may be too little of what was sold.
        enough = lesson.row.duration_minutes * 5 >= self.parts[booking][number].minutes
        if enough and lesson.teacher_was_there and self.owner[booking] in lesson.were_there:
            self.release(booking, number)
        else:
            self.give_back(booking, [number])

    @rule(student=who, number=which, single=st.booleans())
    def staff_refund(self, student: int, number: int, single: bool) -> None:
        """Staff give back what waits of a single, or of a whole enrolment."""
        number %= len(self.lessons)
        booking = self.singles[student].get(number) if single else self.enrolled[student]
        if not self.parts.get(booking):
            return
        self.staff_decide(refund_hold, booking, [*self.parts[booking]])
        self.give_back(booking, [*self.parts[booking]])
        if single:
            del self.singles[student][number]

    @rule(student=who, number=which, pay=st.booleans())
    def staff_decide_on_one(self, student: int, number: int, pay: bool) -> None:
        """One part of an enrolment: to the teacher once its lesson is over, or back."""
        number %= len(self.lessons)
        booking = self.enrolled[student]
        if number not in self.parts.get(booking, {}) or (pay and not self.lessons[number].over):
            return
        self.staff_decide(release_hold if pay else refund_hold, booking, [number])
        if pay:
            self.release(booking, number)
        else:
            self.give_back(booking, [number])

    def staff_decide(self, decide: Callable[..., object], booking: object, on: list[int]) -> None:
        mine = Q(hold__enrollment=booking) | Q(hold__session_purchase=booking)
        rows = [self.lessons[number].row for number in on]
        parts = list(HoldPart.objects.filter(mine, session__in=rows))
        keys = [part.pk for part in parts]
        decide(hold_id=parts[0].hold_id, actor=self.staff, reason="A complaint", part_ids=keys)

    @rule(seats=st.integers(min_value=0, max_value=4))
    def change_capacity(self, seats: int) -> None:
        to_come = [i for i, lesson in enumerate(self.lessons) if lesson.open]
        enrolled = sum(booking is not None for booking in self.enrolled)
        running = [
            i for i, x in enumerate(self.lessons) if x.started and not (x.over or x.cancelled)
        ]
        sold = max((self.taken(i) for i in to_come), default=enrolled)
        fullest = max(sold, *(len(self.admitted(i)) for i in running), 0)
        done = self.attempt(
            lambda: change_course(
                course_id=self.course.pk, actor=self.course.teacher, max_students=seats
            ),
            allowed=seats >= fullest,
        )
        if done:
            self.seats = seats

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        for number, student in enumerate(self.students):
            mine = [self.parts[b] for b, whose in self.owner.items() if whose == number]
            held = sum(part.amount for parts in mine for part in parts.values())
            cents = (int(amount * 100) for amount in balances_of(student))
            assert tuple(cents) == (self.credit[number], held)
        teacher = {one: cents * 7_000 // 10_000 for one, cents in self.released.items()}
        assert self.earned(self.course.teacher) == sum(teacher.values())
        assert self.earned(self.students[0]) == sum(
            (cents - teacher[one]) * 7_000 // 10_000
            for one, cents in self.released.items()
            if self.owner[one] == 2
        )
        over = CourseEnrollment.objects.filter(status="completed").values_list("pk", flat=True)
        assert set(over) == self.completed
        assert not CourseEnrollment.objects.live().refunded().exists()
        self.course.refresh_from_db()
        assert self.course.current_students == sum(b is not None for b in self.enrolled)

    def earned(self, user: object) -> int:
        return int(LedgerAccount.objects.get(owner=user, kind="earnings").balance * 100)

    @invariant()
    def whoever_has_paid_may_come(self) -> None:
        users = {student.pk: number for number, student in enumerate(self.students)}
        for number, lesson in enumerate(self.lessons):
            if not (lesson.over or lesson.cancelled or lesson.deleted):
                found = admitted(lesson.row, [*users, self.course.teacher_id])
                assert {users.get(key) for key in found} == {None, *self.admitted(number)}

    @invariant()
    def the_books_are_in_order(self) -> None:
        assert [finding for finding in audit.run() if not finding.ok] == []


@pytest.mark.mariadb
@pytest.mark.django_db
def test_every_operation_in_any_order():
    run_state_machine_as_test(
        School,
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, derandomize=True, database=None
        ),
    )
