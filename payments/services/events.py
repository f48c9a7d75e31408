"""What a processor tells: stored once, then the processor is asked about what it is about."""

from contextlib import suppress
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from common.transactions import operation, refuse_within_operation
from payments.models import ProcessorEvent, TopUp, TopUpRefund
from payments.processors.stripe import Event
from payments.services.disputes import settle_desk_refund, settle_dispute
from payments.services.refunds import settle_refund
from payments.services.topups import settle_top_up

# All that is told of a checkout. What follows is not taken from the event: Stripe is asked.
OF_CHECKOUTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}
# Those of disputes: where to look is all they say.
OF_DISPUTES = dict.fromkeys(
    (
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    ),
    settle_dispute,
)
# Those of refunds: ours, or made at Stripe's own desk.
OF_REFUNDS = {"refund.created", "refund.updated", "refund.failed"}
KNOWN = OF_CHECKOUTS | OF_DISPUTES.keys() | OF_REFUNDS


def take_event(event: Event) -> ProcessorEvent:
    """Store an event, and settle what it is about; one of nothing of ours is only noted.

    A repeat of one that was processed changes nothing; of one that was not, it is done now. Raises
    `ProcessorUnavailable`: then it stays unprocessed, and Stripe sends it again.
    """
    refuse_within_operation()
    row = _store(event)
    if row.processed_at:
        return row
    if refund := _refund_of(event):
        settle_refund(refund.pk)
    elif row.top_up_id:
        settle_top_up(row.top_up_id)
    elif settle := settle_desk_refund if event.type in OF_REFUNDS else OF_DISPUTES.get(event.type):
        dispute = settle(row.object_id)
        row.top_up = dispute.top_up if dispute else None
    return _finish(row)


@operation
def _store(event: Event) -> ProcessorEvent:
    row, _ = ProcessorEvent.objects.get_or_create(
        event_id=event.id,
        defaults={
            "type": event.type,
            "live": event.live,
            "object_id": event.object_id,
            "created": event.created,
            "top_up": _about(event),
            "note": "" if event.type in KNOWN else "ignored: not of a checkout",
        },
    )
    return row


def _about(event: Event) -> TopUp | None:
    """The top-up that it is about, if it is one of ours."""
    if refund := _refund_of(event):
        return refund.top_up
    return _checkout_of(event) if event.type in OF_CHECKOUTS else None


def _refund_of(event: Event) -> TopUpRefund | None:
    """The refund of ours that it is about: by its id there, or by our key if we don't know it."""
    if event.type not in OF_REFUNDS:
        return None
    found = TopUpRefund.objects.known_as(event.object_id, event.about)
    return found.select_related("top_up").first()


def _checkout_of(event: Event) -> TopUp | None:
    """The top-up of a checkout: by its session, or by our key if we don't know the session yet."""
    mine = Q(checkout_session=event.object_id)
    with suppress(ValueError):
        mine |= Q(pk=UUID(event.about), checkout_session=None)
    # One statement: between two of them the answer with the session may be noted.
    return TopUp.objects.filter(mine).first()


@operation
def _finish(row: ProcessorEvent) -> ProcessorEvent:
    row.processed_at = timezone.now()
    row.note = row.note or ("done" if row.top_up_id else "ignored: no top-up of ours")
    row.save(update_fields=["processed_at", "note", "top_up"])
    return row
