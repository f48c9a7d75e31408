"""JSON of what is held and what moved."""

from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import AccountSerializer, Text
from accounts.models import User
from common.errors import InvalidAmount
from common.money import parse_amount, parse_sum
from common.parsers import Exact
from common.rendering import Money, Rendered, RenderedModel
from payments.models import HoldPart, PaymentHold, TopUp, TopUpRefund, Transfer, Withdrawal
from payments.sealing import MAX_LENGTH, MIN_LENGTH
from payments.services.topups import may_return_to

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Seen(TypedDict):
        account: str
        paid: int

    SeenTransfer = WithAnnotations[Transfer, _Seen]
else:
    SeenTransfer = Transfer


class HoldSerializer(RenderedModel):
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


class HoldPartSerializer(RenderedModel):
    session_id = serializers.UUIDField()
    session_title = serializers.CharField(source="session.title")
    starts_at = serializers.DateTimeField(source="session.starts_at")
    duration_minutes = serializers.IntegerField(source="session.duration_minutes")

    class Meta:
        model = HoldPart
        fields = [
            "id",
            "session_id",
            "session_title",
            "starts_at",
            "duration_minutes",
            "sold_starts_at",
            "sold_duration_minutes",
            "amount",
            "refunded_amount",
            "status",
            "settled_at",
            "reason",
            "review_reason",
        ]


class HoldEventSerializer(Rendered):
    at = serializers.DateTimeField()
    event = serializers.ChoiceField(choices=["held", "released", "refunded"])
    amount = Money()
    session_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class HoldWithTimelineSerializer(HoldSerializer):
    parts = HoldPartSerializer(many=True)
    timeline = HoldEventSerializer(many=True)

    class Meta(HoldSerializer.Meta):
        fields = [*HoldSerializer.Meta.fields, "parts", "timeline"]


class TransferSerializer(RenderedModel):
    """`amount` is signed from the account's point of view: negative when it paid."""

    account = serializers.CharField(
        help_text="Which of my accounts: wallet, earnings, …; `debts` for what I owe."
    )
    amount = serializers.SerializerMethodField()
    hold_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Transfer
        fields = ["id", "kind", "account", "amount", "hold_id", "note", "created_at"]

    def get_amount(self, transfer: SeenTransfer) -> str:
        return str(-transfer.amount if transfer.paid else transfer.amount)


class BalancesSerializer(Rendered):
    credit_balance = Money(source="credit")
    held = Money()
    owed = Money(help_text="What comes in pays this first. Who owes has no credit.")


class WalletSerializer(BalancesSerializer):
    refundable = Money(help_text="How much of the credit can go back to where I paid from now.")


SENT = {"type": "string", "pattern": r"^[0-9]{1,8}(\.[0-9]{1,2})?$"}


@extend_schema_field(SENT)
class Amount(serializers.Field):
    """An amount sent by a client: a string, more than zero, with at most two decimals."""

    def to_internal_value(self, data: object) -> Decimal:
        return parse_amount(data)


@extend_schema_field(SENT)
class ExpectedSum(serializers.Field):
    """What a client has shown to its user, to be compared: written as an amount, or zero."""

    default_error_messages = {"invalid": 'Send an amount as a string, such as "12.50".'}

    def to_internal_value(self, data: object) -> Decimal:
        try:
            return parse_sum(data)
        except InvalidAmount:
            self.fail("invalid")


class ReferralEarningsSerializer(Rendered):
    held = Money(source="held_referrals")
    released = Money(source="released_referrals")


class SessionEarningsSerializer(Rendered):
    session_id = serializers.UUIDField(source="session.pk")
    session_title = serializers.CharField(source="session.title")
    session_number = serializers.IntegerField(source="session.session_number")
    course_id = serializers.UUIDField(source="session.course_id")
    course_title = serializers.CharField(source="session.course.title")
    starts_at = serializers.DateTimeField(source="session.starts_at")
    duration_minutes = serializers.IntegerField(source="session.duration_minutes")
    students = serializers.IntegerField()
    attended = serializers.IntegerField()
    gross = Money()
    commission = Money()
    net = Money()
    status = serializers.ChoiceField(choices=["held", "under_review", "released", "refunded"])
    payable_at = serializers.DateTimeField(
        allow_null=True, help_text="When it will be paid: some time after the session ends."
    )
    paid_at = serializers.DateTimeField(allow_null=True)


