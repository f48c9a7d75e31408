"""Credit bought with money from outside: asked for, paid elsewhere, credited here once.

No transaction is open while a processor is asked. Before it, the row is committed with everything
that is sent; after it, the row is locked, compared with what was said, and changed.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.errors import TooManyAttempts
from accounts.models import User
from common.formats import money
from common.locks import Rank, take
from common.pacing import Pace
from common.shapes import Json
from common.transactions import operation, refuse_within_operation
from payments import queries
from payments.errors import AmountOutOfRange, ProcessorUnavailable
from payments.messages.credit import tell_top_up
from payments.models import TopUp, Transfer
from payments.processors import Checkout, Found, Paying, processor_of
from payments.services import ledger
from payments.services.ledger import FEES, Entry, Ref, wallet
from payments.services.turns import FIRST_LOOK, LONGEST_PAUSE, settle_each

Status = TopUp.Status
HOUR = timedelta(hours=1)
# What the address says that paying leads back to.
RETURNED = "returned"
# How long the processor's page takes the payment: Stripe wants half an hour to a day, counted from
# when it is asked, which may be again some time later.
OPEN_FOR = timedelta(hours=3)
MOST_LOOKS = 30_000
# How often a user may have a processor asked, whatever for, as each process counts.
ASKED_PER_MINUTE = 20
_asked = Pace(60)


@operation
def request_top_up(
    *, user: User, amount: Decimal, method: str, return_path: str = "", return_url: str = ""
) -> TopUp:
    """Note that a user wants `amount` credits by a method; nothing is asked of its processor yet.

    Paying leads back to `return_url`, or to a page of ours, which knows `return_path`. A repeat is
    another top-up. Locks the wallet, so that parallel requests count each other. Raises
    `AmountOutOfRange`, `TooManyAttempts`, `ProcessorUnavailable` if the method isn't offered, and
    `ValueError` for an address that `is_ours` and `may_return_to` refuse.
    """
    if not settings.TOP_UP_MIN <= amount <= settings.TOP_UP_MAX:
        raise AmountOutOfRange(minimum=settings.TOP_UP_MIN, maximum=settings.TOP_UP_MAX)
    if (return_path and not is_ours(return_path)) or (return_url and not may_return_to(return_url)):
        raise ValueError(f"Nobody is sent to {return_path or return_url}.")
    processor = processor_of(method)
    now = timezone.now()
    _refuse_too_many(user, now)
    made = TopUp(
        user=user,
        method=method,
        amount=amount,
        live=processor.is_live(),
        return_path=return_path,
        return_url=return_url,
        expires_at=(now + OPEN_FOR).replace(microsecond=0),
        next_look_at=now + FIRST_LOOK,
    )
    page = f"{settings.SITE_URL}{made.get_absolute_url()}?{RETURNED}=1"
    made.parameters = processor.parameters(made, back=return_url or page)
    made.save(force_insert=True)
    return made


def is_ours(path: str) -> bool:
    """Whether it is a path of this site, and no way to another one."""
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)


def may_return_to(url: str) -> bool:
    """Whether an address is on an origin whose pages may call us, and any processor takes it."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    clean = url_has_allowed_host_and_scheme(url, allowed_hosts={parts.netloc})
    return clean and f"{parts.scheme}://{parts.netloc}" in settings.CORS_ALLOWED_ORIGINS


def open_checkout(top_up: TopUp) -> TopUp:
    """Open the page where a top-up is paid; gives it with its `checkout_url`.

    Asks its processor, unless the row knows the address already, or it is no longer open. A repeat
    after a crash gives the same page: what is sent is in the row. Raises `ProcessorUnavailable`,
    and `RuntimeError` inside an operation. Locks the top-up, afterwards.
    """
    refuse_within_operation()
    if top_up.checkout_session or not top_up.is_open:
        return top_up
    return _note_checkout(top_up.pk, processor_of(top_up.method).open_checkout(top_up))


