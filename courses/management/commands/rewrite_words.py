"""Compare the words that a search finds courses by with their texts, and mend what differs."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.names import rewrite_name
from courses.models import Course
from courses.words import rewrite_words


class Command(BaseCommand):
    help = (
        "Compares the words that courses are found by with their texts and their teachers' names, "
        "mends what differs, and says how many did. For rows that were changed by hand."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        courses = [*Course.objects.values_list("pk", flat=True)]
        teachers = [*User.objects.filter(is_teacher=True).values_list("pk", flat=True)]
        mended, renamed = sum(map(rewrite_words, courses)), sum(map(rewrite_name, teachers))
        self.stdout.write(
            f"Mended: {mended} of {len(courses)} courses, {renamed} of {len(teachers)} names."
        )
