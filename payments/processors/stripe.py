"""Stripe, and the only importer of its library: checkouts, what became of them, signed events."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TypeVar, cast

import stripe
from django.conf import settings
from django.utils import timezone
from stripe.params import DisputeListParams, RefundCreateParams, RefundListParams
from stripe.params.checkout import SessionCreateParams

from common.errors import InvalidSignature, MalformedEvent
from common.money import from_cents, to_cents
from common.shapes import Json
from common.silence import Silence
from common.transactions import refuse_within_operation
from payments.errors import ProcessorSilent, ProcessorUnavailable
from payments.models import ProcessorEvent, TopUp, TopUpRefund
from payments.processors import Checkout, Found, Going, Payback, Paying, TakenBack
from payments.processors.patience import patient_session
from payments.processors.taken_back import of_dispute, of_refund

logger = logging.getLogger(__name__)
T = TypeVar("T")

# What the endpoint of the webhooks is set to, too: docs/operations.md.
API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS = READ_SECONDS = 5
RETRIES = 1
# As long as this after it left a process waiting, that process doesn't ask it again: the others who
# want something of us would wait, too.
SILENT_SECONDS = 10
TOLERANCE_SECONDS = 300
LONGEST_SESSION = TopUp._meta.get_field("checkout_session").max_length or 0
LONGEST_ID = ProcessorEvent._meta.get_field("event_id").max_length or 0
LONGEST_TYPE = ProcessorEvent._meta.get_field("type").max_length or 0
# All that is asked of a payment comes with one answer.
WHOLE = "payment_intent.latest_charge.balance_transaction"
PAID_BY = "payment_intent"
# What a refund took, and what came of it where it failed.
BOTH_WAYS = ("balance_transaction", "failure_balance_transaction")
# What a refund's status means; any other is on its way.
GOING = {"succeeded": Going.ARRIVED, "failed": Going.FAILED, "canceled": Going.FAILED}
# Stripe keeps a request's key for a day or more.
KEYS_LAST = timedelta(hours=12)
# A payment that was made and came to nothing, where its checkout is over.
FAILED = {"requires_payment_method", "canceled"}

# What comes of reading an answer that isn't what it should be.
UNREADABLE = (AssertionError, AttributeError, KeyError, OverflowError, TypeError, ValueError)

# It would send Stripe how long its last answer took.
stripe.enable_telemetry = False


@dataclass(frozen=True, kw_only=True)
class Event:
    """What Stripe tells: that something of this `type` happened to one of its objects.

    `about` is the key that we gave a checkout or a refund, if it is about one.
    """

    id: str
    type: str
    live: bool
    created: datetime
    object_id: str
    about: str


class Stripe:
    def parameters(self, top_up: TopUp, *, back: str) -> Json:
        ours = {"top_up": str(top_up.pk), "reference": top_up.reference}
        named = settings.STRIPE_STATEMENT_DESCRIPTOR
        return {
            "mode": "payment",
            "client_reference_id": str(top_up.pk),
            "metadata": ours,
            "payment_intent_data": {"metadata": ours}
            | ({"statement_descriptor_suffix": named} if named else {}),
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": top_up.currency,
                        "unit_amount": to_cents(top_up.amount),
                        "product_data": {"name": f"Credit {top_up.reference}"},
                    },
                }
            ],
            "allowed_payment_method_types": [*settings.STRIPE_METHODS],
            "adaptive_pricing": {"enabled": False},
            "expires_at": int(top_up.expires_at.timestamp()),
            "success_url": back,
            "cancel_url": back,
        }

    def open_checkout(self, top_up: TopUp) -> Checkout:
        sessions = _client().v1.checkout.sessions
        key: stripe.RequestOptions = {"idempotency_key": f"topup:{top_up.pk}"}
        said = cast(SessionCreateParams, _in_order(top_up.parameters))
        made = _ask(lambda: sessions.create(said, key))
        if not made.url or not 0 < len(made.id) <= LONGEST_SESSION:
            logger.error("Stripe opened a checkout for %s that is none: %s", top_up, made.id)
            raise ProcessorUnavailable
        return Checkout(id=made.id, url=made.url)

    def look(self, top_up: TopUp) -> Found:
        sessions = _client().v1.checkout.sessions
        key = str(top_up.checkout_session)
        return _ask(lambda: _found(sessions.retrieve(key, {"expand": [WHOLE]})))

    def look_at_dispute(self, dispute_id: str) -> TakenBack:
        """How a dispute stands, with what it moved."""
        disputes = _client().v1.disputes
        return _ask(
            lambda: of_dispute(disputes.retrieve(dispute_id, {"expand": [PAID_BY]}).to_dict())
        )

    def look_at_refund(self, refund_id: str) -> TakenBack:
        """How a refund that is none of ours stands, with what it moved."""
        refunds, whole = _client().v1.refunds, [PAID_BY, *BOTH_WAYS]
        return _ask(lambda: of_refund(refunds.retrieve(refund_id, {"expand": whole}).to_dict()))

    def disputes_since(self, when: datetime) -> list[str]:
        """The ids of the disputes of our payments that were opened since then."""
        listed = _client().v1.disputes.list
        asked = cast(DisputeListParams, _since(when))
        found = _ask(lambda: [*listed(asked).auto_paging_iter()])
        return [one.id for one in found if _is_ours(one)]

    def refunds_since(self, when: datetime) -> dict[str, str]:
        """The ids of the refunds of our payments since then, and which of ours each says it is."""
        listed = _client().v1.refunds.list
        asked = cast(RefundListParams, _since(when))
        found = _ask(lambda: [*listed(asked).auto_paging_iter()])
        return {one.id: _refund_of(one.to_dict()) for one in found if _is_ours(one)}

    def pay_back(self, refund: TopUpRefund) -> Payback:
        if timezone.now() - refund.requested_at > KEYS_LAST and (made := _made_before(refund)):
            return made
        top_up, refunds = refund.top_up, _client().v1.refunds
        said: RefundCreateParams = {
            "payment_intent": top_up.payment_intent,
            "amount": to_cents(refund.amount),
            "reason": "requested_by_customer",
            "metadata": {"refund": str(refund.pk), "reference": top_up.reference},
        }
        key: stripe.RequestOptions = {"idempotency_key": f"refund:{refund.pk}"}

        def send() -> Payback:
            try:
                return _payback(refunds.create(said, key).to_dict())
            except stripe.InvalidRequestError as error:
                if error.http_status != HTTPStatus.BAD_REQUEST:
                    raise
                return _refused(refund, error)

        return _ask(send)

    def look_back(self, refund: TopUpRefund) -> Payback:
        refunds, key = _client().v1.refunds, str(refund.processor_id)
        return _ask(lambda: _payback(refunds.retrieve(key).to_dict()))

    def is_live(self) -> bool:
        return _key_is_live()


def _since(when: datetime) -> dict[str, object]:
    created = {"gte": int(when.timestamp())}
    return {"created": created, "limit": 100, "expand": [f"data.{PAID_BY}"]}


def _is_ours(one: stripe.Dispute | stripe.Refund) -> bool:
    """Whether it is of a payment that was made for a top-up: others may use the same account."""
    paid = one.payment_intent
    return isinstance(paid, stripe.PaymentIntent) and "top_up" in paid.metadata


def _made_before(refund: TopUpRefund) -> Payback | None:
    """What became of it, if it was sent so long ago that Stripe has forgotten its key by now."""
    refunds, of = _client().v1.refunds, refund.top_up.payment_intent

    def find() -> Payback | None:
        said = [one.to_dict() for one in refunds.list({"payment_intent": of, "limit": 100}).data]
        ours = (one for one in said if _refund_of(one) == str(refund.pk))
        return next(map(_payback, ours), None)

    return _ask(find)


def _payback(said: Json) -> Payback:
    return Payback(
        going=GOING.get(said["status"], Going.ON_ITS_WAY),
        id=said["id"],
        about=_refund_of(said),
        amount=from_cents(said["amount"]),
        currency=said["currency"],
        failure=str(said.get("failure_reason") or ""),
    )


def _refused(refund: TopUpRefund, error: stripe.InvalidRequestError) -> Payback:
    """Stripe says that it can't be done: the payment is disputed, say. Nothing was sent."""
    logger.warning("Stripe refused the refund %s: %s", refund.pk, error.code)
    return Payback(
        going=Going.FAILED,
        id="",
        about=str(refund.pk),
        amount=refund.amount,
        currency=refund.top_up.currency,
        failure=str(error.code or "refused"),
    )


