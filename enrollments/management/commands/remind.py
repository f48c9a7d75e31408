"""Remind people of sessions that start soon."""

from typing import Any

from django.core.management.base import BaseCommand

from common.passes import in_time
from enrollments.services.reminding import remind_all


class Command(BaseCommand):
    help = "Reminds students a day and an hour before a session, teachers an hour before."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Reminders: {sum(in_time(remind_all()))}.")
