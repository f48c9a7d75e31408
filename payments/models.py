"""The bank's books: accounts, transfers between them, and what is held in escrow."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts.models import User
from common.fields import ExactCharField
from common.models import LockingQuerySet, UUIDModel
from common.money import ZERO
from courses.models import CourseSession
from payments.conditions import COMPLETED, DECIDED, within
from payments.reasons import Reason
from payments.sealing import hint, unseal


class LedgerAccount(UUIDModel):
    """A user's account stores its balance; a system account's is the sum of its transfers."""

    class Kind(models.TextChoices):
        WALLET = "wallet"
        EARNINGS = "earnings"
        WITHDRAWING = "withdrawing"
        ISSUED = "issued"
        ESCROW = "escrow"
        PLATFORM = "platform"
        PAID_OUT = "paid_out"

    kind = models.CharField(max_length=20, choices=Kind)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="ledger_accounts"
    )
    balance = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "ledger_accounts"
        permissions = [
            ("grant_credit", "Can grant and revoke credit"),
            ("audit_money", "Can see the money audit"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind"], name="ledger_accounts_one_per_owner"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, balance__gte=0)
                | Q(owner__isnull=True, balance__isnull=True),
                name="ledger_accounts_balance",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id or ''}".strip()


Kind = LedgerAccount.Kind
USER_KINDS = (Kind.WALLET, Kind.EARNINGS, Kind.WITHDRAWING)
# Fixed keys, because a UNIQUE over a NULL owner would let two processes create two escrow accounts.
SYSTEM_ACCOUNTS = {
    Kind.ISSUED: UUID("00000000-0000-7000-8000-000000000001"),
    Kind.ESCROW: UUID("00000000-0000-7000-8000-000000000002"),
    Kind.PLATFORM: UUID("00000000-0000-7000-8000-000000000003"),
    Kind.PAID_OUT: UUID("00000000-0000-7000-8000-000000000004"),
}


class HoldStatus(models.TextChoices):
    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"


class HoldQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(student=user)

    def newest_first(self) -> Self:
        return self.order_by("-held_at", "-id")

    def with_parts(self) -> Self:
        """With their parts and sessions, in one additional statement."""
        parts = HoldPart.objects.select_related("session").order_by("session__session_number")
        return self.prefetch_related(models.Prefetch("parts", parts))


@dataclass(frozen=True, slots=True)
class HoldEvent:
    """What happened to money that was held: `held`, `released` or `refunded`, and why."""

    at: datetime
    event: str
    amount: Decimal
    session_id: UUID | None = None
    reason: str = ""


class PaymentHold(UUIDModel):
    """What a student paid for one enrolment or one session, until every part of it is settled."""

    enrollment = models.OneToOneField(
        "enrollments.CourseEnrollment", models.PROTECT, null=True, related_name="hold"
    )
    session_purchase = models.OneToOneField(
        "enrollments.SessionPurchase", models.PROTECT, null=True, related_name="hold"
    )
    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="earned_holds"
    )
    student = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="holds")
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="referred_holds"
    )
    # The course's title on that day: a receipt says what was sold.
    sold_title = models.CharField(max_length=200, blank=True, editable=False)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    released_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    commission_bp = models.PositiveSmallIntegerField()
    referral_bp = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20, choices=HoldStatus, default=HoldStatus.HELD)
    held_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True)
    release_percentage = models.DecimalField(max_digits=5, decimal_places=2, default=ZERO)
    notes = models.TextField(blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "payment_holds"
        permissions = [
            ("decide_paymenthold", "Can release and refund payment holds"),
            ("export_paymenthold", "Can export payment holds"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(enrollment__isnull=False, session_purchase__isnull=True)
                | Q(enrollment__isnull=True, session_purchase__isnull=False),
                name="payment_holds_one_purpose",
            ),
            models.CheckConstraint(
                condition=within("amount", "released_amount", "refunded_amount"),
                name="payment_holds_amounts",
            ),
            models.CheckConstraint(
                condition=Q(commission_bp__range=(0, 10_000), referral_bp__range=(0, 10_000)),
                name="payment_holds_rates",
            ),
            models.CheckConstraint(
                condition=Q(status__in=HoldStatus.values), name="payment_holds_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["student", "-held_at", "-id"], name="payment_holds_mine"),
            models.Index(fields=["status", "held_at"], name="payment_holds_by_status"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def timeline(self) -> list[HoldEvent]:
        """What happened to this money, oldest first."""
        held = HoldEvent(self.held_at, "held", self.amount)
        settled = (
            HoldEvent(part.settled_at, part.status, part.amount, part.session_id, part.reason)
            for part in self.parts.all()
            if part.settled_at
        )
        return sorted([held, *settled], key=lambda event: event.at)


class HoldPart(UUIDModel):
    """The share of a hold that pays for one session as sold. What is settled is always a part."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RELEASED = "released"
        REFUNDED = "refunded"

    Reason = Reason

    hold = models.ForeignKey(PaymentHold, models.PROTECT, related_name="parts")
    session = models.ForeignKey("courses.CourseSession", models.PROTECT, related_name="hold_parts")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    sold_title = models.CharField(max_length=220, blank=True, editable=False)
    sold_starts_at = models.DateTimeField()
    sold_duration_minutes = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    review_reason = models.CharField(max_length=200, blank=True)
    teacher_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    referrer_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    platform_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)
    refunded_amount = models.DecimalField(max_digits=12, decimal_places=2, default=ZERO)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "hold_parts"
        constraints = [
            models.UniqueConstraint(fields=["hold", "session"], name="hold_parts_one_per_session"),
            models.CheckConstraint(
                condition=within(
                    "amount",
                    "teacher_amount",
                    "referrer_amount",
                    "platform_amount",
                    "refunded_amount",
                ),
                name="hold_parts_amounts",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", settled_at__isnull=True)
                | Q(status__in=["released", "refunded"], settled_at__isnull=False),
                name="hold_parts_settled",
            ),
        ]
        indexes = [models.Index(fields=["session", "status"], name="hold_parts_due")]

    def __str__(self) -> str:
        return str(self.pk)

    def is_as_sold(self, session: CourseSession) -> bool:
        """Whether its session still has the start and length that it was sold with."""
        now = (session.starts_at, session.duration_minutes)
        return (self.sold_starts_at, self.sold_duration_minutes) == now


