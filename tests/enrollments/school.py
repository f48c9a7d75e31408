"""A small model of who has what: what a school's operations are measured against."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine

from common.errors import DomainError
from courses.models import CourseSession
from tests.factories import StaffFactory, make_course, student_with_credit

FULL, SINGLE = 10_000, 1_600


@dataclass
class Lesson:
    """A session as the model sees it."""

    row: CourseSession
    started: bool = False
    cancelled: bool = False
    over: bool = False
    settled: bool = False
    deleted: bool = False
    # Whether anybody ever had it, and paid for it; whether the full price is split over it.
    had: bool = False
    paid: bool = False
    has_share: bool = True
    # Who was there; None where nothing was heard of the room.
    teacher_was_there: bool | None = None
    were_there: frozenset[int] = frozenset()

    @property
    def open(self) -> bool:
        return not (self.started or self.cancelled or self.deleted)


@dataclass
class Part:
    """Cents that wait for one lesson, and when and how long it was to be when they were paid."""

    amount: int
    sold_at: object
    minutes: int


class Model(RuleBasedStateMachine):
    """Three students, a course of two or more lessons; all amounts of the model in cents."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo._from_testcase = True
        self.undo.__enter__()
        self.course = make_course(sessions=2, price_full_course="100.00", max_students=2)
        self.seats = 2
        self.lessons = [Lesson(row) for row in self.course.sessions.all()]
        self.students = [student_with_credit("120.00") for _ in range(2)]
        code = self.students[0].referral_code
        self.students.append(student_with_credit("120.00", referral_code=code))
        self.staff = StaffFactory()
        self.credit = [12_000] * 3
        # What each student has: an enrolment or None, singles by lesson, parts by booking.
        self.enrolled: list[object | None] = [None] * 3
        self.singles: list[dict[int, object]] = [{}, {}, {}]
        self.parts: dict[object, dict[int, Part]] = {}
        self.owner: dict[object, int] = {}
        # What of each booking was released, and enrolments of which nothing waits.
        self.released: dict[object, int] = {}
        self.completed: set[object] = set()

    def attempt(self, act: Callable[[], object], *, allowed: bool) -> object | None:
        """Do it, and see that the rules of the model say the same as those of the services."""
        done, refusal = None, None
        try:
            done = act()
        except DomainError as error:
            refusal = error.code
        assert (refusal is None) == allowed, refusal
        return done

    def lesson(self, number: int) -> Lesson:
        return self.lessons[number % len(self.lessons)]

    def taken(self, number: int, *, but: int | None = None) -> int:
        """Nobody fills two seats: an enrolment's will do for what its owner has singly."""
        singles = sum(
            number in mine and self.enrolled[i] is None
            for i, mine in enumerate(self.singles)
            if i != but
        )
        return singles + sum(booking is not None for booking in self.enrolled)

    def admitted(self, number: int) -> set[int]:
        """Those for whom something waits of a lesson that is not settled."""
        return {self.owner[booking] for booking, parts in self.parts.items() if number in parts}

    def keep(self, student: int, booking: object, parts: dict[int, int]) -> None:
        self.owner[booking] = student
        self.released[booking] = 0
        self.parts[booking] = {n: self.part_of(n, amount) for n, amount in parts.items()}
        self.credit[student] -= sum(parts.values())

    def part_of(self, number: int, amount: int) -> Part:
        """A part of a lesson as it is sold now."""
        lesson = self.lessons[number]
        lesson.had, lesson.paid = True, lesson.paid or amount > 0
        return Part(amount, lesson.row.starts_at, lesson.row.duration_minutes)

    def give_back(self, booking: object, numbers: list[int]) -> Decimal:
        amount = sum(self.parts[booking].pop(number).amount for number in numbers)
        self.credit[self.owner[booking]] += amount
        self.conclude(booking)
        return Decimal(amount).scaleb(-2)

    def release(self, booking: object, number: int) -> None:
        self.released[booking] += self.parts[booking].pop(number).amount
        self.conclude(booking)

    def conclude(self, booking: object) -> None:
        """Once nothing that was paid is left, it ends; once nothing waits, it is completed."""
        if booking not in self.enrolled:
            return
        if not self.released[booking] and not any(p.amount for p in self.parts[booking].values()):
            self.parts[booking].clear()
            self.enrolled[self.owner[booking]] = None
        elif not self.parts[booking]:
            self.completed.add(booking)
