"""Every prepared statement of the tree, on the database that the suite runs on."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import prepared
from common.conditions import Condition
from common.prepared import EVERY
from courses.queries import first_listed
from enrollments.queries import newest_enrollments
from tests.test_architecture import SOURCES

pytestmark = pytest.mark.django_db

VALUES: dict[object, Callable[[], object]] = {
    UUID: uuid4,
    datetime: timezone.now,
    Decimal: lambda: Decimal("12.50"),
    int: lambda: 3,
    str: lambda: "Some.Body@Example.COM",
    Condition: lambda: Condition("1 = %s OR 1 = %s", [2, 3]),
}


def everything() -> list[Any]:
    for path in SOURCES:
        if path.name == "queries.py":
            import_module(f"{path.parent.name}.queries")
    # Written for each length.
    newest_enrollments(20)
    for few in (False, True):
        first_listed(("-created_at", "-id"), 20, few=few)
    return [query for query in EVERY if not query.__module__.startswith("tests.")]


def some_values(build: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(build)
    return {name: some_value(hints[name]) for name in signature(build).parameters}


def some_value(hint: Any) -> Any:
    if get_origin(hint) is list:
        [kind] = get_args(hint)
        return [VALUES[kind]() for _ in range(3)]
    return VALUES[hint]()


def by_the_orm(build: Callable[..., Any], given: dict[str, Any]) -> Any:
    built = build(**given)
    if isinstance(built, models.QuerySet):
        return list(built)
    queryset, values = built
    return queryset.update(**values)


def statements_of(call: Callable[[], Any]) -> list[str]:
    """What the database was asked, but for what the ORM is generous with and means nothing.

    Parentheses, and on SQLite the cast of a number that is added to one.
    """
    # SQLite is asked once whether it knows JSON.
    assert connection.features.supports_json_field
    with CaptureQueriesContext(connection) as told:
        assert not call()
    return [re.sub(r"[()]|\bCAST\b| AS NUMERIC\b", "", query["sql"]) for query in told]


@pytest.mark.parametrize("query", everything(), ids=lambda query: query.__qualname__)
def test_it_asks_what_the_orm_would(query):
    build = query.__wrapped__
    given = some_values(build)
    for values in (given, {name: [] if type(v) is list else v for name, v in given.items()}):
        expected = statements_of(lambda values=values: by_the_orm(build, values))
        assert statements_of(lambda values=values: query(**values)) == expected


def test_each_is_known_and_stands_in_queries():
    written = [
        f"{path.parent.name}.{path.stem}.{name}"
        for path in SOURCES
        for name in re.findall(r"^ *@prepared.*\n *def (\w+)", path.read_text(), re.MULTILINE)
        if path != Path(prepared.__file__)
    ]
    # One that is written for each length may be there more than once, by what has run before.
    known = {f"{query.__module__}.{query.__name__}" for query in everything()}
    assert sorted(written) == sorted(known)
    assert all(".queries." in name for name in written)
