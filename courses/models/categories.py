"""What courses are filed under."""

from typing import Any

from django.db import models

from common.fields import ExactCharField
from common.models import UUIDModel
from common.words import alike

LONGEST_CATEGORY = 50


class Category(UUIDModel):
    """A category that a course can be filed under, which holds its name, not its key.

    No two have names that differ by case or spaces alone: `key` is what both come to.
    """

    name = models.CharField(max_length=LONGEST_CATEGORY)
    key = ExactCharField(max_length=3 * LONGEST_CATEGORY, unique=True, editable=False)
    position = models.PositiveIntegerField(default=0, help_text="Lists begin with the lowest.")

    class Meta:
        db_table = "course_categories"
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Its key follows its name."""
        self.key = alike(self.name)
        super().save(*args, **kwargs)
