"""The shape of what comes from outside, or goes there."""

from typing import Any

# An object of JSON.
Json = dict[str, Any]
