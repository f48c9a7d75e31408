"""Credit that a clerk gives: alone, or once another one agrees."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from common.models import LockingQuerySet, UUIDModel
from payments.conditions import GRANTED


class Grant(UUIDModel):
    """What a clerk gives to a user, and why. Its key is that of the form that asked for it.

    Nobody else decided (`decided_by`) on what the clerk could give alone. `notes` say why the
    other one agreed or refused.
    """

    class Status(models.TextChoices):
        ASKED = "asked"
        GRANTED = "granted"
        REFUSED = "refused"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="grants")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=Status, default=Status.ASKED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="asked_grants"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="decided_grants"
    )
    decided_at = models.DateTimeField(null=True)
    notes = models.CharField(max_length=500, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        db_table = "credit_grants"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_grants_amount"),
            models.CheckConstraint(condition=GRANTED, name="credit_grants_decided"),
            models.CheckConstraint(
                condition=~Q(asked_by=F("user")), name="credit_grants_not_to_oneself"
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("asked_by")) & ~Q(decided_by=F("user")),
                name="credit_grants_four_eyes",
            ),
        ]
        indexes = [models.Index(fields=["asked_by", "asked_at"], name="credit_grants_of_a_day")]

    def __str__(self) -> str:
        return str(self.pk)
