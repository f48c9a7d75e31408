"""Email addresses: the one spelling in which each is stored, looked up, compared and counted."""

import unicodedata
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from common.fields import ExactCharField

# One letter may become eighteen, so no more are read than an address can have.
LONGEST = 320


def normal_address(text: str) -> str:
    """The one spelling of an address: lower case, with the domain as in the DNS (IDNA 2008).

    So `Anna@Müller.de` is `anna@xn--mller-kva.de`. Text that has no such spelling is returned with
    something in it that `validate_address` refuses.
    """
    if len(text) > LONGEST:
        return text
    local, at, domain = unicodedata.normalize("NFKC", text).strip().lower().rpartition("@")
    return f"{local}{at}{_in_dns(domain)}"


def validate_address(address: str) -> None:
    """Refuse anything but an address in its normal form, such as text that isn't ASCII.

    In quotes a mailbox would have many spellings.
    """
    if not (address.isascii() and address.isprintable()) or '"' in address:
        raise ValidationError(validate_email.message, code="invalid")
    validate_email(address)


def _in_dns(domain: str) -> str:
    # IDNA allows invisible joiners.
    if domain.isascii() or not domain.isprintable():
        return domain
    try:
        return idna.encode(domain).decode()
    except idna.IDNAError:
        return domain


class AddressFormField(forms.EmailField):
    """An address as typed by a user, brought into its normal form."""

    default_validators = [validate_address]

    def to_python(self, value: object) -> str:
        return normal_address(super().to_python(value) or "")


class AddressField(ExactCharField, models.EmailField):
    """An address, stored and looked up in its normal form, however it was written."""

    default_validators = [validate_address]

    def to_python(self, value: object) -> object:
        text = super().to_python(value)
        return normal_address(text) if isinstance(text, str) else text

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        address = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, address)
        return address

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"form_class": AddressFormField, **kwargs})