class EarningsSerializer(Rendered):
    held = Money(
        source="figures.held", help_text="To be paid if every session takes place and is attended."
    )
    released = Money(
        source="figures.released",
        help_text="Everything ever paid to me: available, withdrawing and paid.",
    )
    available = Money(source="figures.available")
    withdrawing = Money(source="figures.withdrawing")
    paid = Money(source="figures.paid")
    referrals = ReferralEarningsSerializer(source="figures")
    sessions = SessionEarningsSerializer(many=True)


class WithdrawalSerializer(RenderedModel):
    payout_details = serializers.CharField(
        source="masked_details", help_text="Only its last characters."
    )
    reference = serializers.CharField(source="payout_reference", help_text="Set once it is paid.")
    reason = serializers.CharField(source="notes", help_text="Why it was rejected.")

    class Meta:
        model = Withdrawal
        fields = [
            "id",
            "amount",
            "status",
            "payout_details",
            "requested_at",
            "decided_at",
            "completed_at",
            "reference",
            "reason",
        ]


class WithdrawalRequestSerializer(Exact):
    amount = Amount()
    payout_details = Text(
        min_length=MIN_LENGTH,
        max_length=MAX_LENGTH,
        help_text="Where to pay it: the account's holder and number.",
    )
    password = Text(max_length=128, trim_whitespace=False, write_only=True)


class TopUpSerializer(RenderedModel):
    checkout_url = serializers.CharField(
        source="page", help_text="Where to pay it, as long as it is open; otherwise empty."
    )
    live = serializers.BooleanField(help_text="Whether the money is real; otherwise it is a test.")
    pending_since = serializers.DateTimeField(
        allow_null=True, help_text="Paid by a slow method, and the money hasn't arrived yet."
    )

    class Meta:
        model = TopUp
        fields = [
            "id",
            "status",
            "amount",
            "method",
            "live",
            "reference",
            "checkout_url",
            "created_at",
            "expires_at",
            "pending_since",
            "paid_at",
        ]


class RefundRowSerializer(RenderedModel):
    top_up_id = serializers.UUIDField()
    reference = serializers.CharField(source="top_up.reference")

    class Meta:
        model = TopUpRefund
        fields = ["top_up_id", "reference", "amount", "status"]


class RefundSerializer(RenderedModel):
    amount = Money(source="total")
    status = serializers.ChoiceField(
        choices=TopUpRefund.Status.choices,
        source="status_of_all",
        help_text="`requested`: it waits for the payment provider; `sent`: it is under way; "
        "`failed`: it, or a part of it, is credit again.",
    )
    parts = RefundRowSerializer(source="rows", many=True, help_text="By which top-ups it goes.")

    class Meta:
        model = TopUpRefund
        fields = ["id", "status", "amount", "requested_at", "parts"]


class RefundRequestSerializer(Exact):
    amount = Amount()


class TopUpRequestSerializer(Exact):
    amount = Amount()
    method = serializers.ChoiceField(choices=TopUp.Method.choices)
    return_url = Text(
        max_length=500,
        required=False,
        help_text="Where paying leads back to: on an origin that may call this API. The default is "
        "a page of the site's own.",
    )

    def validate_return_url(self, url: str) -> str:
        if not may_return_to(url):
            raise serializers.ValidationError("This address isn't on an origin that we know.")
        return url


class MeSerializer(AccountSerializer, BalancesSerializer):
    class Meta:
        model = User
        fields = (*AccountSerializer.Meta.fields, "credit_balance", "held", "owed")
