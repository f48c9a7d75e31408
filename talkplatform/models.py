"""Whose turn a job is: a row for each, which every machine reads before it begins a pass."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ExactCharField

LONGEST_ERROR = 500


class JobQuerySet(models.QuerySet):
    def free(self, now: datetime) -> Self:
        """Those that are due, and that nobody is at; a lease that ran out holds nobody off."""
        unleased = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(unleased, due__lte=now)


class Job(models.Model):
    """When a job is due next, who is at it, and how it went.

    `due` stays while a pass runs: a process that takes over from one that died finds it due.
    """

    name = ExactCharField(max_length=100, primary_key=True)
    due = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=300, blank=True)
    last_finished = models.DateTimeField(null=True)
    last_failed = models.DateTimeField(null=True)
    error = models.CharField(max_length=LONGEST_ERROR, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "jobs"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def is_free(self, now: datetime) -> bool:
        """Whether it was among those that are `free` when it was read."""
        return self.due <= now and (self.leased_until is None or self.leased_until <= now)
