"""Requests as the description of the API shows them."""

from drf_spectacular.utils import OpenApiExample

ENROLL = [
    OpenApiExample("No body", value={}, request_only=True),
    OpenApiExample("Said in full", value={"enrollment_type": "full_course"}, request_only=True),
]
