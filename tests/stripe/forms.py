"""What Stripe is asked: forms with brackets in their names, and the parameters that it knows."""

import re
from typing import Any
from urllib.parse import parse_qsl

WORDS = {str: str}  # metadata: any word for any word
LISTED = {"limit": int, "starting_after": str, "ending_before": str, "expand": [str]}
SINCE = {"gt": int, "gte": int, "lt": int, "lte": int}
PRICE = {
    "currency": str,
    "unit_amount": int,
    "product": str,
    "product_data": {"name": str, "description": str, "metadata": WORDS},
}
# By the name of the call. What Stripe knows beside this, nothing of ours asks for.
KNOWN: dict[str, dict[str, Any]] = {
    "create_session": {
        "adaptive_pricing": {"enabled": bool},
        "allowed_payment_method_types": [str],
        "cancel_url": str,
        "client_reference_id": str,
        "customer_email": str,
        "expand": [str],
        "expires_at": int,
        "line_items": [{"quantity": int, "price_data": PRICE}],
        "locale": str,
        "metadata": WORDS,
        "mode": str,
        "payment_intent_data": {
            "description": str,
            "metadata": WORDS,
            "receipt_email": str,
            "statement_descriptor": str,
            "statement_descriptor_suffix": str,
        },
        "submit_type": str,
        "success_url": str,
    },
    "expire_session": {"expand": [str]},
    "create_refund": {
        "amount": int,
        "charge": str,
        "expand": [str],
        "metadata": WORDS,
        "payment_intent": str,
        "reason": str,
    },
    "update_dispute": {"evidence": {str: str}, "metadata": WORDS, "submit": bool, "expand": [str]},
    "close_dispute": {"expand": [str]},
    "retrieve": {"expand": [str]},
    "retrieve_balance": {"expand": [str]},
    "list_payment_intents": {**LISTED, "created": SINCE},
    "list_sessions": {**LISTED, "payment_intent": str, "status": str, "created": SINCE},
    "list_charges": {**LISTED, "payment_intent": str, "created": SINCE},
    "list_refunds": {**LISTED, "payment_intent": str, "charge": str, "created": SINCE},
    "list_disputes": {**LISTED, "payment_intent": str, "charge": str, "created": SINCE},
    "list_balance_transactions": {**LISTED, "source": str, "type": str, "created": SINCE},
    "list_events": {**LISTED, "type": str, "types": [str], "created": SINCE},
}


class Refused(Exception):
    """What Stripe says to a request that it does not do."""

    def __init__(self, message: str, status: int = 400, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.more = {"type": "invalid_request_error", **more}

    def body(self) -> dict[str, Any]:
        return {"error": {"message": str(self), **self.more}}


class Failed(Refused):
    """It was begun, and could not be done: the key keeps this."""


def parse(text: str, call: str) -> dict[str, Any]:
    """What a form asks for, with its numbers as numbers; refuses what the call does not know."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(found, [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)], value)
    return _typed(found, KNOWN[call], "")


def _put(where: dict[str, Any], names: list[str], value: str) -> None:
    for name in names[:-1]:
        where = where.setdefault(name, {})
    name = names[-1] or str(len(where))
    where[name] = value


def _typed(value: Any, wanted: Any, at: str) -> Any:
    if isinstance(wanted, list):
        given = value.items() if isinstance(value, dict) else _no(at, "an array")
        return [_typed(one, wanted[0], f"{at}[{n}]") for n, one in sorted(given, key=_order)]
    if isinstance(wanted, dict):
        given = value if isinstance(value, dict) else _no(at, "an object")
        return {
            name: _typed(one, _type(wanted, name, at), _in(at, name)) for name, one in given.items()
        }
    if isinstance(value, dict):
        _no(at, "one value")
    return _plain(value, wanted, at)


def _order(item: tuple[str, Any]) -> int:
    return int(item[0])


def _type(wanted: dict[Any, Any], name: str, at: str) -> Any:
    if name in wanted:
        return wanted[name]
    if str in wanted:
        return wanted[str]
    where = _in(at, name)
    raise Refused(f"Nothing here is called {where}", code="parameter_unknown", param=where)


def _in(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _plain(value: str, wanted: type, at: str) -> Any:
    if wanted is bool:
        return (
            {"true": True, "false": False}[value]
            if value in ("true", "false")
            else _no(at, "a boolean")
        )
    if wanted is int:
        return int(value) if re.fullmatch(r"-?\d+", value) else _no(at, "an integer")
    return value


def _no(at: str, kind: str) -> Any:
    code = "parameter_invalid_integer" if kind == "an integer" else "parameter_invalid"
    raise Refused(f"{at} has to be {kind}", code=code, param=at)
