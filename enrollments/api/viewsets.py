"""Buying and cancelling over the API: parse, call one service, answer."""

from functools import partial
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import signed_in
from common.errors import NotFound, Unavailable
from common.paging import FirstPage, LinkPagination
from common.parsers import parsed
from common.rendering import render
from common.schema import documented
from enrollments.access import access_of, find_session
from enrollments.api import examples
from enrollments.api.serializers import (
    AccessSerializer,
    CancelRequestSerializer,
    EnrollmentCancellationSerializer,
    EnrollmentSerializer,
    EnrollRequestSerializer,
    PreviewSerializer,
    PurchaseCancellationSerializer,
    PurchaseRequestSerializer,
    PurchaseSerializer,
)
from enrollments.errors import (
    AlreadyCancelled,
    AlreadyEnrolled,
    AlreadyPurchased,
    IncludedInEnrollment,
    NotForSale,
    OwnCourse,
    PriceChanged,
    RefundLowered,
    SessionNotMoved,
    SessionStarted,
    SoldOut,
)
from enrollments.joining import join_of
from enrollments.learning import previews
from enrollments.models import CourseEnrollment, SessionPurchase
from enrollments.services import enrolling, purchasing
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer
from payments.errors import HoldSettled, InsufficientCredit
from payments.idempotency import Answer

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
CANCEL_ERRORS = (
    NotFound,
    AlreadyCancelled,
    HoldSettled,
    RefundLowered,
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

        def act() -> Answer:
            bought = enrolling.enroll_full_course(
                student=signed_in(request),
                course_id=course_id,
                expected_price=given.get("expected_price"),
            )
            return Answer(HTTPStatus.CREATED, render(EnrollmentSerializer, bought))

        return answer(request, act)


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

        def act() -> Answer:
            bought = purchasing.purchase_session(
                student=signed_in(request), session_id=session_id, **given
            )
            return Answer(HTTPStatus.CREATED, render(PurchaseSerializer, bought))

        return answer(request, act)


class EnrollmentView(MoneyView):
    @documented(
        "get_enrollment", {200: EnrollmentSerializer}, (NotFound,), tags=TAGS, summary="One of mine"
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
        summary="Cancel, and get back what is still held",
        examples=examples.CANCEL,
    )
    def delete(self, request: Request, enrollment_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        def act() -> Answer:
            done = enrolling.cancel_enrollment(
                student=signed_in(request), enrollment_id=enrollment_id, **given
            )
            return cancelled(done, EnrollmentCancellationSerializer)

        return answer(request, act)


class PurchaseDetailView(MoneyView):
    @documented(
        "get_session_purchase",
        {200: PurchaseSerializer},
        (NotFound,),
        tags=TAGS,
        summary="One of mine",
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
        summary="Cancel one session, and get it back",
        examples=examples.CANCEL_SINGLE,
    )
    def delete(self, request: Request, purchase_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        def act() -> Answer:
            done = purchasing.cancel_session_purchase(
                student=signed_in(request), purchase_id=purchase_id, **given
            )
            return cancelled(done, PurchaseCancellationSerializer)

        return answer(request, act)


class HandBackView(MoneyView):
    @documented(
        "hand_back_session",
        {200: EnrollmentCancellationSerializer},
        (SessionNotMoved, SessionStarted, *CANCEL_ERRORS),
        request=CancelRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Hand back a session whose start or length changed after the sale",
        examples=examples.HAND_BACK,
    )
    def delete(self, request: Request, enrollment_id: UUID, session_id: UUID) -> Response:
        given = parsed(CancelRequestSerializer, request)

        def act() -> Answer:
            done = enrolling.hand_back_session(
                student=signed_in(request),
                enrollment_id=enrollment_id,
                session_id=session_id,
                **given,
            )
            return cancelled(done, EnrollmentCancellationSerializer)

        return answer(request, act)


class EnrollmentPreviewView(APIView):
    @documented(
        "preview_enrollment_cancellation",
        {200: PreviewSerializer},
        (NotFound,),
        tags=TAGS,
        summary="What cancelling now would give back",
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
        summary="What cancelling now would give back",
    )
    def get(self, request: Request, purchase_id: UUID) -> Response:
        preview = previews.preview_purchase(user=signed_in(request), purchase_id=purchase_id)
        return Response(render(PreviewSerializer, preview))


class NewestEnrollments(LinkPagination):
    ordering = ("-enrolled_at", "-id")


class NewestPurchases(LinkPagination):
    ordering = ("-purchased_at", "-id")


class MyEnrollmentsView(ListAPIView):
    serializer_class = EnrollmentSerializer
    pagination_class = NewestEnrollments
    queryset = CourseEnrollment.objects.none()

    def get_queryset(self) -> Any:
        user = signed_in(self.request)
        if "cursor" in self.request.query_params:
            return enrolling.get_my_enrollments(user=user)
        return FirstPage(partial(enrolling.newest_enrollments, user))

    @documented(
        "list_my_enrollments",
        {200: EnrollmentSerializer(many=True)},
        tags=TAGS,
        summary="My enrolments, newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MyPurchasesView(ListAPIView):
    serializer_class = PurchaseSerializer
    pagination_class = NewestPurchases
    queryset = SessionPurchase.objects.none()

    def get_queryset(self) -> Any:
        return purchasing.get_my_session_purchases(user=signed_in(self.request))

    @documented(
        "list_my_session_purchases",
        {200: PurchaseSerializer(many=True)},
        tags=TAGS,
        summary="My single sessions, newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class AccessView(APIView):
    @documented(
        "check_session_access",
        {200: AccessSerializer},
        (NotFound,),
        tags=TAGS,
        summary="May I enter this session?",
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        user = signed_in(request)
        session = find_session(user=user, session_id=session_id)
        access = access_of(session, user)
        join = join_of(session, user, access, now=timezone.now())
        shown = SimpleNamespace(**vars(access), has_access=access.has_access, join=join)
        return Response(render(AccessSerializer, shown))


def cancelled(done: enrolling.Cancellation, form: type[serializers.Serializer]) -> Answer:
    """What a cancellation answers, rendered by `form`."""
    message = f"${done.refund_amount} is back in your credit."
    if not done.refund_amount:
        message = "Cancelled. There was nothing to refund."
    values = {
        "message": message,
        "refund_amount": done.refund_amount,
        "refunded_at": done.refunded_at,
        "booking": done.booking,
    }
    return Answer(HTTPStatus.OK, render(form, values))
