"""How the OpenAPI description names what can go wrong."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from common.errors import DomainError


class ErrorSerializer(serializers.Serializer):
    """The body of every refusal: a code that never changes, a message for people, details."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.DictField()


class ErrorAwareSchema(AutoSchema):
    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Whatever is not named is an error of the one shape."""
        bodies = super()._get_response_bodies(*args, **kwargs)
        bodies["default"] = self._get_response_for_code(
            OpenApiResponse(ErrorSerializer, "Any other refusal."), "default"
        )
        return bodies


def documented(
    operation_id: str,
    answers: dict[int, Any],
    errors: Iterable[type[DomainError]] = (),
    **more: Any,
) -> Any:
    """Describe an operation: its answers by status, and the codes that it may refuse with."""
    by_status: defaultdict[int, list[type[DomainError]]] = defaultdict(list)
    for error in errors:
        by_status[int(error.status)].append(error)
    responses = answers | {status: _refusals(kinds) for status, kinds in by_status.items()}
    return extend_schema(operation_id=operation_id, responses=responses, **more)


def _refusals(kinds: list[type[DomainError]]) -> OpenApiResponse:
    return OpenApiResponse(
        ErrorSerializer,
        description=", ".join(f"`{kind.code}`" for kind in kinds),
        examples=[
            OpenApiExample(
                kind.code,
                value=kind(**kind.example).body(),
                response_only=True,
            )
            for kind in kinds
        ],
    )
