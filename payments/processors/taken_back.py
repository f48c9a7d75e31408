"""What Stripe's answers say of money that is taken back; whatever is missing in one raises."""

from datetime import UTC, datetime

from common.money import from_cents
from common.shapes import Json
from payments.models import Dispute
from payments.processors import Movement, TakenBack

LONGEST_REASON = Dispute._meta.get_field("reason").max_length or 0


def of_dispute(said: Json) -> TakenBack:
    """A dispute, which comes with its payment intent and its balance transactions."""
    due_by = said["evidence_details"].get("due_by")
    return TakenBack(
        id=said["id"],
        kind=Dispute.Kind.DISPUTE,
        about=_about(said),
        payment_intent=said["payment_intent"]["id"],
        status=said["status"],
        reason=str(said.get("reason") or "")[:LONGEST_REASON],
        amount=from_cents(said["amount"]),
        live=said["livemode"],
        opened_at=_moment(said["created"]),
        due_by=_moment(due_by) if due_by else None,
        movements=tuple(_movement(one) for one in said["balance_transactions"]),
    )


def of_refund(said: Json) -> TakenBack:
    """A refund, which comes with its payment intent and the transactions of its two ways."""
    ways = (said.get("balance_transaction"), said.get("failure_balance_transaction"))
    return TakenBack(
        id=said["id"],
        kind=Dispute.Kind.DESK_REFUND,
        about=_about(said),
        payment_intent=said["payment_intent"]["id"],
        status=said["status"],
        reason=str(said.get("reason") or "")[:LONGEST_REASON],
        amount=from_cents(said["amount"]),
        live=None,
        opened_at=_moment(said["created"]),
        due_by=None,
        movements=tuple(_movement(one) for one in ways if one),
    )


def _about(said: Json) -> str:
    """The key that we gave the payment."""
    return str(said["payment_intent"]["metadata"].get("top_up") or "")


def _movement(said: Json) -> Movement:
    return Movement(
        id=said["id"],
        amount=from_cents(said["amount"]),
        fee=from_cents(said["fee"]),
        currency=said["currency"],
    )


def _moment(said: int) -> datetime:
    return datetime.fromtimestamp(said, UTC)
