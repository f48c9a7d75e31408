"""Bookings in the API: one booking, what cancelling it would do, and cancelling it."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.people import signed_in
from common.errors import NotFound, Unavailable
from common.parsers import parsed
from common.rendering import render
from common.schema import documented
from enrollments.api import examples
from enrollments.api.serializers import (
    CancelRequestSerializer,
    EnrollmentCancellationSerializer,
    EnrollmentSerializer,
    PreviewSerializer,
    PurchaseCancellationSerializer,
    PurchaseSerializer,
)
from enrollments.errors import (
    AlreadyCancelled,
    RefundLowered,
    SessionNotMoved,
    SessionStarted,
)
from enrollments.learning import previews
from enrollments.services import enrolling, lifecycle, purchasing
from payments import outcomes
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer
from payments.errors import HoldSettled
from payments.idempotency import Answer

CANCEL_ERRORS = (
    NotFound,
    AlreadyCancelled,
    HoldSettled,
    RefundLowered,
    Unavailable,
    *KEY_ERRORS,
)
TAGS = ["enrollments"]


class EnrollmentView(MoneyView):
    @documented(
        "get_enrollment",
        {200: EnrollmentSerializer},
        (NotFound,),
        tags=TAGS,
        summary="One of my bookings",
    )
    def get(self, request: Request, enrollment_id: UUID) -> Response:
        found = enrolling.find_enrollment(signed_in(request), enrollment_id)
        return Response(render(EnrollmentSerializer, found))

    @documented(
        "cancel_enrollment",
        {200: EnrollmentCancellationSerializer},
        CANCEL_ERRORS,
        request=CancelRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Cancel, and get a refund of what is still held",
        examples=examples.CANCEL,
    )
    def delete(self, request: Request, enrollment_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        act = partial(
            enrolling.cancel_enrollment,
            student=signed_in(request),
            enrollment_id=enrollment_id,
            **given,
        )
        return answer(request, act, cancelled(EnrollmentCancellationSerializer))


class PurchaseDetailView(MoneyView):
    @documented(
        "get_session_purchase",
        {200: PurchaseSerializer},
        (NotFound,),
        tags=TAGS,
        summary="One of my bookings",
    )
    def get(self, request: Request, purchase_id: UUID) -> Response:
        found = purchasing.find_purchase(signed_in(request), purchase_id)
        return Response(render(PurchaseSerializer, found))

    @documented(
        "cancel_session_purchase",
        {200: PurchaseCancellationSerializer},
        (SessionStarted, *CANCEL_ERRORS),
        request=CancelRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Cancel one session, and get a refund",
        examples=examples.CANCEL_SINGLE,
    )
    def delete(self, request: Request, purchase_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        act = partial(
            purchasing.cancel_session_purchase,
            student=signed_in(request),
            purchase_id=purchase_id,
            **given,
        )
        return answer(request, act, cancelled(PurchaseCancellationSerializer))


class HandBackView(MoneyView):
    @documented(
        "hand_back_session",
        {200: EnrollmentCancellationSerializer},
        (SessionNotMoved, SessionStarted, *CANCEL_ERRORS),
        request=CancelRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Return a session whose start or length changed after the sale",
        examples=examples.HAND_BACK,
    )
    def delete(self, request: Request, enrollment_id: UUID, session_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        act = partial(
            enrolling.hand_back_session,
            student=signed_in(request),
            enrollment_id=enrollment_id,
            session_id=session_id,
            **given,
        )
        return answer(request, act, cancelled(EnrollmentCancellationSerializer))


class EnrollmentPreviewView(APIView):
    @documented(
        "preview_enrollment_cancellation",
        {200: PreviewSerializer},
        (NotFound,),
        tags=TAGS,
        summary="What cancelling now would refund",
    )
    def get(self, request: Request, enrollment_id: UUID) -> Response:
        preview = previews.preview_enrollment(user=signed_in(request), enrollment_id=enrollment_id)
        return Response(render(PreviewSerializer, preview))


class PurchasePreviewView(APIView):
    @documented(
        "preview_session_cancellation",
        {200: PreviewSerializer},
        (NotFound,),
        tags=TAGS,
        summary="What cancelling now would refund",
    )
    def get(self, request: Request, purchase_id: UUID) -> Response:
        preview = previews.preview_purchase(user=signed_in(request), purchase_id=purchase_id)
        return Response(render(PreviewSerializer, preview))


def cancelled(
    form: type[serializers.Serializer],
) -> Callable[[lifecycle.Cancellation], Answer]:
    """What a cancellation answers, rendered by `form`."""

    def told(done: lifecycle.Cancellation) -> Answer:
        values = {
            "message": outcomes.cancelled(done.refund_amount, done.to_debts),
            "refund_amount": done.refund_amount,
            "refunded_at": done.refunded_at,
            "booking": done.booking,
        }
        return Answer(HTTPStatus.OK, render(form, values))

    return told
