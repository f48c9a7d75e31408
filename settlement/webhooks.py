"""LiveKit's webhook: verify, store, answer. What an event changes comes after it is stored."""

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import InvalidSignature, MalformedEvent, PayloadTooLarge, Unavailable
from common.schema import documented
from rooms import livekit
from rooms.errors import VideoNotConfigured
from settlement.services.listening import take_event

MAX_BYTES = 64 * 1024


class RawWebhookParser(BaseParser):
    """The body as it came: its signature is over its bytes."""

    media_type = "application/webhook+json"

    def parse(self, stream: Any, *args: Any, **kwargs: Any) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge(limit=MAX_BYTES)
        return body


class LiveKitWebhookView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (RawWebhookParser,)

    @documented(
        "receive_livekit_event",
        {200: None},
        (MalformedEvent, InvalidSignature, PayloadTooLarge, VideoNotConfigured, Unavailable),
        request={"application/webhook+json": OpenApiTypes.OBJECT},
        tags=["webhooks"],
        summary="A LiveKit event, signed with our key",
    )
    def post(self, request: Request) -> Response:
        body = cast(bytes, request.data)
        event = livekit.receive(body, request.headers.get("Authorization", ""))
        take_event(event, body.decode())
        return Response()
