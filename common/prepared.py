"""Statements that the ORM writes once, and that run with other values each time.

Building a queryset and making SQL of it takes the server several times as long as the statement
itself. Where many requests ask the same, a function says once what is asked:

    @prepared
    def _open_sessions(course: UUID, now: datetime) -> QuerySet:
        return CourseSession.objects.filter(course=course, starts_at__gt=now)

    sessions = _open_sessions(course_id, timezone.now())

It is called the first time only, with expressions in place of the values.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import update_wrapper
from typing import Any, ParamSpec, get_args, get_type_hints
from uuid import UUID

from django.db import connections, models
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable
from django.db.models.sql import UpdateQuery

P = ParamSpec("P")


def prepared(build: Callable[P, models.QuerySet]) -> Callable[P, list[Any]]:
    """Make `build`, which gives a queryset, a function that gives its rows: objects, or tuples
    where it ends in `values_list`.

    Its parameters are values as annotated: UUID, datetime, Decimal, int, str, or a list of such,
    never an empty one. What is no parameter is fixed by the first call, settings included.
    """
    return _Prepared(build, _Rows)


def prepared_update(
    build: Callable[P, tuple[models.QuerySet, dict[str, Any]]],
) -> Callable[P, int]:
    """The same for an UPDATE: `build` gives a queryset and what changes; a call, how many rows."""
    return _Prepared(build, _Update)


class Given(Expression):
    """The place of a value, or of a whole list of them, in a statement."""

    def __init__(self, name: str, output_field: models.Field, listed: bool) -> None:
        super().__init__(output_field=output_field)
        self.name, self.listed = name, listed

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def values_in(self, given: dict[str, Any], connection: Any) -> list[Any]:
        values = given[self.name] if self.listed else [given[self.name]]
        return [self.output_field.get_db_prep_value(value, connection) for value in values]


FIELDS: dict[Any, Callable[[], models.Field]] = {
    UUID: models.UUIDField,
    datetime: models.DateTimeField,
    Decimal: lambda: models.DecimalField(max_digits=12, decimal_places=2),
    int: models.IntegerField,
    str: models.CharField,
}


class _Prepared:
    def __init__(self, build: Callable[..., Any], kind: "Callable[[Any], _Statement]") -> None:
        update_wrapper(self, build)
        self._build, self._kind = build, kind
        self._hints = get_type_hints(build)
        del self._hints["return"]
        self._statement: _Statement | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._statement is None:
            places: Any = [_place(name, hint) for name, hint in self._hints.items()]
            self._statement = self._kind(self._build(*places))
        return self._statement.run(dict(zip(self._hints, args, strict=False)) | kwargs)


def _place(name: str, hint: Any) -> Any:
    """What a parameter is while the statement is written."""
    if items := get_args(hint):
        return [Given(name, FIELDS[items[0]](), listed=True)]
    return Given(name, FIELDS[hint](), listed=False)


class _Statement:
    """SQL, and what each of its places is filled with."""

    def __init__(self, query: Any, db: str) -> None:
        self._db = db
        self._compiler = query.get_compiler(using=db)
        sql, self._params = self._compiler.as_sql()
        self._pieces = sql.split("%s")

    def run(self, values: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _fill(self, given: dict[str, Any], connection: Any) -> tuple[str, list[Any]]:
        sql, values = self._pieces[0], []
        for param, piece in zip(self._params, self._pieces[1:], strict=True):
            filling = param.values_in(given, connection) if isinstance(param, Given) else [param]
            sql += ", ".join(["%s"] * len(filling)) + piece
            values += filling
        return sql, values


class _Rows(_Statement):
    def __init__(self, queryset: models.QuerySet) -> None:
        super().__init__(queryset.query, queryset.db)
        compiler = self._compiler
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])
        self._plan: _Plan | None = None
        if queryset._iterable_class is ModelIterable:
            self._plan = _Plan(compiler.klass_info, compiler.select, self._db)
            self._added = list(compiler.annotation_col_map.items())

    def run(self, values: dict[str, Any]) -> list[Any]:
        connection = connections[self._db]
        with connection.cursor() as cursor:
            cursor.execute(*self._fill(values, connection))
            rows = cursor.fetchall()
        converted = self._compiler.apply_converters(rows, self._converters)
        return [self._object(self._plan, row) for row in converted] if self._plan else [*converted]

    def _object(self, plan: "_Plan", row: list[Any]) -> Any:
        made = plan.make(row)
        for name, position in self._added:
            setattr(made, name, row[position])
        return made


class _Plan:
    """How a row becomes an object and those joined to it.

    As the ORM makes them, but for `__init__`, which costs more than all the rest: fields are set
    as they came, and no signal is sent.
    """

    def __init__(self, info: dict[str, Any], select: Any, db: str) -> None:
        self._model, self._db = info["model"], db
        columns = info["select_fields"]
        self._fields = [(select[column][0].target.attname, column) for column in columns]
        key = self._model._meta.pk.attname
        self._key = next(column for name, column in self._fields if name == key)
        self._joined = [
            (_Plan(joined, select, db), joined["local_setter"], joined["remote_setter"])
            for joined in info.get("related_klass_infos", [])
        ]

    def make(self, row: list[Any]) -> Any:
        if row[self._key] is None:
            return None
        made = self._model.__new__(self._model)
        state = made.__dict__["_state"] = ModelState()
        state.adding, state.db = False, self._db
        for name, column in self._fields:
            made.__dict__[name] = row[column]
        for plan, set_here, set_there in self._joined:
            other = plan.make(row)
            set_here(made, other)
            if other is not None:
                set_there(other, made)
        return made


class _Update(_Statement):
    def __init__(self, change: tuple[models.QuerySet, dict[str, Any]]) -> None:
        queryset, values = change
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        super().__init__(query, queryset.db)

    def run(self, values: dict[str, Any]) -> int:
        connection = connections[self._db]
        with connection.cursor() as cursor:
            cursor.execute(*self._fill(values, connection))
            return int(cursor.rowcount)
