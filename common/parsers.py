"""What a body may look like."""

from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from common.shapes import Json


class BoundedJSONParser(JSONParser):
    """JSON that isn't nested too deeply for the parser."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class Exact(serializers.Serializer):
    """Accepts a JSON object with its own fields and no others."""

    def to_internal_value(self, data: object) -> Json:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else ()
        if unknown:
            raise serializers.ValidationError(
                {str(name): ["This field isn't expected here."] for name in unknown}
            )
        return super().to_internal_value(data)


def parsed(form: type[serializers.Serializer], request: Request) -> Json:
    """The parsed body, whatever the method; no body counts as an empty one."""
    said = {} if request.data is None else request.data
    return dict(_of_nothing(form) if said == {} else _validated(form, said))


@cache
def _of_nothing(form: type[serializers.Serializer]) -> Json:
    return _validated(form, {})


def _validated(form: type[serializers.Serializer], data: object) -> Json:
    serializer = form(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
