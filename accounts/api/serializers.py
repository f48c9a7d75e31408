"""What the sign-in calls accept and return."""

from rest_framework import serializers

from accounts.addresses import normal_address
from accounts.models import User, validate_time_zone
from common.rendering import RenderedModel


class Text(serializers.CharField):
    """A string, and nothing that could merely be converted to one."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Email(serializers.EmailField, Text):
    """An address in its normal form."""

    def to_internal_value(self, data: object) -> str:
        return normal_address(super().to_internal_value(data))


class ProfileSerializer(RenderedModel):
    email_proved = serializers.BooleanField(
        help_text="Whether emails go there: the user has used a link that was sent there."
    )

    class Meta:
        model = User
        fields = (
            "id", "email", "email_proved", "display_name", "is_teacher", "referral_code",
            "time_zone",
        )  # fmt: skip
        read_only_fields = fields


class AccountSerializer(ProfileSerializer):
    email_refused = serializers.BooleanField(
        help_text="Whether a mail server refused the address for good: no emails go there."
    )
    new_email = serializers.CharField(
        help_text="The address that replaces `email` once it is confirmed; empty if there is none."
    )

    class Meta:
        model = User
        fields = (*ProfileSerializer.Meta.fields, "email_refused", "new_email")
        read_only_fields = fields


class RegistrationSerializer(serializers.Serializer):
    email = Email(max_length=254)
    password = Text(max_length=128, trim_whitespace=False, write_only=True)
    display_name = Text(max_length=100)
    referral_code = Text(max_length=20, required=False, allow_blank=True)
    time_zone = Text(max_length=64, required=False, validators=[validate_time_zone])


class NewAddressSerializer(serializers.Serializer):
    email = Email(max_length=254)
    password = Text(max_length=128, trim_whitespace=False, write_only=True)


class LinkSentSerializer(serializers.Serializer):
    sent_to = serializers.EmailField(help_text="The address that a link was sent to.")


class CredentialsSerializer(serializers.Serializer):
    email = Text(max_length=254)
    password = Text(max_length=128, trim_whitespace=False, write_only=True)


class RefreshSerializer(serializers.Serializer):
    refresh = Text(max_length=2000)


class TokenPairSerializer(serializers.Serializer):
    access = serializers.CharField(help_text="To be sent as `Authorization: Bearer …`.")
    refresh = serializers.CharField(help_text="Can be exchanged once for a new pair.")