def lead_to_checkout(top_up: TopUp) -> TopUp:
    """The same, for its user, who can have a processor asked so often: else `TooManyAttempts`."""
    is_to_be_asked = top_up.is_open and not top_up.checkout_session
    if is_to_be_asked and (wait := _asked.wait(str(top_up.user_id), ASKED_PER_MINUTE)):
        raise TooManyAttempts(retry_after=wait)
    return open_checkout(top_up)


@operation
def _note_checkout(top_up_id: UUID, checkout: Checkout) -> TopUp:
    top_up = _lock(top_up_id)
    if not top_up.checkout_session:
        top_up.checkout_session, top_up.checkout_url = checkout.id, checkout.url
        top_up.save(update_fields=["checkout_session", "checkout_url", "updated_at"])
    return top_up


def settle_top_up(top_up_id: UUID) -> TopUp:
    """Ask the processor how far a top-up is, and do what follows: credit, once; its fee, once.

    What webhook, return page and job all call; whatever comes twice or late changes nothing more.
    Asks nothing once all is known. Raises `ProcessorUnavailable`, `TopUp.DoesNotExist`, and
    `RuntimeError` inside an operation. Locks the top-up, then the wallet, afterwards.
    """
    refuse_within_operation()
    top_up = TopUp.objects.get(pk=top_up_id)
    if top_up.fee_booked_at:
        return top_up
    if not top_up.checkout_session:
        # Nobody was ever given its page. The answer that names it may be on its way, or lost.
        if top_up.expires_at <= timezone.now():
            return _close(top_up_id)
        top_up = open_checkout(top_up)
    return _book(top_up_id, processor_of(top_up.method).look(top_up))


def look_at(top_up: TopUp) -> TopUp:
    """A top-up as it is now, for somebody who waits for it: settled, if that can be done.

    Without an answer of its processor, or if that was asked too often, it is as we know it.
    """
    if top_up.is_open and not _asked.wait(str(top_up.user_id), ASKED_PER_MINUTE):
        with suppress(ProcessorUnavailable):
            # Nobody pays on a page that nobody was shown.
            unseen = not top_up.checkout_session and top_up.expires_at > timezone.now()
            return open_checkout(top_up) if unseen else settle_top_up(top_up.pk)
    return top_up


def settle_all() -> Iterator[bool]:
    """Settle those of which nothing was heard for a while; gives for each whether that worked."""
    due = TopUp.objects.to_look_at(timezone.now())
    return settle_each("top-up", due, _claim, settle_top_up)


@operation
def _claim(top_up_id: UUID) -> bool:
    """Whether it is still due; then it is due again only after a pause, longer each time."""
    top_up = _lock(top_up_id)
    now = timezone.now()
    if top_up.next_look_at is None or top_up.next_look_at > now:
        return False
    top_up.next_look_at = now + min(FIRST_LOOK * 2 ** min(top_up.looks, 9), LONGEST_PAUSE)
    top_up.looks = min(top_up.looks + 1, MOST_LOOKS)
    top_up.save(update_fields=["looks", "next_look_at", "updated_at"])
    return True


@operation
def _close(top_up_id: UUID) -> TopUp:
    top_up = _lock(top_up_id)
    if top_up.is_open and not top_up.checkout_session:
        _end(top_up, Status.EXPIRED)
        _save(top_up)
    return top_up


@operation
def _book(top_up_id: UUID, found: Found) -> TopUp:
    """Change a top-up by what its processor said a moment ago, which may be outdated by now.

    So nothing ever leads from paid to anything else, and everything else may lead to paid.
    """
    top_up = _lock(top_up_id)
    status = top_up.status
    top_up.problem = _mismatch(top_up, found)
    if top_up.problem:
        pass
    elif found.paying is Paying.PAID:
        if not top_up.is_paid:
            _credit(top_up, found)
        _book_fee(top_up, found)
    elif top_up.is_open:
        _follow(top_up, found.paying)
    _save(top_up)
    if top_up.status != status and top_up.status in (Status.PAID, Status.FAILED):
        tell_top_up(top_up)
    return top_up


