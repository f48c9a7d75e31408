"""What is not ours keeps the stand-in honest: all its parameters and fields are Stripe's."""

from urllib.parse import urlencode

import pytest

from tests.stripe.api import KINDS, ROUTES
from tests.stripe.conftest import asked
from tests.stripe.forms import KNOWN

pytestmark = pytest.mark.stripe_mock

VALUES = {int: "60", bool: "true", str: "en"}
EXACT = {
    "mode": "payment",
    "allowed_payment_method_types[0]": "card",
    "line_items[0][price_data][currency]": "usd",
    "submit_type": "pay",
    "reason": "fraudulent",
    "status": "open",
    "type": "charge",
    "success_url": "https://learn.example/",
    "expand[0]": "",
    "evidence[en]": "",
}


def form(wanted, at=""):
    """Everything that a call knows, as a form."""
    if isinstance(wanted, list):
        return form(wanted[0], f"{at}[0]")
    if isinstance(wanted, dict):
        return {
            name: value
            for key, one in wanted.items()
            for name, value in form(one, f"{at}[{word(key)}]" if at else word(key)).items()
        }
    value = EXACT.get(at, VALUES[wanted])
    return {at: value} if value else {}


def word(key):
    return "en" if key is str else key


def calls():
    for method, pattern, name in ROUTES:
        yield pytest.param(method, "/v1/" + pattern.replace(r"(\w+)", "x_1"), name, id=pattern)


@pytest.mark.parametrize(("method", "path", "call"), [*calls()])
def test_no_parameter_is_known_but_to_stripe(method, path, call, stripe_mock):
    answer = stripe_mock.ask(method, path, urlencode(form(KNOWN[call])))
    assert answer.status_code == 200, answer.text
    refused = stripe_mock.ask(method, path, urlencode(form(KNOWN[call]) | {"nope": "1"}))
    assert refused.status_code == 400


def test_no_field_is_shown_but_stripes(stripe_mock, library, stand_in):
    made = library.v1.checkout.sessions.create(asked())
    stand_in.account.pay(session=made.id)
    intent = library.v1.checkout.sessions.retrieve(made.id).payment_intent
    charge = library.v1.payment_intents.retrieve(intent).latest_charge
    library.v1.refunds.create({"charge": charge, "amount": 100})
    stand_in.account.dispute(charge=charge)
    for path, kind in KINDS.items():
        listed = stand_in.line.get(
            f"{stand_in.url}/v1/{path}", headers={"Authorization": f"Bearer {stand_in.key}"}
        )
        ours = listed.json()["data"][0]
        stripes = stripe_mock.ask("GET", f"/v1/{path}/x_1").json()
        assert ours["object"] == stripes["object"] == kind
        assert ours.keys() - stripes.keys() <= {"failure_reason", "failure_balance_transaction"}
