"""Input of the bank's pages."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import QueryDict
from uuid_utils.compat import uuid7

from accounts.addresses import AddressFormField
from accounts.models import User
from accounts.services import confirm_password
from common.errors import InvalidAmount
from common.formats import money
from common.forms import AmountField, LongTextField, RefusableForm
from common.money import parse_amount, total
from payments.errors import BelowMinimum, InsufficientBalance, NotRefundable
from payments.models import TopUp
from payments.processors import methods
from payments.refunding import Piece
from payments.sealing import MAX_LENGTH, MIN_LENGTH
from payments.services.refunds import request_refund
from payments.services.topups import is_ours, request_top_up
from payments.services.withdrawals import request_withdrawal


class CreditForm(forms.Form):
    """Whose credit, how much, and why; `request_id` stays the same when the form is sent again."""

    email = AddressFormField(label="User's email")
    amount = AmountField(help_text="Credits, such as 12.50.")
    reason = LongTextField(rows=3, max_length=500)
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    def clean_email(self) -> User:
        user = User.objects.filter(email=self.cleaned_data["email"]).first()
        if user is None:
            raise forms.ValidationError("There is no user with this email address.")
        return user


class ReferenceForm(forms.Form):
    """The bank's reference for a payment, to find it there."""

    reference = forms.CharField(max_length=100)


class AmountForm(forms.Form):
    """How much of what is `available` to withdraw: all of it by default."""

    amount = AmountField()

    def __init__(
        self, data: QueryDict | dict[str, str] | None = None, *, available: Decimal
    ) -> None:
        super().__init__(data, initial={"amount": available})
        self.available = available

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount < settings.MIN_WITHDRAWAL:
            raise forms.ValidationError(str(BelowMinimum(minimum=settings.MIN_WITHDRAWAL)))
        if amount > self.available:
            raise forms.ValidationError(str(InsufficientBalance()))
        return amount


class WithdrawalForm(RefusableForm):
    """Where to pay the chosen amount, and the password again."""

    about = {"wrong_password": "password", "throttled": "password"}
    amount = AmountField(widget=forms.HiddenInput)
    payout_details = forms.CharField(
        label="Pay to",
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        help_text="Account holder and IBAN, or what your bank needs. We keep it encrypted, and "
        "show only the last four characters afterwards.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    password = forms.CharField(
        label="Your password",
        max_length=128,
        strip=False,
        help_text="So we know it's you.",
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    @property
    def wanted(self) -> Decimal | None:
        """The amount, if it can be read."""
        return self.cleaned_data.get("amount") if self.is_bound else self.initial["amount"]

    def confirm(self, user: User, address: str) -> bool:
        """Whether the password is the user's; if not, the form says so."""
        with self.refusals():
            confirm_password(user=user, password=self.cleaned_data["password"], address=address)
        return not self.refusal

    def request(self, user: User) -> dict[str, str]:
        """Make the withdrawal; gives its amount."""
        made = request_withdrawal(
            user=user,
            amount=self.cleaned_data["amount"],
            payout_details=self.cleaned_data["payout_details"],
        )
        return {"amount": str(made.amount)}


class TopUpForm(RefusableForm):
    """How much credit to buy, by which method, and the page of ours that it is for."""

    about = {"amount_out_of_range": "amount"}
    amount = AmountField(label="Amount in US dollars")
    method = forms.ChoiceField(label="Pay by")
    next = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        offered = methods()
        least, most = money(settings.TOP_UP_MIN), money(settings.TOP_UP_MAX)
        self.fields["amount"].help_text = f"{least} to {most}."
        chosen = cast(forms.ChoiceField, self.fields["method"])
        chosen.choices = [(method, TopUp.Method(method).label) for method in offered]
        if len(offered) == 1:
            chosen.widget, chosen.initial = forms.HiddenInput(), offered[0]

    @staticmethod
    def preset(asked: QueryDict) -> dict[str, object]:
        """What a link to this form says: the sum that is missing, and what it is missing for."""
        preset: dict[str, object] = {"next": asked.get("next", "")}
        with suppress(InvalidAmount):
            missing = max(parse_amount(asked.get("amount")), settings.TOP_UP_MIN)
            preset["amount"] = min(missing, settings.TOP_UP_MAX)
        return preset

    def clean_next(self) -> str:
        path: str = self.cleaned_data["next"]
        return path if is_ours(path) else ""

    def request(self, user: User) -> dict[str, str]:
        """Ask for the top-up; gives its key."""
        made = request_top_up(
            user=user,
            amount=self.cleaned_data["amount"],
            method=self.cleaned_data["method"],
            return_path=self.cleaned_data["next"],
        )
        return {"top_up": str(made.pk)}


class AmountToRefundForm(forms.Form):
    """How much of what can go back, by these pieces: all of it by default."""

    amount = AmountField()

    def __init__(self, data: QueryDict | None = None, *, pieces: Sequence[Piece]) -> None:
        self.refundable = total(piece.amount for piece in pieces)
        super().__init__(data, initial={"amount": self.refundable})

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if amount > self.refundable:
            raise forms.ValidationError(str(NotRefundable(refundable=self.refundable)))
        return amount


class RefundForm(RefusableForm):
    """The amount that was looked at, to be confirmed."""

    amount = AmountField(widget=forms.HiddenInput)

    def request(self, user: User) -> dict[str, str]:
        """Have it refunded; gives the key of the request."""
        made = request_refund(user=user, amount=self.cleaned_data["amount"])
        return {"refund": str(made.pk)}


class RehearsalForm(forms.Form):
    """What is played on the page that stands for a processor's."""

    outcome = forms.ChoiceField(choices=[(s, s) for s in ("paid", "failed", "pending", "closed")])
