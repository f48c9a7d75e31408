"""An account at Stripe: its objects as Stripe shows them, and what happens to its money.

Amounts are cents. What a customer, a bank or a clerk at Stripe's own desk does is a method here;
what the API does is in `api`. Each change is told as an event, with the object as it was then.
"""

import copy
import secrets
import time
from collections.abc import Callable
from typing import Any

from tests.stripe.forms import Failed, Refused

VERSION = "2026-10-28.endive"
DISPUTE_FEE = 1500
WEEK = 7 * 24 * 3600

Thing = dict[str, Any]


def card_fee(cents: int) -> int:
    """2.9 % and 30 cents."""
    return (cents * 29 + 500) // 1000 + 30


class Account:
    """`lies` are fields that are shown otherwise than they are, by the object's id.

    `habits`: `fees_later` (a charge's transaction is booked when `book_fees` says so), `refunds`
    (what becomes of one at once: `succeeded`, `pending` or `failed`) and `live`.
    """

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.lies: dict[str, Thing] = {}
        self.habits: Thing = {"fees_later": False, "refunds": "succeeded", "live": False}
        self.ahead = 0.0  # seconds that its clock is ahead of the machine's
        self.url = ""
        self.told: Callable[[Thing], None] = lambda event: None
        self.request: Thing = {"id": None, "idempotency_key": None}

    # --- objects -------------------------------------------------------------------------------

    def now(self) -> float:
        return time.time() + self.ahead

    def add(self, prefix: str, kind: str, **fields: Any) -> Thing:
        """A new object; its fields in no special order."""
        key = f"{prefix}_{secrets.token_hex(12)}"
        thing = {"id": key, "object": kind, "created": int(self.now())} | fields
        if kind not in ("balance_transaction", "refund"):
            thing["livemode"] = self.habits["live"]
        self.things[key] = thing
        return thing

    def get(self, key: str, kind: str) -> Thing:
        """The object as it is; raises Refused for one that is not there."""
        thing = self.things.get(key)
        if thing is None or thing["object"] != kind:
            raise Refused(f"There is no {kind} {key}", 404, code="resource_missing", param="id")
        return thing

    def all(self, kind: str) -> list[Thing]:
        """Those of a kind, the newest first."""
        return [thing for thing in reversed(self.things.values()) if thing["object"] == kind]

    def show(self, key: str) -> Thing:
        """The object as others are shown it."""
        thing = {name: v for name, v in self.things[key].items() if not name.startswith("_")}
        return copy.deepcopy(thing) | self.lies.get(key, {})

    def lie(self, key: str, fields: Thing) -> None:
        """Show these fields otherwise from now on; with none, the truth again."""
        self.lies[key] = fields

    def tell(self, kind: str, thing: Thing, **more: Any) -> Thing:
        """An event of an object, as it is shown now."""
        return self.forge(kind, self.show(thing["id"]), request=dict(self.request), **more)

    def forge(self, kind: str, thing: Thing, **more: Any) -> Thing:
        """An event that says whatever it is to say, true or not."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": VERSION,
            "created": int(self.now()),
            "data": {"object": thing},
            "livemode": self.habits["live"],
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        } | more
        self.events.append(event)
        self.told(event)
        return event

    # --- money ---------------------------------------------------------------------------------

    def book(self, kind: str, source: Thing, amount: int, fee: int = 0) -> Thing:
        """Move money of the account, which pays the fee."""
        details = [{"amount": fee, "application": None, "currency": source["currency"]}]
        details[0] |= {"description": "A fee of Stripe's", "type": "stripe_fee"}
        return self.add(
            "txn",
            "balance_transaction",
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=source["currency"],
            available_on=int(self.now()) + WEEK,
            balance_type="payments",
            description=None,
            exchange_rate=None,
            fee_details=details if fee else [],
            reporting_category=kind,
            source=source["id"],
            status="pending",
            type=kind,
        )

    def balance(self) -> dict[str, int]:
        """What lies there, in cents by currency: what is pending with what is available."""
        sums: dict[str, int] = {}
        for booked in self.all("balance_transaction"):
            sums[booked["currency"]] = sums.get(booked["currency"], 0) + booked["net"]
        return sums

    # --- what customers do ---------------------------------------------------------------------

    def pay(self, session: str, amount: int | None = None, currency: str = "") -> Thing:
        """Pay a session by card; with another sum or currency where Stripe is to be wrong."""
        paid = self._open(session)
        paid["amount_total"] = paid["amount_subtotal"] = amount or paid["amount_total"]
        paid["currency"] = currency or paid["currency"]
        intent = self._intent(paid)
        self._charge(intent)
        paid |= {"status": "complete", "payment_status": "paid", "url": None}
        self._told_of_payment(intent)
        self.tell("checkout.session.completed", paid)
        return paid

    def decline(self, session: str) -> Thing:
        """The bank says no: the page stays open."""
        intent = self._intent(self._open(session))
        intent["last_payment_error"] = {"code": "card_declined", "type": "card_error"}
        self.tell("payment_intent.payment_failed", intent)
        return intent

    def pay_later(self, session: str) -> Thing:
        """A slow method: the page is done, and the money on its way."""
        promised = self._open(session)
        self._intent(promised)["status"] = "processing"
        promised |= {"status": "complete", "payment_status": "unpaid", "url": None}
        self.tell("checkout.session.completed", promised)
        return promised

    def arrive(self, session: str) -> Thing:
        """The slow payment came."""
        paid, intent = self._promised(session)
        self._charge(intent)
        paid["payment_status"] = "paid"
        self._told_of_payment(intent)
        self.tell("checkout.session.async_payment_succeeded", paid)
        return paid

    def bounce(self, session: str) -> Thing:
        """The slow payment did not come."""
        failed, intent = self._promised(session)
        intent["status"] = "requires_payment_method"
        self.tell("checkout.session.async_payment_failed", failed)
        return failed

    def expire(self, session: str) -> Thing:
        """Nobody can pay it any more."""
        over = self._open(session)
        over |= {"status": "expired", "url": None}
        self.tell("checkout.session.expired", over)
        return over

    def expire_old(self) -> None:
        """Those whose time is over."""
        for session in self.all("checkout.session"):
            if session["status"] == "open" and session["expires_at"] <= self.now():
                self.expire(session["id"])

    def _promised(self, session: str) -> tuple[Thing, Thing]:
        found = self.get(session, "checkout.session")
        intent = self.things.get(found["payment_intent"] or "", found)
        if intent["status"] != "processing":
            raise Failed("No slow payment is on its way")
        return found, intent

    def _open(self, session: str) -> Thing:
        found = self.get(session, "checkout.session")
        if found["status"] != "open":
            raise Failed(f"The session is {found['status']}")
        return found

    def _intent(self, session: Thing) -> Thing:
        if known := self.things.get(session["payment_intent"] or ""):
            return known
        wanted = session["_intent"]
        intent = self.add(
            "pi",
            "payment_intent",
            amount=session["amount_total"],
            amount_received=0,
            currency=session["currency"],
            description=wanted.get("description"),
            last_payment_error=None,
            latest_charge=None,
            metadata=wanted.get("metadata", {}),
            payment_method_types=session["payment_method_types"],
            statement_descriptor=wanted.get("statement_descriptor"),
            statement_descriptor_suffix=wanted.get("statement_descriptor_suffix"),
            status="requires_payment_method",
        )
        session["payment_intent"] = intent["id"]
        return intent

    def _charge(self, intent: Thing) -> Thing:
        charge = self.add(
            "ch",
            "charge",
            amount=intent["amount"],
            amount_captured=intent["amount"],
            amount_refunded=0,
            balance_transaction=None,
            billing_details={"address": None, "email": None, "name": None, "phone": None},
            captured=True,
            currency=intent["currency"],
            disputed=False,
            metadata=dict(intent["metadata"]),
            paid=True,
            payment_intent=intent["id"],
            refunded=False,
            status="succeeded",
        )
        intent |= {"latest_charge": charge["id"], "status": "succeeded"}
        intent["amount_received"] = intent["amount"]
        if not self.habits["fees_later"]:
            self._book_charge(charge)
        return charge

    def _book_charge(self, charge: Thing) -> None:
        booked = self.book("charge", charge, charge["amount"], card_fee(charge["amount"]))
        charge["balance_transaction"] = booked["id"]

    def _told_of_payment(self, intent: Thing) -> None:
        self.tell("payment_intent.succeeded", intent)
        self.tell("charge.succeeded", self.things[intent["latest_charge"]])

    def book_fees(self) -> int:
        """Book the charges that wait for it; how many."""
        waiting = [one for one in self.all("charge") if not one["balance_transaction"]]
        for charge in waiting:
            self._book_charge(charge)
            self.tell("charge.updated", charge)
        return len(waiting)

    # --- money that goes back -------------------------------------------------------------------

    def refund(self, charge: str, amount: int | None = None, **more: Any) -> Thing:
        """Give money back to where it came from; at Stripe's own desk, or asked by the API."""
        charged = self.get(charge, "charge")
        rest = charged["amount"] - charged["amount_refunded"]
        amount = rest if amount is None else amount
        if charged["disputed"]:
            raise Failed("The charge is disputed", code="charge_disputed")
        if not rest:
            raise Failed("The charge is refunded", code="charge_already_refunded")
        if not 0 < amount <= rest:
            raise Failed(f"No more than {rest} is left of the charge", param="amount")
        return self._refund(charged, amount, more)

    def _refund(self, charged: Thing, amount: int, more: Thing) -> Thing:
        status = self.habits["refunds"]
        given = self.add(
            "re",
            "refund",
            amount=amount,
            balance_transaction=None,
            charge=charged["id"],
            currency=charged["currency"],
            failure_balance_transaction=None,
            metadata=more.get("metadata", {}),
            payment_intent=charged["payment_intent"],
            reason=more.get("reason"),
            status="pending" if status == "failed" else status,
        )
        given["balance_transaction"] = self.book("refund", given, -amount)["id"]
        charged["amount_refunded"] += amount
        charged["refunded"] = charged["amount_refunded"] == charged["amount"]
        self.tell("refund.created", given)
        self.tell("charge.refunded", charged)
        return self.fail_refund(given["id"]) if status == "failed" else given

    def succeed_refund(self, refund: str) -> Thing:
        """A pending one arrives."""
        given = self._going(refund)
        given["status"] = "succeeded"
        self.tell("refund.updated", given)
        return given

    def fail_refund(self, refund: str) -> Thing:
        """It comes back, weeks later too: a card that is no more."""
        given = self._going(refund)
        back = self.book("refund_failure", given, given["amount"])
        charged = self.things[given["charge"]]
        charged["amount_refunded"] -= given["amount"]
        charged["refunded"] = False
        given |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        given["failure_balance_transaction"] = back["id"]
        self.tell("refund.updated", given)
        self.tell("refund.failed", given)
        return given

    def _going(self, refund: str) -> Thing:
        if (given := self.get(refund, "refund"))["status"] == "failed":
            raise Failed("The refund has failed")
        return given

    # --- disputes --------------------------------------------------------------------------------

    def dispute(self, charge: str, amount: int | None = None, *, inquiry: bool = False) -> Thing:
        """The customer goes to their bank; an inquiry takes nothing yet."""
        charged = self.get(charge, "charge")
        charged["disputed"] = not inquiry
        opened = self.add(
            "du",
            "dispute",
            amount=amount or charged["amount"],
            balance_transactions=[],
            charge=charged["id"],
            currency=charged["currency"],
            enhanced_eligibility_types=[],
            evidence={},
            evidence_details={
                "due_by": int(self.now()) + WEEK,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            is_charge_refundable=inquiry,
            metadata={},
            payment_intent=charged["payment_intent"],
            reason="fraudulent",
            status="warning_needs_response" if inquiry else "needs_response",
        )
        self.tell("charge.dispute.created", opened)
        if not inquiry:
            self._withdraw(opened)
        return opened

    def escalate(self, dispute: str) -> Thing:
        """An inquiry becomes a dispute: now the money goes."""
        opened = self.get(dispute, "dispute")
        if not opened["status"].startswith("warning"):
            raise Failed("It is a dispute already")
        opened |= {"status": "needs_response", "is_charge_refundable": False}
        self.things[opened["charge"]]["disputed"] = True
        self.tell("charge.dispute.updated", opened)
        self._withdraw(opened)
        return opened

    def win(self, dispute: str, amount: int | None = None) -> Thing:
        """The bank gives it back, or a part of it; the fee it keeps."""
        closed = self._close(dispute, "won")
        booked = self.book("adjustment", closed, amount or closed["amount"])
        closed["balance_transactions"].append(copy.deepcopy(booked))
        self.tell("charge.dispute.funds_reinstated", closed)
        self.tell("charge.dispute.closed", closed)
        return closed

    def lose(self, dispute: str) -> Thing:
        closed = self._close(dispute, "lost")
        self.tell("charge.dispute.closed", closed)
        return closed

    def close_inquiry(self, dispute: str) -> Thing:
        """It came to nothing."""
        closed = self._close(dispute, "warning_closed")
        self.tell("charge.dispute.closed", closed)
        return closed

    def _withdraw(self, dispute: Thing) -> None:
        booked = self.book("adjustment", dispute, -dispute["amount"], DISPUTE_FEE)
        dispute["balance_transactions"].append(copy.deepcopy(booked))
        self.tell("charge.dispute.funds_withdrawn", dispute)

    def _close(self, dispute: str, status: str) -> Thing:
        closed = self.get(dispute, "dispute")
        if closed["status"] in ("won", "lost", "warning_closed"):
            raise Failed(f"The dispute is {closed['status']}")
        closed["status"] = status
        return closed