class WithdrawalQuerySet(LockingQuerySet):
    def of(self, user: User) -> Self:
        return self.filter(teacher=user)

    def newest_first(self) -> Self:
        return self.order_by("-requested_at", "-id")


class Withdrawal(UUIDModel):
    """Earnings that a teacher or referrer asked to be paid out.

    `decided_by` approved it, or rejected it without approval; the person who paid it, or rejected
    it later, is the actor of the transfer. `notes` say why it was rejected.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        COMPLETED = "completed"
        REJECTED = "rejected"
        CANCELLED = "cancelled"

    teacher = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="withdrawals"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status, default=Status.REQUESTED)
    # Sealed, so that access to the database alone reveals no account number.
    payout_details = models.TextField()
    payout_reference = models.CharField(max_length=100, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="decided_withdrawals"
    )
    completed_at = models.DateTimeField(null=True)
    notes = models.TextField(blank=True)

    objects = WithdrawalQuerySet.as_manager()

    class Meta:
        db_table = "withdrawals"
        permissions = [("decide_withdrawal", "Can approve, complete and reject withdrawals")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="withdrawals_amount"),
            models.CheckConstraint(condition=DECIDED, name="withdrawals_decided"),
            models.CheckConstraint(condition=COMPLETED, name="withdrawals_completed"),
            models.CheckConstraint(
                condition=~Q(decided_by=F("teacher")), name="withdrawals_four_eyes"
            ),
        ]
        indexes = [models.Index(fields=["teacher", "-requested_at"], name="withdrawals_mine")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def masked_details(self) -> str:
        """Where it is paid, as anyone may see it: the last four characters."""
        return hint(self.payout_details)

    def reveal_details(self) -> str:
        """Where it is paid, in full: only for the person who pays it."""
        return unseal(self.payout_details)


class TransferQuerySet(models.QuerySet):
    def as_seen_by(self, user: User) -> Self:
        """The user's movements, each with the `account` concerned and whether it `paid`."""
        accounts = list(LedgerAccount.objects.filter(owner=user).values_list("pk", flat=True))
        paid = Q(debit_account__in=accounts)
        return self.filter(paid | Q(credit_account__in=accounts)).annotate(
            paid=Case(When(paid, then=Value(1)), default=Value(0)),
            account=Case(
                When(paid, then=F("debit_account__kind")), default=F("credit_account__kind")
            ),
        )


class Transfer(UUIDModel):
    """One movement from one account to another. Rows are written once and never changed."""

    class Kind(models.TextChoices):
        GRANT = "grant"
        REVOKE = "revoke"
        HOLD = "hold"
        REFUND = "refund"
        RELEASE = "release"
        WITHDRAW = "withdraw"
        WITHDRAWAL_RETURNED = "withdrawal_returned"
        PAYOUT = "payout"

    # The business event: the database itself prevents it from moving money twice.
    dedupe_key = ExactCharField(max_length=100, unique=True)
    kind = models.CharField(max_length=30, choices=Kind)
    debit_account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="debits")
    credit_account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="credits")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    hold = models.ForeignKey(PaymentHold, models.PROTECT, null=True, related_name="transfers")
    hold_part = models.ForeignKey(HoldPart, models.PROTECT, null=True, related_name="transfers")
    withdrawal = models.ForeignKey(Withdrawal, models.PROTECT, null=True, related_name="transfers")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="caused_transfers"
    )
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TransferQuerySet.as_manager()

    class Meta:
        db_table = "transfers"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfers_amount"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="transfers_two_accounts"
            ),
        ]
        indexes = [
            # With the amount at their end, so that the sums of an account read only the index.
            models.Index(fields=["debit_account", "-created_at", "amount"], name="transfers_out"),
            models.Index(fields=["credit_account", "-created_at", "amount"], name="transfers_in"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class IdempotencyRecord(UUIDModel):
    """The first answer to a request that carried a key, for its copies."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="idempotency_records"
    )
    # SHA-256 of the client's key: some databases compare text without regard to case.
    key = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "idempotency_records"
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_records_key"),
        ]

    def __str__(self) -> str:
        return self.key


class CreditNotice(models.Model):
    """How to get credit, in the words of staff; there is one or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    text = models.TextField(max_length=1000, help_text="Shown on every student's Credit page.")

    class Meta:
        db_table = "credit_notices"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="credit_notices_one")]

    def __str__(self) -> str:
        return "How to get credit"
