"""Input of the bank's pages."""

from decimal import Decimal

from django import forms
from uuid_utils.compat import uuid7

from accounts.models import User
from common.errors import InvalidAmount
from common.money import parse_amount


class GrantForm(forms.Form):
    """Who gets how much credit, and why; `request_id` is the same when the form is sent again."""

    email = forms.EmailField(label="User's e-mail")
    amount = forms.CharField(max_length=11, help_text="Credits, such as 12.50.")
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    def clean_email(self) -> User:
        email = self.cleaned_data["email"].strip().lower()
        user = User.objects.filter(email=email).first()
        if user is None:
            raise forms.ValidationError("There is no user with this e-mail address.")
        return user

    def clean_amount(self) -> Decimal:
        try:
            return parse_amount(self.cleaned_data["amount"])
        except InvalidAmount as error:
            raise forms.ValidationError(str(error), code=error.code) from error


class ReasonForm(forms.Form):
    """Why staff do what they do: it stays with the money for good."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
