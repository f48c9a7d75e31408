"""What an answer to a dispute needs, gathered: the payment, the bookings, the rooms, the ledger."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from common.formats import money
from payments.models import Dispute, HoldPart, PaymentHold
from payments.statements import course_of, events_of, lines_of
from rooms.models import Attendance

# What was longer ago says nothing of a payment that can still be disputed.
LINES = 1000


def answer_to(dispute: Dispute) -> Iterator[str]:
    """The lines of a text, with times in UTC, about the payer and no other student."""
    top_up = dispute.top_up
    yield from _payment(dispute)
    for heading, lines in (
        ("Bookings", _bookings(top_up.user)),
        ("In the room", _stays(top_up.user)),
        ("Ledger: credit of the student", _ledger(top_up.user)),
    ):
        yield from ("", heading, "-" * len(heading))
        yield from [*lines] or ["Nothing."]


def _payment(dispute: Dispute) -> Iterator[str]:
    top_up, payer = dispute.top_up, dispute.top_up.user
    receipt = top_up.receipt or {}
    yield f"Dispute {dispute.processor_id}: {money(dispute.amount)}, {dispute.reason}"
    yield f"Payment {top_up.payment_intent}, charge {top_up.charge}"
    yield f"Top-up {top_up.reference}: {money(top_up.amount)}, paid {_at(top_up.paid_at)}"
    yield f"Paid with {receipt.get('paid_with') or top_up.get_method_display()}"
    yield f"Receipt sent to {receipt.get('name')}, {receipt.get('email')}"
    yield f"Customer {payer.display_name}, {payer.email}, registered {_at(payer.date_joined)}"
    yield f"Address confirmed {_at(payer.proved_since) or 'not yet'}"


def _bookings(user: User) -> Iterator[str]:
    joined = ("enrollment__course", "session_purchase__course", "teacher")
    holds = PaymentHold.objects.of(user).newest_first().select_related(*joined).with_parts()
    for hold in holds[:LINES]:
        yield (
            f"{_at(hold.held_at)}  {course_of(hold).title}, by {hold.teacher.display_name}:"
            f" {money(hold.amount)}, {hold.status}"
        )
        for part in hold.parts.all():
            why = part.get_reason_display() if part.reason else "to come"
            yield f"    {_at(part.sold_starts_at)}  {part.sold_title}: {money(part.amount)}, {why}"


def _stays(user: User) -> Iterator[str]:
    """When the payer was in a room, and the teacher whom they paid, come or not."""
    paid = HoldPart.objects.filter(hold__student=user, session=OuterRef("session"))
    stays = Attendance.objects.filter(
        Q(user=user) | Exists(paid.filter(hold__teacher=OuterRef("user"))), joined_at__isnull=False
    )
    for stay in stays.select_related("session__course").order_by("-joined_at")[:LINES]:
        # Who was not found later had left before, nobody knows when.
        end = _at(stay.left_at) or f"{_at(stay.seen_at)} or later"
        who = "customer" if stay.user_id == user.pk else "teacher"
        session = stay.session
        yield f"{_at(stay.joined_at)} to {end}, the {who}  {session.course}: {session}"


def _ledger(user: User) -> Iterator[str]:
    for line in lines_of([*events_of(user)[:LINES]]):
        about = f"{line.course}" if line.course else line.detail
        yield (
            f"{_at(line.transfer.created_at)}  {line.title} {about}: {money(line.change)},"
            f" then {money(line.balance)}"
        )
        for part in line.parts:
            yield f"    {part.hold_part and part.hold_part.session}: {money(part.amount)}"


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
