"""What the official library knows of Stripe's API, the stand-in knows it for the same."""

import importlib
import re

import pytest
import stripe

from tests.stripe.conftest import asked
from tests.stripe.forms import KNOWN

PARAMETERS = {
    "create_session": "checkout.SessionCreateParams",
    "expire_session": "checkout.SessionExpireParams",
    "list_sessions": "checkout.SessionListParams",
    "create_refund": "RefundCreateParams",
    "list_refunds": "RefundListParams",
    "update_dispute": "DisputeUpdateParams",
    "close_dispute": "DisputeCloseParams",
    "list_disputes": "DisputeListParams",
    "list_charges": "ChargeListParams",
    "list_payment_intents": "PaymentIntentListParams",
    "list_balance_transactions": "BalanceTransactionListParams",
    "list_events": "EventListParams",
    "retrieve_balance": "BalanceRetrieveParams",
}
CLASSES = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "balance_transaction": stripe.BalanceTransaction,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
}


def unknown(wanted, name):
    """The parameters that the library's types have not."""
    package, _, short = f"stripe.params.{name}".rpartition(".")
    holder = importlib.import_module(package)
    hints = getattr(holder, short).__annotations__
    for key, one in wanted.items():
        if key is str:
            continue
        if key not in hints:
            yield f"{name}.{key}"
        inner = one[0] if isinstance(one, list) else one
        further = re.findall(rf"\b{short}\w+", str(hints.get(key)))
        if isinstance(inner, dict) and further:
            yield from unknown(inner, name.replace(short, further[0]))


@pytest.mark.parametrize("call", PARAMETERS)
def test_each_parameter_is_one_of_the_library(call):
    assert [*unknown(KNOWN[call], PARAMETERS[call])] == []


def test_each_field_is_one_of_the_library(library, stand_in):
    made = library.v1.checkout.sessions.create(asked())
    stand_in.account.pay(session=made.id)
    intent = library.v1.checkout.sessions.retrieve(made.id).payment_intent
    charge = library.v1.payment_intents.retrieve(intent).latest_charge
    refunded = library.v1.refunds.create({"charge": charge, "amount": 100})
    stand_in.account.fail_refund(refund=refunded.id)
    stand_in.account.win(dispute=stand_in.account.dispute(charge=charge)["id"])
    v1 = library.v1
    kinds = (v1.payment_intents, v1.charges, v1.balance_transactions, v1.refunds, v1.disputes)
    for service in (v1.checkout.sessions, *kinds, v1.events):
        for thing in service.list().data:
            known = {*CLASSES[thing.object].__annotations__, "object"}
            assert thing.to_dict().keys() <= known, thing.object
