"""Requests and answers as the description of the API shows them."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

PAGES = [
    OpenApiParameter("limit", int, description="Number of sessions to return, at most 100."),
    OpenApiParameter("cursor", str, description="Where to continue, from the `Link` header."),
]
EARNINGS = [
    OpenApiExample(
        "A teacher",
        {
            "held": "28.00",
            "released": "150.00",
            "available": "30.00",
            "withdrawing": "120.00",
            "paid": "0.00",
            "referrals": {"held": "0.00", "released": "10.00"},
            "sessions": [
                {
                    "session_id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e90",
                    "session_title": "At the counter",
                    "session_number": 1,
                    "course_id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e91",
                    "course_title": "Spanish for travellers",
                    "starts_at": "2026-12-01T18:00:00Z",
                    "duration_minutes": 60,
                    "students": 2,
                    "attended": 0,
                    "gross": "40.00",
                    "commission": "12.00",
                    "net": "28.00",
                    "status": "held",
                    "payable_at": "2026-12-01T19:30:00Z",
                    "paid_at": None,
                }
            ],
        },
        response_only=True,
        status_codes=["200"],
    )
]
WITHDRAWAL = [
    OpenApiExample(
        "All of it",
        {
            "amount": "120.00",
            "payout_details": "Sofía Marín, ES91 2100 0418 4502 0005 1332",
            "password": "correct horse battery",
        },
        request_only=True,
    ),
    OpenApiExample(
        "Requested",
        {
            "id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e92",
            "amount": "120.00",
            "status": "requested",
            "payout_details": "•••• 1332",
            "requested_at": "2026-12-02T09:00:00Z",
            "decided_at": None,
            "completed_at": None,
            "reference": "",
            "reason": "",
        },
        response_only=True,
        status_codes=["201"],
    ),
]
REFUND = [
    OpenApiExample("Some of it", {"amount": "12.00"}, request_only=True),
    OpenApiExample(
        "Sent",
        {
            "id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e94",
            "status": "sent",
            "amount": "12.00",
            "requested_at": "2026-12-02T09:00:00Z",
            "parts": [
                {
                    "top_up_id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e93",
                    "reference": "TU-7KQ2M9XB",
                    "amount": "12.00",
                    "status": "sent",
                }
            ],
        },
        response_only=True,
        status_codes=["201"],
    ),
]
TOP_UP = [
    OpenApiExample(
        "By card",
        {"amount": "20.00", "method": "stripe", "return_url": "https://app.example.org/credit"},
        request_only=True,
    ),
    OpenApiExample(
        "To be paid",
        {
            "id": "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e93",
            "status": "created",
            "amount": "20.00",
            "method": "stripe",
            "live": True,
            "reference": "TU-7KQ2M9XB",
            "checkout_url": "https://checkout.stripe.com/c/pay/cs_live_a1b2c3",
            "created_at": "2026-12-02T09:00:00Z",
            "expires_at": "2026-12-02T12:00:00Z",
            "pending_since": None,
            "paid_at": None,
        },
        response_only=True,
        status_codes=["201"],
    ),
]