def _in_order(said: object) -> object:
    """The same in one order: MySQL gives a JSON column's keys in another than they came in.

    With its key a request has to be the same whenever it is repeated.
    """
    if isinstance(said, dict):
        return {name: _in_order(said[name]) for name in sorted(said)}
    return [_in_order(one) for one in said] if isinstance(said, list) else said


def receive(body: bytes, signature: str) -> Event:
    """The event in a webhook's raw body, which Stripe signed with one of our secrets.

    Raises `InvalidSignature` for anything else, for one that is too old, or of the other mode than
    our key; `MalformedEvent` for a signed body that isn't an event; `ProcessorUnavailable` where
    Stripe isn't set up.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise ProcessorUnavailable
    if not any(_is_signed(body, signature, secret) for secret in settings.STRIPE_WEBHOOK_SECRETS):
        raise InvalidSignature
    try:
        event = _from_wire(
            stripe.StripeClient.construct_event_without_verification(_client(), body)
        )
    except UNREADABLE as error:
        raise MalformedEvent from error
    if not (0 < len(event.id) <= LONGEST_ID and 0 < len(event.type) <= LONGEST_TYPE):
        raise MalformedEvent
    if event.live != _key_is_live():
        raise InvalidSignature
    return event


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeError):
        return False
    return True


def _from_wire(event: stripe.Event) -> Event:
    told = event.to_dict()
    about = told["data"]["object"]
    return Event(
        id=told["id"],
        type=told["type"],
        live=told["livemode"],
        created=datetime.fromtimestamp(told["created"], UTC),
        object_id=str(about.get("id") or "")[:LONGEST_ID],
        about=str(about.get("client_reference_id") or _refund_of(about)),
    )


def _refund_of(about: Json) -> str:
    metadata = about.get("metadata") or {}
    return metadata.get("refund") or ""


def _found(session: stripe.checkout.Session) -> Found:
    """Whatever is missing in it raises: an answer that can't be read is none."""
    said = session.to_dict()
    intent = said["payment_intent"] or {}
    charge = intent.get("latest_charge") or {}
    balance = charge.get("balance_transaction") or {}
    return Found(
        paying=_paying(said, intent),
        checkout=said["id"],
        about=said["client_reference_id"] or "",
        amount=from_cents(said["amount_total"]),
        currency=said["currency"],
        live=said["livemode"],
        payment_intent=intent.get("id") or "",
        charge=charge.get("id") or "",
        fee=from_cents(balance["fee"]) if balance else None,
        fee_currency=balance.get("currency") or "",
        paid_with=_paid_with(charge.get("payment_method_details") or {}),
    )


