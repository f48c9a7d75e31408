"""Refunds over the API: parse, reserve, have them sent."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import TooManyAttempts
from accounts.models import User
from accounts.people import signed_in
from common.errors import InvalidAmount, Unavailable
from common.paging import LinkPagination
from common.parsers import parsed
from common.rendering import render
from common.schema import documented, documented_list
from payments.api import examples
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer, rendered
from payments.api.serializers import RefundRequestSerializer, RefundSerializer
from payments.errors import InDispute, NotRefundable
from payments.idempotency import Answer
from payments.models import TopUpRefund
from payments.services.refunds import request_refund, settle_request

TAGS = ["payments"]


class NewestRefunds(LinkPagination):
    ordering = ("-requested_at", "-id")


@documented_list(
    "list_refunds",
    {200: RefundSerializer(many=True)},
    tags=TAGS,
    summary="What goes back to where I paid from, newest first",
)
class RefundsView(MoneyView, ListAPIView):
    serializer_class = RefundSerializer
    pagination_class = NewestRefunds
    queryset = TopUpRefund.objects.none()

    def get_queryset(self) -> QuerySet[TopUpRefund]:
        return TopUpRefund.objects.of(signed_in(self.request)).requests()

    @documented(
        "request_refund",
        {201: RefundSerializer},
        (InvalidAmount, NotRefundable, InDispute, TooManyAttempts, Unavailable, *KEY_ERRORS),
        request=RefundRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Have credit sent back to where I paid from",
        description="By the newest top-ups first. It leaves the credit at once, and goes as soon "
        "as the payment provider can be reached; if it fails there, it is credit again.",
        examples=examples.REFUND,
    )
    def post(self, request: Request) -> Response:
        given, user = parsed(RefundRequestSerializer, request), signed_in(request)

        act = partial(request_refund, user=user, **given)
        told = rendered(RefundSerializer, HTTPStatus.CREATED)
        return answer(request, act, told, then=partial(_as_it_is, user))


def _as_it_is(user: User, answer: Answer) -> Answer:
    """The refund of this answer as it is by now: the processor is asked to send it."""
    made = TopUpRefund.objects.of(user).get(pk=answer.body["id"])
    return replace(answer, body=render(RefundSerializer, settle_request(made)))
