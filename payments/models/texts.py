"""Texts on pages that staff write."""

from django.db import models
from django.db.models import Q


class CreditNotice(models.Model):
    """How to get credit, in the words of staff; there is one or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    text = models.TextField(max_length=1000, help_text="Shown on every student's Credit page.")

    class Meta:
        db_table = "credit_notices"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="credit_notices_one")]

    def __str__(self) -> str:
        return "How to get credit"
