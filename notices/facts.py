"""Facts as stored in a row: what was true when it was written, in JSON without loss."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID


def plain(value: object) -> object:
    """A fact as JSON: amounts and keys as strings, times as ISO 8601 in UTC.

    Raises `TypeError` for a float, which is no amount, and for anything else that JSON can't hold;
    `ValueError` for a time without a zone.
    """
    match value:
        case None | bool() | int():
            return value
        case str() | Decimal() | UUID():
            return str(value)
        case datetime():
            return _in_utc(value)
        case dict() | Mapping():
            return {
                str(name): fact if type(fact) is str else plain(fact)
                for name, fact in value.items()
            }
        case list() | tuple():
            return [plain(fact) for fact in value]
    raise TypeError(f"{value!r} is no fact: give strings, whole numbers, Decimals and times.")


def _in_utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} is a time of no zone.")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
