"""What the site promises both sides about the money of a session."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from enrollments.rules import CANCEL_IN_TIME
from payments.commission import WHOLE_BP, shares_of


@dataclass(frozen=True)
class Policy:
    """How a session is paid: in percent, in minutes, and in hours of `notice` before a change."""

    threshold: int
    grace: int
    notice: int
    missed_is_refunded: bool
    share: Decimal
    share_of_referred: Decimal
    cancelling: str = CANCEL_IN_TIME

    @classmethod
    def now(cls) -> "Policy":
        """By the current settings, for what is sold now."""
        one_percent = Decimal(100)
        kept = WHOLE_BP - settings.COMMISSION_BP
        brought = kept + Decimal(settings.COMMISSION_BP * settings.REFERRAL_BP) / WHOLE_BP
        return cls(
            threshold=settings.ATTENDANCE_THRESHOLD_PERCENT,
            grace=settings.SETTLEMENT_GRACE_MINUTES,
            notice=settings.CHANGE_NOTICE_HOURS,
            missed_is_refunded=settings.NO_SHOW == "refund",
            share=kept / one_percent,
            share_of_referred=brought / one_percent,
        )

    @staticmethod
    def earned(price: Decimal) -> tuple[Decimal, Decimal]:
        """What a teacher gets of a price that is released, and if they brought the student."""
        shares = shares_of(
            price, commission_bp=settings.COMMISSION_BP, referral_bp=settings.REFERRAL_BP
        )
        return shares.teacher, shares.teacher + shares.referrer
