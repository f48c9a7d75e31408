"""What Stripe's API answers: one function for each call that we make, or may come to make."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.stripe.account import Account, Thing
from tests.stripe.forms import Refused

HALF_AN_HOUR, DAY = 30 * 60, 24 * 3600
KINDS = {
    "checkout/sessions": "checkout.session",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "balance_transactions": "balance_transaction",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
}
LISTS = {
    "list_sessions": "checkout.session",
    "list_charges": "charge",
    "list_payment_intents": "payment_intent",
    "list_refunds": "refund",
    "list_disputes": "dispute",
    "list_balance_transactions": "balance_transaction",
    "list_events": "event",
}
EXPANDABLE = {
    "payment_intent",
    "latest_charge",
    "charge",
    "balance_transaction",
    "failure_balance_transaction",
    "source",
}
ROUTES: list[tuple[str, str, str]] = [
    ("POST", r"checkout/sessions", "create_session"),
    ("POST", r"checkout/sessions/(\w+)/expire", "expire_session"),
    ("POST", r"refunds", "create_refund"),
    ("POST", r"disputes/(\w+)", "update_dispute"),
    ("POST", r"disputes/(\w+)/close", "close_dispute"),
    ("GET", r"balance", "retrieve_balance"),
    *[("GET", path, f"list_{path.rpartition('/')[2]}") for path in KINDS],
    *[("GET", rf"{path}/(\w+)", "retrieve") for path in KINDS],
]


def find(method: str, path: str) -> tuple[str, str]:
    """The name of the call, and the id in its path; raises Refused for what there is not."""
    for wanted, pattern, name in ROUTES:
        match = re.fullmatch(f"/v1/{pattern}", path)
        if match and method == wanted:
            return name, "".join(match.groups())
    raise Refused(f"Nothing answers {method} {path}", 404)


def answer(account: Account, path: str, call: str, key: str, asked: Thing) -> Thing:
    """Do what is asked; what is to be expanded is."""
    expand = asked.pop("expand", [])
    if call in LISTS:
        found = listed(account, path, LISTS[call], asked)
        _expand(account, found, expand)
        return found
    shown = CALLS[call](account, path, key, asked)
    _expand(account, shown, expand)
    return shown


# --- what is there ------------------------------------------------------------------------------


def retrieve(account: Account, path: str, key: str, asked: Thing) -> Thing:
    kind = KINDS[path.removeprefix("/v1/").rpartition("/")[0]]
    if kind == "event":
        found = next((event for event in account.events if event["id"] == key), None)
        return found or account.get(key, kind)
    account.get(key, kind)
    return account.show(key)


def listed(account: Account, path: str, kind: str, asked: Thing) -> Thing:
    """A page of those that are as asked, the newest first."""
    limit, after = asked.pop("limit", 10), asked.pop("starting_after", None)
    since, types = asked.pop("created", {}), asked.pop("types", None)
    events = list(reversed(account.events))
    found = events if kind == "event" else [account.show(one["id"]) for one in account.all(kind)]
    found = [one for one in found if all(one.get(name) == value for name, value in asked.items())]
    found = [one for one in found if _within(one["created"], since)]
    found = [one for one in found if types is None or one["type"] in types]
    if after:
        found = found[1 + [one["id"] for one in found].index(after) :]
    more = len(found) > limit
    return {"object": "list", "data": found[:limit], "has_more": more, "url": path}


def _within(at: int, since: dict[str, int]) -> bool:
    tests: dict[str, Callable[[int], bool]] = {
        "gt": lambda bound: at > bound,
        "gte": lambda bound: at >= bound,
        "lt": lambda bound: at < bound,
        "lte": lambda bound: at <= bound,
    }
    return all(tests[name](bound) for name, bound in since.items())


def retrieve_balance(account: Account, path: str, key: str, asked: Thing) -> Thing:
    lies = [
        {"amount": cents, "currency": currency, "source_types": {"card": cents}}
        for currency, cents in account.balance().items()
    ]
    return {
        "object": "balance",
        "available": [],
        "livemode": account.habits["live"],
        "pending": lies,
    }


def _expand(account: Account, shown: Any, paths: Iterable[str]) -> None:
    for path in paths:
        names = path.split(".")
        if len(names) > 4 + names.count("data"):
            raise Refused(f"{path} is too deep to be expanded", param="expand")
        _open(account, shown, names, path)


def _open(account: Account, shown: Any, names: list[str], path: str) -> None:
    """Put objects where their ids stand."""
    if not names or shown is None:
        return
    name, *others = names
    if name == "data" and isinstance(shown.get("data"), list):
        for one in shown["data"]:
            _open(account, one, others, path)
        return
    if name not in EXPANDABLE or name not in shown:
        raise Refused(f"{path} cannot be expanded", param="expand")
    if isinstance(shown[name], str):
        shown[name] = account.show(shown[name])
    _open(account, shown[name], others, path)


# --- Checkout -----------------------------------------------------------------------------------


def create_session(account: Account, path: str, key: str, asked: Thing) -> Thing:
    _check_session(account, asked)
    item = asked["line_items"][0]["price_data"]
    total = sum(
        one["price_data"]["unit_amount"] * one.get("quantity", 1) for one in asked["line_items"]
    )
    now = int(account.now())
    made = account.add(
        "cs_live" if account.habits["live"] else "cs_test",
        "checkout.session",
        adaptive_pricing={"enabled": asked.get("adaptive_pricing", {}).get("enabled", True)},
        amount_subtotal=total,
        amount_total=total,
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        cancel_url=asked.get("cancel_url"),
        client_reference_id=asked.get("client_reference_id"),
        currency=item["currency"],
        custom_fields=[],
        custom_text={"after_submit": None, "submit": None},
        customer=None,
        customer_email=asked.get("customer_email"),
        expires_at=asked.get("expires_at", now + DAY),
        locale=asked.get("locale"),
        metadata=asked.get("metadata", {}),
        mode="payment",
        payment_intent=None,
        payment_method_types=asked.get("allowed_payment_method_types", ["card"]),
        payment_status="unpaid",
        shipping_options=[],
        status="open",
        submit_type=asked.get("submit_type"),
        success_url=asked["success_url"],
        _intent=asked.get("payment_intent_data", {}),
    )
    made["url"] = f"{account.url}/c/pay/{made['id']}"
    return account.show(made["id"])


def _check_session(account: Account, asked: Thing) -> None:
    for name in ("mode", "success_url", "line_items"):
        if not asked.get(name):
            raise Refused(f"{name} is needed", code="parameter_missing", param=name)
    if asked["mode"] != "payment":
        raise Refused("Nothing here is paid but once", param="mode")
    if len(asked.get("client_reference_id", "")) > 200:
        raise Refused("At most 200 characters", param="client_reference_id")
    _check_expiry(account, asked)
    _check_items(asked["line_items"])
    _check_words(asked)


def _check_expiry(account: Account, asked: Thing) -> None:
    now = account.now()
    if not now + HALF_AN_HOUR - 1 <= asked.get("expires_at", now + DAY) <= now + DAY:
        raise Refused("A session lasts half an hour to a day", param="expires_at")


def _check_items(items: list[Thing]) -> None:
    for n, item in enumerate(items):
        price, at = item.get("price_data", {}), f"line_items[{n}][price_data]"
        if not {"currency", "unit_amount"} <= price.keys():
            raise Refused(f"{at} says no price", code="parameter_missing", param=at)
        if price["unit_amount"] * item.get("quantity", 1) < 50:
            raise Refused("At least 0.50", code="amount_too_small", param=at)
        if not price.get("product_data", {}).get("name") and not price.get("product"):
            raise Refused(f"{at} says not what is sold", code="parameter_missing", param=at)


def _check_words(asked: Thing) -> None:
    intent = asked.get("payment_intent_data", {})
    for name, words in (("metadata", asked.get("metadata", {})), ("", intent.get("metadata", {}))):
        at = name or "payment_intent_data[metadata]"
        if len(words) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in words.items()):
            raise Refused("Too much is to be remembered", param=at)
    if "statement_descriptor" in intent and "card" in asked.get(
        "allowed_payment_method_types", ["card"]
    ):
        raise Refused("A card's statement takes a suffix alone", param="payment_intent_data")
    suffix = intent.get("statement_descriptor_suffix")
    if suffix is not None and not re.fullmatch(r"(?=.*[A-Za-z])[^<>\\'\"*]{1,22}", suffix):
        raise Refused("No suffix of a card's statement", param="payment_intent_data")


def expire_session(account: Account, path: str, key: str, asked: Thing) -> Thing:
    account.expire(key)
    return account.show(key)


# --- money back ---------------------------------------------------------------------------------


def create_refund(account: Account, path: str, key: str, asked: Thing) -> Thing:
    charge = asked.pop("charge", None)
    if intent := asked.pop("payment_intent", None):
        charge = account.get(intent, "payment_intent")["latest_charge"]
    if not charge:
        raise Refused("Which charge?", code="parameter_missing", param="charge")
    return account.show(account.refund(charge, asked.pop("amount", None), **asked)["id"])


def update_dispute(account: Account, path: str, key: str, asked: Thing) -> Thing:
    dispute = account.get(key, "dispute")
    dispute["evidence"] |= asked.get("evidence", {})
    dispute["metadata"] |= asked.get("metadata", {})
    dispute["evidence_details"]["has_evidence"] = bool(dispute["evidence"])
    if asked.get("submit", True) and "evidence" in asked:
        warning = "warning_" if dispute["status"].startswith("warning") else ""
        dispute["status"] = f"{warning}under_review"
        dispute["evidence_details"]["submission_count"] += 1
    account.tell("charge.dispute.updated", dispute)
    return account.show(key)


def close_dispute(account: Account, path: str, key: str, asked: Thing) -> Thing:
    account.lose(key)
    return account.show(key)


CALLS: dict[str, Callable[[Account, str, str, Thing], Thing]] = {
    "close_dispute": close_dispute,
    "create_refund": create_refund,
    "create_session": create_session,
    "expire_session": expire_session,
    "retrieve": retrieve,
    "retrieve_balance": retrieve_balance,
    "update_dispute": update_dispute,
}
