"""How the OpenAPI description lists what can go wrong: one schema for each code."""

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_lib_doc_excludes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)

from common.errors import CodedError, LengthRequired, PayloadTooLarge, SlowBody
from common.rendering import Rendered, RenderedModel
from common.shapes import Json

# What every route may refuse before a service is called.
MALFORMED = ["invalid_request"]
NOT_SIGNED_IN = ["not_authenticated", "token_not_valid"]
OF_BODIES = (SlowBody, LengthRequired, PayloadTooLarge)
ANYWHERE = {
    "invalid_request": HTTPStatus.BAD_REQUEST,
    "not_authenticated": HTTPStatus.UNAUTHORIZED,
    "server_error": HTTPStatus.INTERNAL_SERVER_ERROR,
}
FIELDS = {"type": "object", "additionalProperties": {}}
LARGEST_INTEGER = 2**31 - 1
JSON_TYPES = {str: "string", int: "integer"}


class ErrorAwareSchema(AutoSchema):
    def _get_response_bodies(self, *args: Any, **kwargs: Any) -> Json:
        """Add what is refused before a service is called; everything else has the same shape."""
        bodies: Json = super()._get_response_bodies(*args, **kwargs)
        if self._takes_input():
            _refuse(bodies, HTTPStatus.BAD_REQUEST, MALFORMED)
        if self._takes_body():
            for error in OF_BODIES:
                _refuse(bodies, error.status, [error.code])
        if any(schemes := self.get_auth()):
            anybody = {} in schemes
            _refuse(
                bodies, HTTPStatus.UNAUTHORIZED, NOT_SIGNED_IN[1:] if anybody else NOT_SIGNED_IN
            )
        bodies["default"] = _body("Any other refusal.", {"$ref": _ref("Error")})
        return dict(sorted(bodies.items()))

    def _get_request_body(self, *args: Any, **kwargs: Any) -> Json | None:
        """A DELETE may state a reason in its body, which the generator leaves out."""
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(*args, **kwargs)
        self.method = "POST"
        try:
            return super()._get_request_body(*args, **kwargs)
        finally:
            self.method = "DELETE"

    def _takes_body(self) -> bool:
        return self.method != "GET" and bool(self.get_request_serializer())

    def _takes_input(self) -> bool:
        return self._takes_body() or any(p["in"] != "path" for p in self._get_parameters())


def documented(
    operation_id: str,
    answers: dict[int, Any],
    errors: Iterable[type[CodedError]] = (),
    **more: Any,
) -> Any:
    """Describe an operation: its answers by status, and its possible error codes."""
    by_status: defaultdict[int, list[type[CodedError]]] = defaultdict(list)
    for error in errors:
        by_status[int(error.status)].append(error)
    responses = answers | {status: _refusals(kinds) for status, kinds in by_status.items()}
    more.setdefault("description", "")
    return extend_schema(operation_id=operation_id, responses=responses, **more)


def documented_list(operation_id: str, answers: dict[int, Any], **more: Any) -> Any:
    """The same for a class that inherits the method for its list."""
    return extend_schema_view(get=documented(operation_id, answers, **more))


def undescriptive() -> list[type[Any]]:
    """Classes whose docstrings are for authors of serializers, not for readers of the API."""
    return [*get_lib_doc_excludes(), Rendered, RenderedModel]


def forget_database_limits(result: Json, **kwargs: Any) -> Json:
    """A hook: the range of a database's integers is no promise, and differs between them."""
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            if field.get("maximum", 0) >= LARGEST_INTEGER:
                field.pop("maximum")
                field.pop("format", None)
    return result


def describe_errors(result: Json, **kwargs: Any) -> Json:
    """A hook: a schema for each code, and `Refusal` for any of them, discriminated by code."""
    schemas = result["components"]["schemas"]
    kinds = {kind.code: kind for kind in _descendants(CodedError) if hasattr(kind, "code")}
    codes = sorted(kinds.keys() | ANYWHERE.keys())
    for code in codes:
        schemas[_name(code)] = _one_code(code, _details(kinds.get(code)))
    schemas["Error"] = _error({"type": "string"}, FIELDS)
    schemas["Refusal"] = _any_of(codes)
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _refuse(bodies: Json, status: int, codes: list[str]) -> None:
    named = bodies.get(str(status))
    if named is None:
        bodies[str(status)] = _body(_listed(codes), _any_of(codes))
        return
    content = named["content"]["application/json"]
    options = content["schema"].get("oneOf", [content["schema"]])
    codes = list(dict.fromkeys([*codes, *(_code(option["$ref"]) for option in options)]))
    named["description"], content["schema"] = _listed(codes), _any_of(codes)


def _refusals(kinds: list[type[CodedError]]) -> OpenApiResponse:
    return OpenApiResponse(
        _any_of([kind.code for kind in kinds]),
        description=_listed([kind.code for kind in kinds]),
        examples=[
            OpenApiExample(kind.code, value=kind(**kind.example).body(), response_only=True)
            for kind in kinds
        ],
    )


def _any_of(codes: Iterable[str]) -> Json:
    options = [{"$ref": _ref(_name(code))} for code in dict.fromkeys(codes)]
    return options[0] if len(options) == 1 else {"oneOf": options}


def _one_code(code: str, details: Json) -> Json:
    return _error({"type": "string", "enum": [code]}, details)


def _error(code: Json, details: Json) -> Json:
    return {
        "type": "object",
        "properties": {"code": code, "message": {"type": "string"}, "details": details},
        "required": ["code", "message", "details"],
    }


def _details(kind: type[CodedError] | None) -> Json:
    if kind is None or not kind.example:
        return FIELDS
    shown = kind(**kind.example).details
    fields = {name: {"type": JSON_TYPES[type(value)]} for name, value in shown.items()}
    return {"type": "object", "properties": fields, "required": list(fields)}


def _descendants(kind: type[CodedError]) -> Iterable[type[CodedError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _body(description: str, schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}, "description": description}


def _listed(codes: list[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _name(code: str) -> str:
    """`sold_out` is described by `SoldOutError`."""
    return "".join(word.capitalize() for word in code.split("_")) + "Error"


def _code(ref: str) -> str:
    """`sold_out`, of the reference to `SoldOutError`."""
    words = ref.rpartition("/")[2].removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in words).lstrip("_")


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"
