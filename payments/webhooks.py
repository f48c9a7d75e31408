"""Stripe's webhook: verify, store, ask Stripe. Whatever we fail to do, Stripe sends again."""

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import InvalidSignature, MalformedEvent, PayloadTooLarge, Unavailable
from common.schema import documented
from payments.errors import ProcessorUnavailable
from payments.processors import stripe
from payments.services.events import take_event

MAX_BYTES = 256 * 1024


class RawJSONParser(BaseParser):
    """The body as it came: its signature is over its bytes."""

    media_type = "application/json"

    def parse(self, stream: Any, *args: Any, **kwargs: Any) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge(limit=MAX_BYTES)
        return body


class StripeWebhookView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (RawJSONParser,)

    @documented(
        "receive_stripe_event",
        {200: None},
        (MalformedEvent, InvalidSignature, PayloadTooLarge, ProcessorUnavailable, Unavailable),
        request={"application/json": OpenApiTypes.OBJECT},
        tags=["webhooks"],
        summary="A Stripe event, signed with the endpoint's secret",
    )
    def post(self, request: Request) -> Response:
        body = cast(bytes, request.data)
        take_event(stripe.receive(body, request.headers.get("Stripe-Signature", "")))
        return Response()