def _paying(session: Json, intent: Json) -> Paying:
    if session["payment_status"] == "paid":
        return Paying.PAID
    if session["status"] == "expired":
        return Paying.EXPIRED
    if session["status"] != "complete":
        return Paying.OPEN
    return Paying.FAILED if intent.get("status") in FAILED else Paying.PENDING


def _paid_with(details: Json) -> str:
    """The kind of card and its last digits, or the name of another method."""
    if card := details.get("card"):
        brand = str(card.get("brand") or "card").title()
        return f"{brand} •••• {card['last4']}" if card.get("last4") else brand
    return str(details.get("type") or "").replace("_", " ").capitalize()


def _key_is_live() -> bool:
    return settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))


_silence = Silence()


def _ask(question: Callable[[], T]) -> T:
    """Stripe's answer. Raises `ProcessorUnavailable` if there is none that we can use.

    `ProcessorSilent`, if others would get none either; at once, a while after it left us waiting.
    """
    refuse_within_operation()
    if _silence.lasts(settings.STRIPE_API_BASE):
        raise ProcessorSilent
    try:
        return question()
    except stripe.APIConnectionError as e:
        logger.exception("Stripe is silent")
        _silence.begin(settings.STRIPE_API_BASE, SILENT_SECONDS)
        raise ProcessorSilent from e
    except (
        stripe.StripeError,
        AssertionError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as e:
        logger.exception("Stripe gave no useful answer")
        raise (ProcessorSilent if _is_silence(e) else ProcessorUnavailable) from e


def _is_silence(error: Exception) -> bool:
    """Whether it answers no question just now, whatever it is."""
    if not isinstance(error, stripe.StripeError):
        return False
    status = error.http_status or 0
    return status == 429 or status >= 500


def _client() -> stripe.StripeClient:
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client_for(key: str, base: str) -> stripe.StripeClient:
    """One of a process, with the connections that it keeps."""
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(
            timeout=(CONNECT_SECONDS, READ_SECONDS), session=patient_session()
        ),
    )
