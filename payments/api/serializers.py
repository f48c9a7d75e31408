"""JSON of what is held and what moved."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import ProfileSerializer
from accounts.models import User
from payments.models import HoldPart, PaymentHold, Transfer


class HoldSerializer(serializers.ModelSerializer):
    enrollment_id = serializers.UUIDField(allow_null=True)
    session_purchase_id = serializers.UUIDField(allow_null=True)
    teacher_id = serializers.UUIDField()
    student_id = serializers.UUIDField()

    class Meta:
        model = PaymentHold
        fields = [
            "id",
            "enrollment_id",
            "session_purchase_id",
            "teacher_id",
            "student_id",
            "amount",
            "released_amount",
            "refunded_amount",
            "status",
            "held_at",
            "released_at",
            "release_percentage",
        ]


class HoldPartSerializer(serializers.ModelSerializer):
    session_id = serializers.UUIDField()
    session_title = serializers.CharField(source="session.title")
    starts_at = serializers.DateTimeField(source="session.starts_at")

    class Meta:
        model = HoldPart
        fields = [
            "id",
            "session_id",
            "session_title",
            "starts_at",
            "sold_starts_at",
            "amount",
            "refunded_amount",
            "status",
            "settled_at",
            "reason",
            "review_reason",
        ]


class HoldEventSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    event = serializers.ChoiceField(choices=["held", "released", "refunded"])
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    session_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class HoldWithTimelineSerializer(HoldSerializer):
    parts = HoldPartSerializer(many=True)
    timeline = HoldEventSerializer(many=True)

    class Meta(HoldSerializer.Meta):
        fields = [*HoldSerializer.Meta.fields, "parts", "timeline"]


class TransferSerializer(serializers.ModelSerializer):
    """`amount` is signed as the account sees it: negative when it paid."""

    account = serializers.CharField(help_text="Which of my accounts: wallet, earnings, …")
    amount = serializers.SerializerMethodField()
    hold_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Transfer
        fields = ["id", "kind", "account", "amount", "hold_id", "note", "created_at"]

    def get_amount(self, transfer: Any) -> str:
        return str(-transfer.amount if transfer.paid else transfer.amount)


class WalletSerializer(serializers.Serializer):
    credit_balance = serializers.DecimalField(max_digits=12, decimal_places=2)
    held = serializers.DecimalField(max_digits=12, decimal_places=2)


class MeSerializer(ProfileSerializer, WalletSerializer):
    class Meta:
        model = User
        fields = (*ProfileSerializer.Meta.fields, "credit_balance", "held")
