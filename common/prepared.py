"""Statements that the ORM writes once, and that run with other values each time.

Building a queryset and compiling it takes the server several times as long as the statement itself.
If many requests need the same statement, a function defines it once:

    @prepared
    def open_sessions(course: UUID, now: datetime) -> QuerySet[CourseSession]:
        return CourseSession.objects.filter(course=course, starts_at__gt=now)

    sessions = open_sessions(course_id, timezone.now())

It is called once, with expressions instead of values. What the ORM decides at each use is decided
at each call: which database, whether a lock has its transaction, what an empty list means.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial, update_wrapper
from inspect import signature
from typing import Any, NoReturn, ParamSpec, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, ValuesListIterable
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

from common.conditions import Condition
from common.shapes import Sql
from common.statements import Sent, execute
from common.writing import change

P = ParamSpec("P")
Row = TypeVar("Row")
Made = TypeVar("Made")
Found = TypeVar("Found", bound=models.Model)
# SQL, and the values for its places.
Filled = tuple[str, list[Any]]
# The rows of an UPDATE, and what changes of them.
Change = tuple[models.QuerySet, dict[str, object]]


def prepared(build: Callable[P, models.QuerySet[Any, Row]]) -> Callable[P, list[Row]]:
    """Turn `build`, which gives a queryset, into a function that gives its rows.

    Rows are objects, or tuples if it ends in `values_list`. The parameters are values as annotated:
    UUID, datetime, Decimal, int, str, a list of such, or a `Condition`; None is refused.
    Everything else is fixed by the first call, including settings, so a time has to be a parameter.
    A slice takes fixed numbers.
    """
    return _Prepared(build, _Select)


def prepared_as(
    make: Callable[..., Made],
) -> Callable[[Callable[P, models.QuerySet]], Callable[P, list[Made]]]:
    """The same, but each row is `make(object, **added)`.

    `added` is what the queryset annotates. No model declares it, so such a row needs its own type.
    """
    return lambda build: _Prepared(build, partial(_Select, make=make))


def prepared_update(build: Callable[P, Change]) -> Callable[P, int]:
    """The same for an UPDATE: `build` gives a queryset and what changes; a call, how many rows."""
    return _Prepared(build, _Change)


class Given(Expression):
    """The place of a value, or of a whole list of them, in a statement."""

    def __init__(self, name: str, output_field: models.Field, listed: bool) -> None:
        super().__init__(output_field=output_field)
        self.name, self.listed = name, listed

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        return "%s", [self]

    def prepare(self, value: Any, connection: BaseDatabaseWrapper) -> object:
        """What the driver is sent for an argument; a list for a list."""
        if self.listed:
            return [self._prepare(item, connection) for item in value]
        return self._prepare(value, connection)

    def _prepare(self, value: object, connection: BaseDatabaseWrapper) -> object:
        if value is None:
            raise TypeError(f"{self.name} is None, which no comparison finds: ask for isnull")
        return self.output_field.get_db_prep_value(value, connection)


class _Place(Given):
    """What a builder gets instead of a value, before the ORM uses it."""

    def resolve_expression(self, *_: Any, **__: Any) -> Given:  # type: ignore[override]
        return Given(self.name, self.output_field, self.listed)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"{self.name} has no value yet: only a lookup or an expression takes it")

    # The outcome of an `if` or a slice would be fixed for ever.
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


class _ConditionGiven(Given):
    """The place of a condition, which brings places of its own."""

    def prepare(self, value: object, connection: BaseDatabaseWrapper) -> object:
        return value


class _ConditionPlace(Condition):
    """What a builder gets instead of a condition."""

    listed = False

    def __init__(self, name: str) -> None:
        self.name, self.given = name, _ConditionGiven(name, models.BooleanField(), listed=True)
        super().__init__("%s", [self.given])
        self.prepare = self.given.prepare


FIELDS: dict[object, Callable[[], models.Field]] = {
    UUID: models.UUIDField,
    datetime: models.DateTimeField,
    Decimal: lambda: models.DecimalField(max_digits=12, decimal_places=2),
    int: models.IntegerField,
    str: models.CharField,
}


class _Prepared:
    def __init__(
        self, build: Callable[..., Any], kind: "Callable[[Any], _Select | _Change]"
    ) -> None:
        update_wrapper(self, build)
        self._build, self._kind = build, kind
        self._signature = signature(build)
        hints = get_type_hints(build)
        self._places = [_place(name, hints[name]) for name in self._signature.parameters]
        self._names = [place.name for place in self._places]
        self._lists = [place.name for place in self._places if place.listed]
        self.forget()
        EVERY.append(self)

    def forget(self) -> None:
        """Have it compiled again at the next call."""
        self._asked: _Select | _Change | None = None
        self._statements: dict[str, _Rows | _Update] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != len(self._names):
            args = self._signature.bind(*args, **kwargs).args
        given = dict(zip(self._names, args, strict=True))
        for name in self._lists:
            given[name] = [*given[name]]
            if not given[name]:
                return self._by_the_orm(given)
        if self._asked is None:
            self._asked = self._kind(self._build(*self._places))
        db = self._asked.queryset.db
        if db not in self._statements:
            self._statements[db] = self._asked.written(db)
        return self._statements[db].run(given)

    def _by_the_orm(self, given: dict[str, object]) -> Any:
        """For values that would lead to a different statement, or to none."""
        asked = self._kind(self._build(**given))
        for place in self._places:
            place.prepare(given[place.name], connections[asked.queryset.db])
        return asked.by_the_orm()


# All of them, for tests.
EVERY: list[_Prepared] = []


def _place(name: str, hint: object) -> _Place | _ConditionPlace:
    """The stand-in for a parameter while the statement is compiled."""
    if hint is Condition:
        return _ConditionPlace(name)
    listed = get_origin(hint) is list
    [kind] = get_args(hint) if listed else [hint]
    if kind not in FIELDS:
        raise TypeError(f"{name}: {hint} is no kind of value that a statement is prepared for")
    return _Place(name, FIELDS[kind](), listed)


class _Select:
    """The rows of a queryset."""

    def __init__(self, queryset: models.QuerySet, make: Callable[..., Any] | None = None) -> None:
        self.queryset, self._make = queryset, make

    def by_the_orm(self) -> list[Any]:
        if self._make is None:
            return list(self.queryset)
        names = self.queryset.query.annotation_select
        return [
            self._make(row, **{name: getattr(row, name) for name in names}) for row in self.queryset
        ]

    def written(self, db: str) -> "_Rows":
        return _Rows(self.queryset, db, self._make)


class _Change:
    """The rows of a queryset, with what changes."""

    def __init__(self, built: Change) -> None:
        queryset: Any
        queryset, self._values = built
        queryset._for_write = True
        self.queryset = queryset

    def by_the_orm(self) -> int:
        return self.queryset.update(**self._values)

    def written(self, db: str) -> "_Update":
        return _Update(self.queryset, self._values, db)


# Dates and times, as a database is sent them.
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d")


class _Statement:
    """SQL, and how each of its places is filled."""

    def __init__(self, query: Any, db: str) -> None:
        self._db = db
        self._compiler = query.get_compiler(using=db)
        self._sql, self._params = self._compiler.as_sql()
        for param in self._params:
            if isinstance(param, date | time) or (isinstance(param, str) and _TIME.match(param)):
                raise TypeError(f"{param} would stay for ever: let a time be a parameter")
        # Arguments of these types need no preparing.
        self._unchanged = {
            param.name: Sent(param.output_field, connections[db]).unchanged
            for param in self._params
            if isinstance(param, Given)
        }
        self._listed = any(isinstance(param, Given) and param.listed for param in self._params)
        if self._listed:
            self._sql = self._sql.replace("%%", "%%%%")
        # In any part of it: the ORM checks each one, but only while compiling.
        self._locks = "FOR UPDATE" in self._sql

    def _filled(self, given: dict[str, object], connection: BaseDatabaseWrapper) -> Filled:
        """SQL and values for the driver."""
        if self._locks and connection.get_autocommit():
            raise TransactionManagementError(
                "select_for_update cannot be used outside of a transaction."
            )
        values = [
            param
            if not isinstance(param, Given)
            else value
            if type(value := given[param.name]) in self._unchanged[param.name]
            else param.prepare(value, connection)
            for param in self._params
        ]
        return self._spread(values) if self._listed else (self._sql, values)

    def _spread(self, values: list[object]) -> Filled:
        """The same, with as many places as a list has items, or a condition."""
        spread = [_spread_out(value) for value in values]
        places = tuple(sql for sql, _ in spread)
        return self._sql % places, [item for _, items in spread for item in items]


def _spread_out(value: object) -> Filled:
    if isinstance(value, Condition):
        return value.sql, value.values
    items = value if isinstance(value, list) else [value]
    return ", ".join(["%s"] * len(items)), items


class _Rows(_Statement):
    def __init__(self, queryset: models.QuerySet, db: str, make: Callable[..., Any] | None) -> None:
        query: Any = queryset
        kinds: set[object] = {ModelIterable, ValuesListIterable}
        if query._iterable_class not in kinds or query._prefetch_related_lookups:
            raise TypeError("Rows are objects or tuples, and nothing is prefetched with them")
        super().__init__(query.query.clone(), db)
        compiler = self._compiler
        self._convert = _rows_converter(compiler)
        self._make = make
        self._plan: _Plan | None = None
        if query._iterable_class is ModelIterable:
            self._plan = _Plan(compiler.klass_info, compiler.select, db)
            self._added = list(compiler.annotation_col_map.items())

    def run(self, given: dict[str, object]) -> list[Any]:
        connection = connections[self._db]
        rows, _ = execute(connection, *self._filled(given, connection))
        converted = self._convert(rows)
        if self._plan is None:
            return [tuple(row) for row in converted]
        return [self._object(self._plan, row) for row in converted]

    def _object(self, plan: "_Plan", row: Sequence[object]) -> Any:
        made = plan.make(row)
        if self._make:
            return self._make(made, **{name: row[position] for name, position in self._added})
        for name, position in self._added:
            setattr(made, name, row[position])
        return made


def _rows_converter(compiler: SQLCompiler) -> Callable[[Sequence[Any]], Iterable[list[Any]]]:
    """What converts rows of the database to those of the ORM."""
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    if make := getattr(compiler.connection.ops, "rows_converter", None):
        return make(converters)
    return lambda rows: compiler.apply_converters(rows, converters)


class _Plan:
    """How a row becomes an object, together with those joined to it.

    As the ORM makes them, but without `__init__`, which costs more than all the rest: fields are
    set as they came, and no signal is sent.
    """

    def __init__(self, info: dict[str, Any], select: Any, db: str) -> None:
        self._model, self._db = info["model"], db
        columns = info["select_fields"]
        self._names = [select[column][0].target.attname for column in columns]
        # Beside each other; should they ever not be, there are more values than names.
        self._columns = slice(columns[0], columns[-1] + 1)
        self._key = columns[self._names.index(self._model._meta.pk.attname)]
        self._joined = [
            (_Plan(joined, select, db), joined["local_setter"], joined["remote_setter"])
            for joined in info.get("related_klass_infos", [])
        ]

    def make(self, row: Sequence[object]) -> Any:
        if row[self._key] is None:
            return None
        made = as_found(self._model, self._db)
        made.__dict__.update(zip(self._names, row[self._columns], strict=True))
        for plan, set_here, set_there in self._joined:
            other = plan.make(row)
            set_here(made, other)
            if other is not None:
                set_there(other, made)
        return made


def as_found(model: type[Found], db: str | None, **fields: object) -> Found:
    """An object with these fields read; the others are fetched when they are needed.

    As the ORM makes it, but without `__init__`.
    """
    made = model.__new__(model)
    state = made.__dict__["_state"] = ModelState()
    state.adding, state.db = False, db
    made.__dict__.update(fields)
    return made


class _Update(_Statement):
    def __init__(self, queryset: models.QuerySet, values: dict[str, object], db: str) -> None:
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        query.clear_select_clause()
        query.get_initial_alias()
        if query.is_sliced or query.count_active_tables() > 1:
            # MySQL would be asked for rows of other tables now, once for all calls.
            raise TypeError("A prepared UPDATE takes no slice and filters by its own table alone")
        super().__init__(query, db)

    def run(self, given: dict[str, object]) -> int:
        connection = connections[self._db]
        return change(connection, *self._filled(given, connection))
