"""The page on which a customer pays, as plain as it can be."""

from html import escape
from urllib.parse import parse_qs

from tests.stripe.account import Account, Thing
from tests.stripe.forms import Refused

CHOICES = {
    "pay": "Pay",
    "decline": "Pay with a card that is declined",
    "pay_later": "Pay by a slow method",
    "expire": "Let it expire",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Checkout</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body><main>
<h1>{heading}</h1>
{more}
</main></body></html>"""


def show(account: Account, key: str, alert: str = "") -> str:
    """The page of a session, or what is said where it cannot be paid."""
    session = account.get(key, "checkout.session")
    if session["status"] != "open":
        return PAGE.format(heading=f"This page is {session['status']}", more="")
    more = [f"<p role=alert>{escape(alert)}</p>"] if alert else []
    more += [
        f'<form method="post"><button name="do" value="{name}">{text}</button></form>'
        for name, text in CHOICES.items()
    ]
    if session["cancel_url"]:
        more.append(f'<a href="{escape(session["cancel_url"])}">Back</a>')
    sum_ = f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}"
    return PAGE.format(heading=f"Pay {sum_}", more="\n".join(more))


def act(account: Account, key: str, form: str) -> tuple[str, str]:
    """Do what was clicked; gives where to go, or else the page to show."""
    wanted = parse_qs(form)["do"][0]
    try:
        session: Thing = getattr(account, wanted if wanted in CHOICES else "get")(key)
    except Refused as refused:
        return "", PAGE.format(heading=escape(str(refused)), more="")
    if wanted in ("pay", "pay_later"):
        return session["success_url"].replace("{CHECKOUT_SESSION_ID}", key), ""
    return "", show(account, key, "Your card was declined." if wanted == "decline" else "")
