"""Calls that move money answer once per `Idempotency-Key`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.people import signed_in
from common.rendering import render
from payments.errors import InvalidKey, KeyReused, RequestInProgress
from payments.idempotency import Answer, answer_once, fingerprint

T = TypeVar("T")
KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 visible characters. The same key returns the first answer again.",
)
KEY_ERRORS = (InvalidKey, KeyReused, RequestInProgress)


class MoneyView(APIView):
    """A view whose calls may carry a key."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Read whole before the parser streams it away: copies are compared by their bytes.
        _ = request.body
        super().initial(request, *args, **kwargs)


def answer(
    request: Request,
    act: Callable[[], T],
    told: Callable[[T], Answer],
    *,
    said: bytes | None = None,
    then: Callable[[Answer], Answer] = lambda answer: answer,
) -> Response:
    """Run `act` and answer what is `told` of it, or replay the first answer to the request's key.

    Copies are recognised by their body, or by what they `said` if the body contains a secret.
    `then` makes of a success what is answered, after everything is committed, each time that it is
    answered: it may ask others, and what it adds is read from the rows, not from the first answer.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _respond(then(told(act())))
    sent = fingerprint(request.method or "", request.get_full_path(), said or request.body)
    user = signed_in(request)
    once = answer_once(user=user, key=key, request=sent, act=lambda: told(act()))
    return _respond(once if once.refused else then(once))


def rendered(
    form: type[serializers.Serializer], status: int = HTTPStatus.OK
) -> Callable[[object], Answer]:
    """What is told of something done: itself, as `form` has it."""
    return lambda done: Answer(status, render(form, done))


def _respond(answer: Answer) -> Response:
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return Response(answer.body, status=answer.status, headers=headers)
