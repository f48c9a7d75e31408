"""What is written about a course: its description as HTML, and to its students."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from common.models import UUIDModel
from courses.models.courses import LONGEST_ANNOUNCEMENT, Course, CourseSession


class Announcement(UUIDModel):
    """What a teacher wrote to the students of a course, or of one session of it; it never changes.

    `students` is how many of them there were.
    """

    course = models.ForeignKey(Course, models.PROTECT, related_name="announcements")
    session = models.ForeignKey(
        CourseSession, models.PROTECT, null=True, related_name="announcements"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="announcements"
    )
    text = models.TextField(max_length=LONGEST_ANNOUNCEMENT)
    students = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "announcements"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["course", "-created_at"], name="announcements_of_course")]

    def __str__(self) -> str:
        return str(self.pk)


class CourseDescription(models.Model):
    """What the Markdown of a course's description says, as safe HTML, made when it was saved.

    Beside the course, which is read with each of its sessions.
    """

    course = models.OneToOneField(
        Course, models.CASCADE, primary_key=True, related_name="description_made"
    )
    html = models.TextField(blank=True)

    class Meta:
        db_table = "course_descriptions"

    def __str__(self) -> str:
        return str(self.course_id)
