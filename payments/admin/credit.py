"""Staff grant and revoke credit, each time once and for a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms

from accounts.models import User
from common.admin.deciding import Answers, Deciding, Decision, Done
from payments.forms import CreditForm
from payments.models import Grant, Transfer
from payments.services.grants import request_grant, revoke_credit


@dataclass(frozen=True, kw_only=True)
class MovingCredit(Decision[None]):
    """One direction: `service` moves credit once, however often its form is sent."""

    service: Callable[..., Grant | Transfer]
    rights: tuple[str, ...] = ("payments.grant_credit",)
    form: type[forms.Form] = CreditForm
    prefilled: tuple[str, ...] = ("email",)

    def deed(self, row: None, actor: User, answers: Answers) -> Done:
        wanted = dict(answers.fields)
        user = wanted.pop("email")
        moved = self.service(user=user, actor=actor, **wanted)
        return said_of(moved, user)


def said_of(moved: Grant | Transfer, user: User) -> Done:
    """What came of the form."""
    if isinstance(moved, Transfer):
        return Done(f"Took {moved.amount} credits back from {user}", made=moved)
    given = moved.transfers.filter(dedupe_key=f"grant:{moved.pk}").first()
    if given:
        return Done(f"Granted {moved.amount} credits to {user}", made=given)
    wish = f"Asked for {moved.amount} credits for {user}"
    return Done(f"{wish}: someone else on the staff decides", made=moved)


class GivingCredit(Deciding):
    """A page for each direction."""

    decide_at = r"^(?P<verb>grant|revoke)/$"
    decisions = (
        MovingCredit(
            verb="grant",
            label="Grant credit",
            service=request_grant,
            warning="If you grant a lot within 24 hours, someone else on the staff decides.",
        ),
        MovingCredit(verb="revoke", label="Revoke credit", service=revoke_credit),
    )
