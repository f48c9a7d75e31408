"""The shape of what comes in from outside or goes out."""

from collections.abc import Sequence
from typing import Any

# A JSON object.
Json = dict[str, Any]
# What an expression makes for the driver: SQL, and what fills it.
Sql = tuple[str, Any]
# What a database answers.
Rows = Sequence[Sequence[Any]]
