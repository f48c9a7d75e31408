"""A constraint or an index that this database would leave out ends the start, not just warns."""

from itertools import chain
from typing import Any

from django.apps import apps
from django.core import checks

LEFT_OUT = {f"models.W0{number}" for number in (36, 37, 38, 39, 40, 43, 44, 45, 46, 47)}


def refuse_missing_constraints(*args: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Django's own warnings about what it will not create, raised to errors."""
    messages = chain.from_iterable(m.check(databases=["default"]) for m in apps.get_models())
    return [
        checks.Error(message.msg, message.hint, message.obj, id=message.id)
        for message in messages
        if message.id in LEFT_OUT
    ]
