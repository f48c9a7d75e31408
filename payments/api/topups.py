"""Top-ups over the API: parse, ask for one, open its page, look at it."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import TooManyAttempts
from accounts.models import User
from accounts.people import signed_in
from common.errors import InvalidAmount, NotFound, Unavailable
from common.paging import LinkPagination
from common.parsers import parsed
from common.rendering import render
from common.schema import documented, documented_list
from payments.api import examples
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer, rendered
from payments.api.serializers import TopUpRequestSerializer, TopUpSerializer
from payments.errors import AmountOutOfRange, ProcessorUnavailable
from payments.idempotency import Answer
from payments.models import TopUp
from payments.services.topups import lead_to_checkout, look_at, request_top_up

TAGS = ["payments"]


class NewestTopUps(LinkPagination):
    ordering = ("-created_at", "-id")


@documented_list(
    "list_top_ups",
    {200: TopUpSerializer(many=True)},
    tags=TAGS,
    summary="My top-ups, newest first",
)
class TopUpsView(MoneyView, ListAPIView):
    serializer_class = TopUpSerializer
    pagination_class = NewestTopUps
    queryset = TopUp.objects.none()

    def get_queryset(self) -> QuerySet[TopUp]:
        return TopUp.objects.of(signed_in(self.request))

    @documented(
        "request_top_up",
        {201: TopUpSerializer},
        (
            InvalidAmount,
            AmountOutOfRange,
            TooManyAttempts,
            ProcessorUnavailable,
            Unavailable,
            *KEY_ERRORS,
        ),
        request=TopUpRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Ask for credit, to be paid on a page of the payment provider",
        description="Send the user to `checkout_url`. Credit comes once it is paid. After a 503 "
        "send it again with the same key: it is the same top-up, and the same page.",
        examples=examples.TOP_UP,
    )
    def post(self, request: Request) -> Response:
        given, user = parsed(TopUpRequestSerializer, request), signed_in(request)

        act = partial(request_top_up, user=user, **given)
        told = rendered(TopUpSerializer, HTTPStatus.CREATED)
        return answer(request, act, told, then=partial(_with_page, user))


class TopUpView(APIView):
    @documented(
        "get_top_up",
        {200: TopUpSerializer},
        (NotFound, Unavailable),
        tags=TAGS,
        summary="A top-up of mine",
        description="As long as it is open, the payment provider is asked how far it is.",
    )
    def get(self, request: Request, top_up_id: UUID) -> Response:
        mine = TopUp.objects.of(signed_in(request)).filter(pk=top_up_id).first()
        if mine is None:
            raise NotFound
        return Response(render(TopUpSerializer, look_at(mine)))


def _with_page(user: User, answer: Answer) -> Answer:
    """The top-up of this answer as it is by now, with its page: the processor is asked for it."""
    top_up = TopUp.objects.of(user).get(pk=answer.body["id"])
    return replace(answer, body=render(TopUpSerializer, lead_to_checkout(top_up)))
