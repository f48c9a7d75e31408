"""What every table has: time-ordered keys and locking."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, Self

from django.db import models
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from uuid_utils.compat import uuid7


class LockingQuerySet(models.QuerySet):
    def locked(self) -> Self:
        """The rows FOR UPDATE, once evaluated, with those that they are joined to."""
        return self.select_for_update()

    def claimed(self) -> Self:
        """Those rows that nothing else has locked, FOR UPDATE, without waiting."""
        return self.select_for_update(skip_locked=True)


class UUIDModel(models.Model):
    # Time-ordered keys keep inserts at the end of the index.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Django makes it; what that asks every field of every object is kept per model."""
        blank = None if args else _blank(type(self))
        if blank is None or not kwargs.keys() <= blank.names:
            super().__init__(*args, **kwargs)
            return
        self._state = ModelState()
        columns = self.__dict__
        columns.update(blank.values)
        for name, make in blank.makers:
            if name not in kwargs:
                columns[name] = make()
        for name, value in kwargs.items():
            if name in blank.columns:
                columns[name] = value
            else:
                setattr(self, name, value)


class TimestampedModel(UUIDModel):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class _Blank(NamedTuple):
    """What a new object has in its `columns`; `names` are those that it can be given."""

    values: dict[str, object]
    makers: list[tuple[str, Callable[[], object]]]
    columns: frozenset[str]
    names: frozenset[str]


@cache
def _blank(model: type[models.Model]) -> _Blank | None:
    """None if a new object is more than the values of its columns."""
    meta: Any = model._meta
    fields = [field for field in meta.concrete_fields if not field.generated]
    plain = {DeferredAttribute, ForeignKeyDeferredAttribute}
    listening = any(signal.has_listeners(model) for signal in (pre_init, post_init))
    if meta.abstract or listening or {type(getattr(model, f.attname)) for f in fields} - plain:
        return None
    makers = {
        field.attname: field.default if field.has_default() else field.get_default
        for field in fields
        if (callable(field.default) if field.has_default() else field.has_db_default())
    }
    return _Blank(
        values={f.attname: f.get_default() for f in fields if f.attname not in makers},
        makers=list(makers.items()),
        columns=frozenset(field.attname for field in fields),
        names=frozenset(name for field in fields for name in (field.attname, field.name)),
    )
