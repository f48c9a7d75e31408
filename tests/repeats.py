"""Fails every read of the suite that asks the database the same question row by row."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

# The same SQL with other parameters; the third time it is a loop.
AT_MOST = 2


class RepeatedQuery(AssertionError):
    pass


def refuse_repeats(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """The middleware around all the others. Writes go free: many rows are saved one by one."""

    def respond(request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return get_response(request)
        asked: Counter[str] = Counter()

        def ask(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            asked[sql] += 1
            if asked[sql] > AT_MOST and sql.startswith("SELECT"):
                raise RepeatedQuery(f"{request.path} asks again and again: {sql}")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(ask):
            return get_response(request)

    return respond
