"""Staff grant and revoke credit, each time once and for a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms

from accounts.models import User
from common.admin.deciding import Answers, Deciding, Decision, Done
from payments.forms import CreditForm
from payments.models import Transfer
from payments.services.ledger import grant_credit, revoke_credit


@dataclass(frozen=True, kw_only=True)
class MovingCredit(Decision[None]):
    """One direction: `service` moves credit once, however often its form is sent."""

    done: str
    service: Callable[..., Transfer]
    rights: tuple[str, ...] = ("payments.grant_credit",)
    form: type[forms.Form] = CreditForm
    prefilled: tuple[str, ...] = ("email",)

    def deed(self, row: None, actor: User, answers: Answers) -> Done:
        wanted = dict(answers.fields)
        user = wanted.pop("email")
        moved = self.service(user=user, actor=actor, **wanted)
        owners = {moved.debit_account.owner_id, moved.credit_account.owner_id, moved.debtor_id}
        amount = Transfer.objects.total_of(moved.dedupe_key)
        if user.pk not in owners or amount != wanted["amount"]:
            raise forms.ValidationError("This form moved something else before. Open a new one.")
        return Done(self.done.format(amount, user), made=moved)


class GivingCredit(Deciding):
    """A page for each direction."""

    decide_at = r"^(?P<verb>grant|revoke)/$"
    decisions = (
        MovingCredit(
            verb="grant",
            label="Grant credit",
            done="Granted {} credits to {}",
            service=grant_credit,
        ),
        MovingCredit(
            verb="revoke",
            label="Revoke credit",
            done="Took {} credits back from {}",
            service=revoke_credit,
        ),
    )
