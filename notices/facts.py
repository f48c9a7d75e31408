"""Facts as a row keeps them: what was true when it was written, in JSON that loses nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID


def plain(value: object) -> object:
    """A fact as JSON: sums and keys as strings, times in UTC as ISO 8601 has them.

    Raises `TypeError` for a float, which is no sum, and for whatever else JSON has no word for;
    `ValueError` for a time of no zone.
    """
    match value:
        case None | bool() | int():
            return value
        case str() | Decimal() | UUID():
            return str(value)
        case datetime():
            return _in_utc(value)
        case Mapping():
            return {str(name): plain(fact) for name, fact in value.items()}
        case list() | tuple():
            return [plain(fact) for fact in value]
    raise TypeError(f"{value!r} is no fact: give strings, whole numbers, Decimals and times.")


def _in_utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} is a time of no zone.")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
