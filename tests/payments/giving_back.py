"""How credit is asked back, and how much of it can be."""

from datetime import timedelta
from decimal import Decimal

from django.db.models import F

from common.money import total
from payments.models import TopUp, TopUpRefund
from payments.services.refunds import preview_refund, request_refund
from payments.wallets import credit_of

FIVE = Decimal("5.00")


def ask_for(user, amount, **more):
    return request_refund(user=user, amount=Decimal(amount), **more)


def refundable_by(user):
    return total(piece.amount for piece in preview_refund(user, credit=credit_of(user)))


def statuses(user):
    return [*TopUpRefund.objects.of(user).order_by("pk").values_list("status", flat=True)]


def age(top_up, days):
    TopUp.objects.filter(pk=top_up.pk).update(paid_at=F("paid_at") - timedelta(days=days))
