"""Buying over the API: parse, call one service, answer."""

from functools import partial
from http import HTTPStatus
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people import signed_in
from common.errors import NotFound, Unavailable
from common.parsers import parsed
from common.schema import documented
from enrollments.api import examples
from enrollments.api.serializers import (
    EnrollmentSerializer,
    EnrollRequestSerializer,
    PurchaseRequestSerializer,
    PurchaseSerializer,
)
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    PriceChanged,
    SessionStarted,
    SoldOut,
)
from enrollments.services import enrolling, purchasing
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer, rendered
from payments.errors import InsufficientCredit

BUY_ERRORS = (
    InsufficientCredit,
    NotFound,
    OwnCourse,
    NotForSale,
    PriceChanged,
    SoldOut,
    Unavailable,
    *KEY_ERRORS,
)
TAGS = ["enrollments"]


class EnrollView(MoneyView):
    @documented(
        "enroll_course",
        {201: EnrollmentSerializer},
        (AlreadyEnrolled, *BUY_ERRORS),
        request=EnrollRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Buy the full course",
        examples=examples.ENROLL,
    )
    def post(self, request: Request, course_id: UUID) -> Response:
        given = parsed(EnrollRequestSerializer, request)

        act = partial(
            enrolling.enroll_full_course,
            student=signed_in(request),
            course_id=course_id,
            expected_price=given.get("expected_price"),
        )
        return answer(request, act, rendered(EnrollmentSerializer, HTTPStatus.CREATED))


class PurchaseView(MoneyView):
    @documented(
        "purchase_session",
        {201: PurchaseSerializer},
        (AlreadyPurchased, IncludedInEnrollment, SessionStarted, *BUY_ERRORS),
        request=PurchaseRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Buy one session",
        examples=examples.PURCHASE,
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        given = parsed(PurchaseRequestSerializer, request)

        student = signed_in(request)
        act = partial(purchasing.purchase_session, student=student, session_id=session_id, **given)
        return answer(request, act, rendered(PurchaseSerializer, HTTPStatus.CREATED))
