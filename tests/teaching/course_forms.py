"""The form of a course as teachers fill it in, and somebody who buys the course."""

from io import BytesIO
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from courses.models import Course
from enrollments.services.enrolling import enroll_full_course
from tests.factories import student_with_credit

LIST = "/teaching/"
NEW = "/teaching/courses/new/"


def typed(**changes) -> dict:
    """What a teacher types for a course."""
    body = {
        "title": "Spanish to go",
        "description": "Bring a pen.",
        "language": "Spanish",
        "level": "beginner",
        "category": "Languages",
        "price_full_course": "100.00",
        "price_per_session": "16.00",
        "max_students": "12",
        "idempotency_key": str(uuid4()),
    }
    return body | changes


def picture(kind: str = "PNG", size=(64, 36), name: str = "evil.php", mode: str = "RGB"):
    drawn = BytesIO()
    Image.new(mode, size).save(drawn, kind)
    return SimpleUploadedFile(name, drawn.getvalue() + b"<?php echo 1; ?>", "image/png")


def sell(course: Course) -> None:
    enroll_full_course(student=student_with_credit(), course_id=course.pk)