def _mismatch(top_up: TopUp, found: Found) -> str:
    """What the processor says that isn't what we asked it for; nothing follows from it then."""
    said = {
        "checkout": (found.checkout, top_up.checkout_session),
        "top-up": (found.about, str(top_up.pk)),
        "amount": (money(found.amount), money(top_up.amount)),
        "currency": (found.currency, top_up.currency),
        "mode": ("live" if found.live else "test", "live" if top_up.live else "test"),
    }
    wrong = (f"{name} {got}, not {asked}" for name, (got, asked) in said.items() if got != asked)
    return "; ".join(wrong)[:200]


def _credit(top_up: TopUp, found: Found) -> None:
    now = timezone.now()
    top_up.status, top_up.paid_at, top_up.pending_since = Status.PAID, now, None
    # Until its fee is known, also where it had ended and nobody was to look any more.
    top_up.looks, top_up.next_look_at = 0, now + FIRST_LOOK
    top_up.payment_intent, top_up.charge = found.payment_intent, found.charge
    top_up.receipt = _receipt(top_up, found)
    entry = Entry(
        dedupe_key=f"top_up:{top_up.checkout_session}",
        kind=Transfer.Kind.TOP_UP,
        debit=Ref(top_up.method),
        credit=wallet(top_up.user_id),
        amount=top_up.amount,
        top_up=top_up,
        note=top_up.reference,
    )
    ledger.transfer_all([entry])


def _receipt(top_up: TopUp, found: Found) -> Json:
    """What it says for ever, whatever anybody is called later."""
    assert top_up.paid_at
    return {
        "reference": top_up.reference,
        "paid_at": top_up.paid_at.isoformat(),
        "amount": str(top_up.amount),
        "currency": top_up.currency,
        "method": top_up.get_method_display(),
        "paid_with": found.paid_with,
        "name": top_up.user.display_name,
        "email": top_up.user.email,
        "live": top_up.live,
    }


def _book_fee(top_up: TopUp, found: Found) -> None:
    """What the processor kept of the payment is our cost, once it is known."""
    if found.fee is None or top_up.fee_booked_at:
        return
    if found.fee and found.fee_currency != top_up.currency:
        top_up.problem = f"fee in {found.fee_currency}, not {top_up.currency}"
        return
    top_up.charge = top_up.charge or found.charge
    top_up.fee, top_up.fee_booked_at, top_up.next_look_at = found.fee, timezone.now(), None
    entry = Entry(
        dedupe_key=f"fee:{top_up.pk}",
        kind=Transfer.Kind.FEE,
        debit=FEES,
        credit=Ref(top_up.method),
        amount=found.fee,
        top_up=top_up,
        note=top_up.reference,
    )
    ledger.transfer_all([entry])


def _follow(top_up: TopUp, paying: Paying) -> None:
    """What an open top-up becomes without being paid."""
    if paying is Paying.PENDING:
        top_up.pending_since = top_up.pending_since or timezone.now()
    elif paying is Paying.EXPIRED:
        _end(top_up, Status.EXPIRED)
    elif paying is Paying.FAILED:
        _end(top_up, Status.FAILED)


def _end(top_up: TopUp, status: Status) -> None:
    top_up.status, top_up.pending_since, top_up.next_look_at = status, None, None


def _save(top_up: TopUp) -> None:
    names = (
        "status", "paid_at", "pending_since", "payment_intent", "charge", "receipt", "problem",
        "fee", "fee_booked_at", "looks", "next_look_at", "updated_at",
    )  # fmt: skip
    top_up.save(update_fields=names)


def _lock(top_up_id: UUID) -> TopUp:
    take(Rank.TOP_UP, top_up_id)
    return TopUp.objects.locked().get(pk=top_up_id)


def _refuse_too_many(user: User, now: datetime) -> None:
    for account in queries.lock_account(ledger.Kind.WALLET, user.pk):
        take(Rank.ACCOUNT, account.pk)
    recent = TopUp.objects.of(user).filter(created_at__gt=now - HOUR).newest_first()
    times = [*recent.values_list("created_at", flat=True)[: settings.TOP_UPS_PER_HOUR]]
    if len(times) == settings.TOP_UPS_PER_HOUR:
        wait = times[-1] + HOUR - now
        raise TooManyAttempts(retry_after=int(wait.total_seconds()) + 1)
