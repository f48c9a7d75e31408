"""E-mail addresses: the one spelling that each is kept, looked up, compared and counted by."""

import unicodedata
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from common.fields import ExactCharField

# One letter may become eighteen: no more of them are looked at than an address can have.
LONGEST = 320


def normal_address(text: str) -> str:
    """The one spelling of an address: lower case, and the domain as the DNS has it (IDNA 2008).

    So `Anna@Müller.de` is `anna@xn--mller-kva.de`. What has no such spelling comes back with
    something in it that `validate_address` refuses.
    """
    if len(text) > LONGEST:
        return text
    local, at, domain = unicodedata.normalize("NFKC", text).strip().lower().rpartition("@")
    return f"{local}{at}{_in_dns(domain)}"


def validate_address(address: str) -> None:
    """Refuse what is no address in its normal form, as all that is not ASCII or not visible."""
    if not (address.isascii() and address.isprintable()):
        raise ValidationError(validate_email.message, code="invalid")
    validate_email(address)


def _in_dns(domain: str) -> str:
    # IDNA allows joiners that nobody sees.
    if domain.isascii() or not domain.isprintable():
        return domain
    try:
        return idna.encode(domain).decode()
    except idna.IDNAError:
        return domain


class AddressFormField(forms.EmailField):
    """An address as somebody types it, in its normal form."""

    default_validators = [validate_address]

    def to_python(self, value: Any) -> str:
        return normal_address(super().to_python(value) or "")


class AddressField(ExactCharField, models.EmailField):
    """An address in its normal form, in which it is kept and looked for, however it was written."""

    default_validators = [validate_address]

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normal_address(text) if isinstance(text, str) else text

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        address = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, address)
        return address

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": AddressFormField, **kwargs})
