"""Requests as the description of the API shows them."""

from drf_spectacular.utils import OpenApiExample

ENROLL = [
    OpenApiExample("No body", value={}, request_only=True),
    OpenApiExample("At the price that was shown", {"expected_price": "100.00"}, request_only=True),
    OpenApiExample("All fields", value={"enrollment_type": "full_course"}, request_only=True),
]
PURCHASE = [
    OpenApiExample("No body", value={}, request_only=True),
    OpenApiExample("At the price that was shown", {"expected_price": "16.00"}, request_only=True),
]


def _cancel(refund: str) -> list[OpenApiExample]:
    given = {"reason": "I moved away.", "expected_refund": refund}
    return [
        OpenApiExample("No body", value={}, request_only=True),
        OpenApiExample("For the refund that was shown", given, request_only=True),
    ]


CANCEL = _cancel("100.00")
CANCEL_SINGLE = _cancel("16.00")
HAND_BACK = _cancel("50.00")
